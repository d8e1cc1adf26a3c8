import numpy as np
import pytest

from gaae_tf.data.shards import Clips
from gaae_tf.evaluation.encoded import Encoded
from gaae_tf.evaluation.measures.hearing import harmonicity_figure, heard, within_a_semitone
from gaae_tf.evaluation.measures.restyling import restyling
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling, LogMagnitudeStatistics
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.signal_path import SignalPath

RATE_HZ, SAMPLES = 4000, 512
STATISTICS = LogMagnitudeStatistics(maximum=3.0, mean=-3.0, deviation=2.0)
PATH = SignalPath(StftSettings("hann", 64, 16, 64), LogMagnitudeScaling(statistics=STATISTICS))
# The class is the tone's phase, in thirds of a turn, which nothing but the scorer below hears.
SPEAKERS_HZ = {"ann": 300.0, "bob": 700.0, "eve": 1500.0}
CLASSES = ("zero", "one", "two")
TIME = np.arange(SAMPLES) / RATE_HZ


def tone(hz, label):
    return np.sin(2.0 * np.pi * (hz * TIME + label / 3.0))


def clips(each, seed=0, **labels):
    """So many clips of each speaker and class, in a seeded order."""
    rng = np.random.default_rng(seed)
    known = [(name, label) for name in SPEAKERS_HZ for label in range(3)] * each
    known = [known[i] for i in rng.permutation(len(known))]
    audio = np.stack([tone(SPEAKERS_HZ[name], label) for name, label in known])
    audio = 0.3 * audio + rng.normal(0.0, 0.002, audio.shape)
    speakers, classes = zip(*known, strict=True)
    extra = {name: tuple(of(*pair) for pair in known) for name, of in labels.items()}
    sources = ("",) * len(known)
    return Clips(np.int16(32767 * audio), np.array(classes), speakers, sources, extra)


class Scorer:
    """Hears the phase of the three tones."""

    def score(self, audio, *, sample_rate_hz):
        scores = [
            sum(np.maximum(audio @ tone(hz, label), 0.0) for hz in SPEAKERS_HZ.values())
            for label in range(3)
        ]
        return np.stack(scores, axis=1), None


class Run:
    """Restyles by the phase alone, or by the phase and the speaker; keeps what it is asked.

    Its codes and its spectrograms are the sound itself.
    """

    classes, sample_rate_hz = CLASSES, RATE_HZ

    def __init__(self, speaker=None, silent=False):
        self.speaker, self.silent, self.asked, self.reconstructed = speaker, silent, [], 0

    def restyle_codes(self, codes, labels):
        audio = codes["style"]
        self.asked += labels
        if self.silent:
            return np.zeros_like(audio)
        hz = np.array(list(SPEAKERS_HZ.values()))
        loud = [np.abs(audio @ np.exp(-2j * np.pi * one * TIME)) for one in hz]
        own = hz[np.argmax(loud, axis=0)]
        if self.speaker:
            own[:] = SPEAKERS_HZ[self.speaker]
        made = [tone(one, label) for one, label in zip(own, labels, strict=True)]
        # With the recordings' noise, without which the probe knows no sound.
        noise = np.random.default_rng(len(self.asked)).normal(0.0, 0.002, audio.shape)
        return np.float32(0.3 * np.stack(made) + noise)

    def decode(self, codes):
        self.reconstructed += len(codes["style"])
        return 0.5 * codes["style"]

    def to_audio(self, spectrograms):
        return spectrograms


def measured(run, train=None, test=None, **options):
    train, test = train or clips(12), test or clips(10, 1)
    encoded = Encoded({"style": test.audio / np.float32(32768.0)}, None)
    return restyling(run, Scorer(), train, test, encoded, PATH, **options)


def values(figures):
    return {name: figure["value"] for name, figure in figures.items() if isinstance(figure, dict)}


def test_a_run_that_changes_the_class_alone_keeps_speaker_and_pitch():
    run, test = Run(), clips(10, 1)
    found = measured(run, test=test)
    assert (found["requested_class_found"]["value"], found["clips"]) == (1.0, 90)
    assert found["own_class_found"]["value"] == 0.0
    assert values(found["pitch_within_a_semitone"]) == {"reconstructed": 1.0, "restyled": 1.0}
    told = found["labels_told"]["speaker"]
    assert values(told) == {"real_test": 1.0, "reconstructed": 1.0, "restyled": 1.0}
    assert told["chance"] == pytest.approx(1 / 3)
    assert told["class_decides"] is False
    assert told["restyled"]["interval_95"][0] == pytest.approx(0.959, abs=1e-3)  # 90 / (90 + z²)
    # Each clip as one class, none as its own, and each of the others about as often.
    asked = np.array(run.asked)
    assert len(asked) == 90
    assert not np.any(asked == test.labels)
    shifts = np.bincount((asked - test.labels) % 3, minlength=3)
    assert shifts[0] == 0
    assert shifts[1:].min() > 30


def test_a_run_that_loses_the_speaker_is_found_out():
    found = measured(Run(speaker="bob"))
    assert found["requested_class_found"]["value"] == 1.0
    assert values(found["pitch_within_a_semitone"]) == {
        "reconstructed": 1.0,
        "restyled": pytest.approx(1 / 3),
    }
    assert values(found["labels_told"]["speaker"]) == {
        "real_test": 1.0,
        "reconstructed": 1.0,
        "restyled": pytest.approx(1 / 3),
    }


def test_silence_keeps_no_pitch():
    found = measured(Run(silent=True))
    assert values(found["pitch_within_a_semitone"])["restyled"] == 0.0
    assert found["labels_told"]["speaker"]["restyled"]["value"] == pytest.approx(1 / 3)


def test_a_label_that_the_class_decides_says_so_and_one_of_other_values_why_not():
    take = iter(range(1000))
    labels = {
        "word": lambda _, label: f"word {label}",
        "take": lambda *_: str(next(take)),
        "mood": lambda name, _: "" if name == "ann" else "calm" if name == "bob" else "cross",
        "none": lambda *_: "",
    }
    told = measured(Run(), clips(12, **labels), clips(10, 1, **labels))["labels_told"]
    assert list(told) == ["speaker", "word", "take", "mood"]
    assert told["word"]["class_decides"] is True
    assert "two values of 10 training clips each" in told["take"]["reason"]
    assert told["mood"]["real_test"] == {
        "value": 1.0,
        "interval_95": told["mood"]["real_test"]["interval_95"],
        "clips": 60,
    }
    train = clips(12)
    others = Clips(train.audio, train.labels, ("zoe",) * len(train.labels), train.sources)
    (entry,) = measured(Run(), test=others)["labels_told"].values()
    assert "other values" in entry["reason"]


def test_reconstructions_that_were_heard_are_not_made_again():
    run, test = Run(), clips(10, 1)
    audio = test.audio / np.float32(32768.0)
    found = measured(run, test=test, reconstructed=heard(audio[::-1], RATE_HZ, PATH))
    assert run.reconstructed == 0
    expected = np.mean(np.array(test.speakers) == np.array(test.speakers)[::-1])
    assert values(found["labels_told"]["speaker"])["reconstructed"] == expected
    assert measured(run, test=test)["labels_told"]["speaker"]["reconstructed"]["value"] == 1.0
    assert run.reconstructed == 90


def test_of_many_clips_a_seeded_draw_is_restyled(monkeypatch):
    monkeypatch.setattr("gaae_tf.evaluation.measures.restyling.MOST_CLIPS", 20)
    first, again, other = Run(), Run(), Run()
    for run, seed in ((first, 0), (again, 0), (other, 1)):
        assert measured(run, seed=seed)["clips"] == 20
    assert first.asked == again.asked != other.asked


def test_a_semitone_is_the_limit_and_real_clips_without_a_pitch_are_left_out():
    real = np.array([440.0, 440.0, 440.0, np.nan, 440.0])
    semitone = 2.0 ** (1.0 / 12.0)
    made = np.array([440.0 * semitone * 0.9999, 440.0 / semitone * 0.9999, np.nan, 440.0, 440.0])
    figure = within_a_semitone(made, real)
    assert (figure["value"], figure["clips"]) == (0.5, 4)
    nothing = within_a_semitone(made[:1], np.array([np.nan]))
    assert (nothing["value"], nothing["reason"]) == (
        None,
        "no real test clip has a strongest harmonic",
    )


def test_the_figure_of_harmonicity_leaves_silence_out():
    figure = harmonicity_figure(np.array([0.5, np.nan, 0.9]))
    assert (figure["value"], figure["clips"], figure["silent"]) == (pytest.approx(0.7), 2, 1)
    assert figure["deviation"] == pytest.approx(0.2)
    assert figure["standard_error"] == pytest.approx(0.2)  # √(0.08 / 1) / √2
    assert figure["harmonics_to_noise_db"] == pytest.approx(10.0 * np.log10(7 / 3))
    assert "harmonics_to_noise_db" not in harmonicity_figure(np.ones(2))
    silent = harmonicity_figure(np.array([np.nan]))
    assert (silent["value"], silent["silent"]) == (None, 1)
