import collections
import copy
import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import soundfile

import gaae_tf
from gaae_tf import systems
from gaae_tf.config import TrainConfig
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.folder import prepare
from gaae_tf.data.shards import Clips, read_clips
from gaae_tf.evaluation import context as evaluation_context
from gaae_tf.evaluation import evaluate as evaluation
from gaae_tf.evaluation import taught as teaching
from gaae_tf.evaluation.evaluate import evaluate
from gaae_tf.evaluation.measures import confusion, same_labels, same_labels_altered
from gaae_tf.evaluation.measures.quality import Scored
from gaae_tf.evaluation.measures.usefulness import usefulness
from gaae_tf.evaluation.samples import Sounds
from gaae_tf.evaluation.settings import EvaluateSettings, ScorerSettings
from gaae_tf.evaluation.table import format_table
from gaae_tf.ops import synthesis
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.report.compare import Run, System, tables
from gaae_tf.run.guidance import read_guidance
from gaae_tf.run.names import SCORES_OF_SAMPLES
from gaae_tf.scores import catalogue
from gaae_tf.scores.figure import NOT_MEASURED, read
from gaae_tf.training import fit

# Keras 3.15 saves weights in a way that NumPy 2 announces the end of.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

CLASSES = ("high", "low", "middle")
FREQUENCY_HZ = {"high": 1700.0, "middle": 1000.0, "low": 300.0}
RATE_HZ, SAMPLES = 4000, 512
STFT = StftSettings(window_samples=64, hop_samples=16, fft_size=64)
SETTINGS = ScorerSettings(passes=6, min_steps=20, batch_size=16)
TEST_COUNTS = {"high": 10, "low": 12, "middle": 14}


def tone(name, rng):
    time = np.arange(SAMPLES) / RATE_HZ
    wave = np.sin(2.0 * np.pi * (FREQUENCY_HZ[name] * time + rng.uniform()))
    return (rng.uniform(0.1, 0.5) * wave + rng.normal(0.0, 0.01, SAMPLES)).astype(np.float32)


def always_low(clips):
    return np.tile([0.2, 0.5, 0.3], (clips, 1))


class ToneRun:
    """A run whose every figure is known: it makes tones of the class that `makes` says."""

    sample_rate_hz, clip_samples, classes = RATE_HZ, SAMPLES, CLASSES
    checkpoint, step, vocoder, refine = "none", 7, "none", None

    def __init__(self, dataset, makes=None, guiding=None):
        names = {
            "dataset": str(dataset.path),
            "guidance_dataset": str(guiding.path) if guiding else "",
        }
        self.config = types.SimpleNamespace(
            **names,
            model="gaae",
            uses_labels=True,
            alter_channel=False,
            system=systems.find("gaae"),
        )
        scaling = LogMagnitudeScaling(statistics=dataset.statistics)
        self.signal_path = SignalPath(STFT, scaling)
        self.makes = makes or {name: name for name in CLASSES}
        self.weights_id = str(self.makes)
        parts = [read_clips(part, "test").audio for part in (dataset, guiding) if part]
        self.test_clips = {len(clips): clips / np.float32(32768.0) for clips in parts}

    def can(self, ability):
        return self.config.system.can(ability)

    def generate(self, label, count, seed):
        rng = np.random.default_rng(seed)
        return np.stack([tone(self.makes[label], rng) for _ in range(count)])

    def interpolate(self, first, second, count, label):
        """A tone that fades to half its amplitude, which is its own cross-fade."""
        whole = tone(self.makes[label], np.random.default_rng(first))
        eta = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, np.newaxis]
        return (1.0 - eta / 2.0) * whole

    def class_probabilities(self, spectrograms):
        return always_low(len(spectrograms))

    def encode(self, spectrograms):
        codes = {name: np.zeros((len(spectrograms), 4)) for name in ("guided", "style")}
        return codes, always_low(len(spectrograms))

    def decode(self, codes):
        """Spectrograms of the only test clips of that number, each value too high by 0.1."""
        audio = self.test_clips[len(codes["style"])]
        self.decoded = self.signal_path.spectrogram(audio).numpy() + np.float32(0.1)
        return self.decoded

    def to_audio(self, spectrograms):
        """Of what it decoded, the clips at 0.9 of their level."""
        if spectrograms is self.decoded:
            return 0.9 * self.test_clips[len(spectrograms)]
        return synthesis.to_audio(spectrograms, self.signal_path, "pghi")

    def restyle_codes(self, codes, labels):
        """Tones of the classes asked for, whose pitch is another."""
        rng = np.random.default_rng(len(labels))
        return np.stack([tone(self.makes[CLASSES[label]], rng) for label in labels])

    def generate_spectrograms(self, labels, seed, first):
        """What the class alone decides."""
        levels = np.array([CLASSES.index(label) for label in labels], np.float32)
        return np.tile(levels[:, None, None, None], (1, 32, 32, 1))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("tones"), np.random.default_rng(0)
    for split, counts in (("train", dict.fromkeys(CLASSES, 30)), ("test", TEST_COUNTS)):
        for name, count in counts.items():
            (folder / "wav" / split / name).mkdir(parents=True)
            for index in range(count):
                path = folder / "wav" / split / name / f"{index:02d}.wav"
                soundfile.write(path, tone(name, rng), RATE_HZ)
    config = PrepareConfig(
        out=folder / "dataset",
        sources=(folder / "wav",),
        sample_rate_hz=RATE_HZ,
        clip_samples=SAMPLES,
        stft=STFT,
    )
    return prepare(config, progress=None)


def prepared(folder, splits, rate_hz, samples, stft):
    """A data set of noise in one class: so many clips of each of `splits`."""
    rng = np.random.default_rng(4)
    for split, count in splits.items():
        (folder / "wav" / split / "noise").mkdir(parents=True)
        for index in range(count):
            path = folder / "wav" / split / "noise" / f"{index:02d}.wav"
            soundfile.write(path, 0.1 * rng.uniform(-1, 1, samples), rate_hz)
    config = PrepareConfig(
        out=folder / "dataset",
        sources=(folder / "wav",),
        sample_rate_hz=rate_hz,
        clip_samples=samples,
        stft=stft,
    )
    return prepare(config, progress=False)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    return prepared(folder, {"train": 3, "test": 5}, RATE_HZ, SAMPLES, STFT)


def run_dir_of(path):
    (path / "guidance.json").write_text(json.dumps({"train_indices": [0, 1, 30, 31, 60, 61]}))
    return path


def scores_of(run, run_dir, monkeypatch, **settings):
    monkeypatch.setattr(gaae_tf, "load", lambda _, **options: run, raising=False)
    monkeypatch.setattr(evaluation, "write_listening_page", lambda *_: None)  # of real runs alone
    lines = []
    folders = {name: settings.pop(name) for name in list(settings) if name.endswith("_dir")}
    chosen = EvaluateSettings(
        **{"count": 120, "scorer": SETTINGS, "usefulness_seeds": 0} | settings
    )
    return evaluate(run_dir_of(run_dir), chosen, log=lines.append, **folders), "\n".join(lines)


@pytest.fixture(scope="module")
def faithful(dataset, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        run_dir = tmp_path_factory.mktemp("run")
        run = ToneRun(dataset)
        measured = [{"step": run.step - 1, "accuracy": 0.5}, {"step": run.step, "accuracy": 0.75}]
        (run_dir / "validation.json").write_text(json.dumps(measured))
        return run_dir, *scores_of(run, run_dir, monkeypatch)


def test_a_faithful_run_gets_its_known_figures(faithful):
    _, scores, _ = faithful
    assert scores["scorer_test_accuracy"] == 1.0
    assert scores["requested_class_accuracy"] == 1.0
    # class_probabilities always says "low", 12 of the 36 test clips.
    assert scores["classifier_test_accuracy"] == pytest.approx(12 / 36)
    assert scores["reconstruction_mse"] == pytest.approx(0.1**2, rel=1e-5)
    # ‖0.9 S − S‖ / ‖S‖ = 0.1.
    assert scores["reconstruction_spectral_convergence_db"] == pytest.approx(-20.0, abs=1e-4)
    assert 2.5 < scores["inception_score"] <= 3.0
    assert scores["simple_classifier_same_labels_accuracy"] > 0.6
    assert scores["augmented_classifier_same_labels_accuracy"] > 0.6


def test_generated_sounds_of_the_real_distribution_are_nearest(
    faithful, dataset, tmp_path, monkeypatch
):
    _, scores, _ = faithful
    swapped = ToneRun(dataset, makes={"high": "low", "low": "high", "middle": "middle"})
    collapsed = ToneRun(dataset, makes=dict.fromkeys(CLASSES, "low"))
    swapped_scores, log = scores_of(swapped, tmp_path, monkeypatch)
    assert "taking the scorer kept at" in log
    by_class = swapped_scores["details"]["samples"]["class_accuracy_by_class"]
    assert {name: entry["value"] for name, entry in by_class.items()} == {
        "high": 0.0,
        "low": 0.0,
        "middle": 1.0,
    }
    assert swapped_scores["requested_class_accuracy"] == pytest.approx(1 / 3)

    collapsed_scores, _ = scores_of(collapsed, tmp_path, monkeypatch)
    assert collapsed_scores["inception_score"] < 1.05
    assert collapsed_scores["frechet_distance"] > 10.0 * scores["frechet_distance"]


def test_scores_file_holds_plain_figures_with_their_provenance(faithful):
    run_dir, scores, _ = faithful
    written = json.loads((run_dir / "scores.json").read_text())
    assert written == scores
    for key in (
        "requested_class_accuracy",
        "classifier_test_accuracy",
        "scorer_test_accuracy",
        "inception_score",
        "frechet_distance",
        "reconstruction_mse",
    ):
        assert isinstance(written[key], float)
    provenance = written["provenance"]
    assert provenance["samples"] == 120
    assert provenance["step"] == 7
    assert provenance["test_clips"] == 36
    assert provenance["labels_of_the_run"] == 6
    assert (provenance["vocoder"], provenance["refine"]) == ("none", None)
    assert provenance["scorer"]["test_accuracy"]["value"] == written["scorer_test_accuracy"]
    assert not list(run_dir.glob(".*"))


def test_the_run_is_loaded_with_the_vocoder_that_is_asked_for(tmp_path, monkeypatch):
    class Loaded(Exception):
        pass

    def load(run_dir, **options):
        raise Loaded(run_dir, options)

    monkeypatch.setattr(gaae_tf, "load", load)
    settings = EvaluateSettings(vocoder="griffin_lim", refine=16)
    with pytest.raises(Loaded) as loaded:
        evaluate(tmp_path, settings)
    assert loaded.value.args == (tmp_path, {"vocoder": "griffin_lim", "refine": 16})


def test_a_comparison_finds_every_figure(faithful):
    _, scores, _ = faithful
    made = {table.name: table for table in tables([System("run", (Run("run", scores),))])}
    missing = {
        (name, *key)
        for name, table in made.items()
        for block in table.blocks
        for key, cell in block.rows[0].cells.items()
        if cell.reason == "not measured"
    }
    assert {key[:3] for key in missing} == {("classification", "details", "usefulness")}
    found = made["quality"].blocks[0].rows[0].cells
    key = ("details", "samples", "against_real_test", "frechet_logits")
    assert found[key].value == scores["frechet_distance"]
    assert made["quality"].blocks[0].context["scorer_accuracy"] == "1.0"


def test_a_figure_that_cannot_be_had_is_null_with_its_reason(faithful):
    _, scores, _ = faithful
    entry = scores["details"]["samples"]["against_real_test"]["frechet_features"]
    assert entry["value"] is None
    assert "at least 257 clips" in entry["reason"]
    assert "not measured" in format_table(scores)


def test_a_kept_scorer_gives_the_same_figures(faithful, dataset, tmp_path, monkeypatch):
    _, scores, log = faithful
    assert "taking the scorer" not in log
    again, log = scores_of(ToneRun(dataset), tmp_path, monkeypatch)
    assert "taking the scorer kept at" in log
    assert again["frechet_distance"] == scores["frechet_distance"]
    assert again["inception_score"] == scores["inception_score"]
    assert not list((dataset.path / "scorers").glob(".*"))


def test_how_long_it_takes_is_told_before_it_begins(faithful, dataset, tmp_path, monkeypatch):
    _, _, log = faithful
    told = log.splitlines()[1]  # before the scorer
    assert "training classifiers takes about" in told
    assert "120 sounds and measures come on top" in told
    assert log.splitlines()[-1].endswith("] done")
    # 60 steps took a minute, so 20 and 60 more take 80 s; what is not trained takes as long again.
    last = {
        "scorer": 999.0,
        "generating and scoring 120 sounds": 90.0,
        "the same, taught by altered spectrograms": 60.0,
        "interpolations": 10.0,
    }
    phases = [{"name": name, "seconds": seconds} for name, seconds in last.items()]
    (tmp_path / "scores.json").write_text(json.dumps({"provenance": {"phases": phases}}))
    monkeypatch.setattr(evaluation_context, "trained_scorer", _StopsHere())
    monkeypatch.setattr(gaae_tf, "load", lambda _, **options: ToneRun(dataset), raising=False)
    lines = []
    with pytest.raises(_StopsHere.Called):
        evaluate(
            run_dir_of(tmp_path),
            EvaluateSettings(count=120, scorer=SETTINGS, usefulness_seeds=0),
            log=lines.append,
        )
    assert "this takes about 3 min, 80 s of it for training classifiers" in lines[1]


class _StopsHere:
    class Called(Exception):
        pass

    def __call__(self, *_, **__):
        raise self.Called


def test_measures_that_need_more_sounds_are_null_with_the_reason(
    faithful, dataset, tmp_path, monkeypatch
):
    scores, _ = scores_of(ToneRun(dataset), tmp_path, monkeypatch, count=29)
    assert scores["requested_class_accuracy"] == 1.0
    assert scores["inception_score"] is None
    figure = scores["details"]["samples"]["inception_score"]
    assert "needs at least 30 clips; received 29" in figure["reason"]


def test_settings_out_of_range_are_named():
    with pytest.raises(ValueError, match="--count must be at least 1; got 0"):
        EvaluateSettings(count=0)
    with pytest.raises(ValueError, match="--usefulness_seeds must be at least 0; got -1"):
        EvaluateSettings(usefulness_seeds=-1)
    with pytest.raises(ValueError, match="--usefulness_sounds=9 is more than the --count=8"):
        EvaluateSettings(count=8, usefulness_sounds=9)
    with pytest.raises(ValueError, match="--usefulness_steps must be at least 0; got -1"):
        EvaluateSettings(usefulness_steps=-1)


def test_simple_classifiers_are_trained_alike_whichever_scorer_scores():
    by_wavegan = EvaluateSettings(scorer=ScorerSettings(name="wavegan"))
    assert by_wavegan.simple == EvaluateSettings().simple == ScorerSettings(name="simple")
    assert by_wavegan.simple.steps(10**6) == 3000


def test_the_baseline_is_trained_alike_whichever_scorer_scores(
    faithful, dataset, tmp_path, monkeypatch
):
    _, scores, _ = faithful
    asked = []

    def taught(run, clips, test, classes, seed, settings, steps=None, altered=False):
        asked.append((settings.name, settings.max_steps, steps, altered))
        return scores["details"]["simple_classifier_same_labels_accuracy"]

    for measure in (same_labels, same_labels_altered):
        monkeypatch.setattr(measure, "taught_accuracy", taught)
    scorer_of = evaluation_context.trained_scorer  # the kept one stands in, to save a training
    monkeypatch.setattr(
        evaluation_context, "trained_scorer", lambda of, _, **how: scorer_of(of, SETTINGS, **how)
    )
    by_wavegan = dataclasses.replace(SETTINGS, name="wavegan", max_steps=1500)
    scores_of(ToneRun(dataset), tmp_path, monkeypatch, scorer=by_wavegan, count=10)
    # Six labels and at least 20 steps; altered spectrograms take three times as many.
    assert asked == [("simple", 3000, None, False), ("simple", 3000, 60, True)]


def test_the_real_test_part_is_the_yardstick(faithful):
    _, scores, _ = faithful
    real = scores["details"]["real_test"]
    assert real["class_accuracy"]["value"] == scores["scorer_test_accuracy"]
    assert real["class_accuracy"]["clips"] == 36
    assert real["against_real_train"]["coverage"]["value"] > 0.8
    assert "against_real_test" not in real


def test_training_clips_stand_beside_with_the_scores_that_need_no_reference(faithful):
    _, scores, _ = faithful
    train = scores["details"]["real_train"]
    assert train["class_accuracy"]["clips"] == 90
    assert 2.5 < train["inception_score"]["value"] <= 3.0
    (line,) = (x for x in format_table(scores).splitlines() if x.startswith("Inception Score"))
    assert len(line.split("±")) == 4  # sounds, test and training clips


def test_as_many_sounds_as_real_test_clips_stand_beside_these_with_all_numbers(faithful):
    _, scores, _ = faithful
    equal = scores["details"]["samples"]["at_real_test_count"]
    real = scores["details"]["real_test"]
    assert equal["clips"] == equal["inception_score"]["clips"] == 36
    assert equal["against_real_train"]["coverage"]["clips"] == [36, 90]
    lines = format_table(scores).splitlines()
    (header,) = (line for line in lines if line.startswith("clips  "))
    assert header.split() == ["clips", "120", "36", "90"]
    at = next(i for i, line in enumerate(lines) if line.startswith("Inception Score"))
    assert lines[at + 1].split() == ["clips", "a", "split", "12", "3.6", "9"]
    label = "36 sounds, as many as real test"
    assert lines[at + 2].startswith(f"    {label}")
    for figure in (equal["inception_score"], real["inception_score"]):
        assert f"{figure['value']:.2f} ± {figure['deviation']:.2f}" in lines[at + 2]
    (clips,) = (line for line in lines if line.startswith("clips, against real train"))
    assert [cell.strip() for cell in clips.split("train")[1].split("  ") if cell.strip()] == [
        "120 / 90",
        "36 / 90",
    ]
    assert sum(label in line for line in lines) == 3 + 7
    (clips,) = (line for line in lines if line.startswith("clips, against real test"))
    assert clips.endswith("120 / 36" + 22 * " ")


def test_scores_without_figures_at_the_real_test_count_have_a_table_that_says_so(faithful):
    _, scores, _ = faithful
    old = copy.deepcopy(scores)
    del old["details"]["samples"]["at_real_test_count"]
    table = format_table(old)
    assert "as many" not in table
    assert "120 / 90" in table
    old["details"]["samples"]["at_real_test_count"] = {"value": None, "reason": "few", "clips": 36}
    assert "as many sounds as real test: not measured, few" in format_table(old)


def test_every_figure_has_its_uncertainty_or_says_why_not(faithful):
    def figures(part):
        if isinstance(part, dict) and "value" in part:
            yield part
        elif isinstance(part, dict):
            for inner in part.values():
                yield from figures(inner)

    _, scores, _ = faithful
    found = list(figures(scores["details"]))
    assert len(found) > 40
    for figure in found:
        if figure["value"] is None:
            assert figure["reason"]
        else:
            stated = {"interval_95", "deviation_is", "deviation_reason"} & figure.keys()
            assert stated, figure
    probe = scores["details"]["representations"]["guiding"]["probes"]["class"]["both"]
    for name in ("linear", "neighbours"):
        right = round(probe[name] * 36)
        expected = scipy.stats.binomtest(right, 36).proportion_ci(method="wilson")
        assert probe[f"{name}_interval_95"] == pytest.approx(list(expected))
    errors = scores["details"]["reconstruction"]["spectral_convergence_db"]
    assert errors["deviation_is"] == "standard deviation over the test clips"
    assert errors["standard_error"] == pytest.approx(errors["deviation"] / np.sqrt(35))


def test_the_catalogue_has_every_figure_and_the_scores_have_every_measure_of_it(faithful):
    def keys(part, place):
        if isinstance(part, dict) and "value" in part:
            yield place
        elif isinstance(part, dict):
            for name, inner in part.items():
                yield from keys(inner, (*place, name))

    _, scores, _ = faithful
    listed = [measure for group in catalogue.GROUPS.values() for measure in group]
    missing = [m.key for m in listed if read(scores, m.key).get("reason") == NOT_MEASURED]
    taught = catalogue.TAUGHT_BY_SOUNDS, catalogue.TAUGHT_BY_BOTH, catalogue.TAUGHT_BY_REAL
    assert missing == [measure.key for measure in taught]  # not asked for here
    shown = {measure.key for measure in listed}
    shown |= {catalogue.at_real_test_count(m).key for m in catalogue.SCORES + catalogue.DISTANCES}
    shown |= {catalogue.against(m, "real_train").key for m in catalogue.DISTANCES}
    forms = (catalogue.class_found, catalogue.class_share)
    shown |= {form(name).key for form in forms for name in CLASSES}
    shown |= {
        measure.of(part).key
        for measure in (*catalogue.GROUPS["sounds"], *(form(n) for form in forms for n in CLASSES))
        for part in ("real_test", "real_train")
    }
    shown |= {catalogue.of_real_test(measure).key for measure in catalogue.DISTANCES}
    shown |= {catalogue.cross_fade(measure).key for measure in catalogue.GROUPS["interpolations"]}
    shown.add((*catalogue.RESTYLED_PITCH.key[:-1], "reconstructed"))
    found = {key for key in keys(scores["details"], ("details",)) if "by_class" not in key}
    assert found - shown == set()


def test_what_training_measured_on_validation_clips_stands_in_the_scores(faithful):
    _, scores, _ = faithful
    assert scores["details"]["validation"]["accuracy"] == 0.75
    assert "C's accuracy on validation" in format_table(scores)


def test_phases_have_their_time_and_stand_in_the_table(faithful):
    _, scores, _ = faithful
    phases = scores["provenance"]["phases"]
    assert sum(phase["seconds"] for phase in phases) == pytest.approx(
        scores["provenance"]["seconds"], abs=2.0
    )
    (generating,) = (phase for phase in phases if phase["name"].startswith("generating"))
    assert generating["sounds"] == 250  # a whole block
    assert generating["sounds_per_second"] > 0
    table = format_table(scores)
    for phase in phases:
        assert phase["name"] in table


def counted(run, monkeypatch):
    """How often each clip, by its spectrogram, goes through the run's encoder, by any way."""
    times = collections.Counter()

    def way(method):
        def through(spectrograms, *rest):
            times.update(spectrogram.tobytes() for spectrogram in spectrograms)
            return method(spectrograms, *rest)

        return through

    for name in ("encode", "class_probabilities"):
        method = getattr(run, name)
        monkeypatch.setattr(run, name, way(method))
    # The other ways of a loaded run take audio or encode by themselves; none is to be used.
    for name in ("codes", "represent", "classify", "reconstruct", "reconstruct_spectrograms"):
        monkeypatch.setattr(run, name, _StopsHere(), raising=False)
    for name in ("restyle", "restyle_each"):
        monkeypatch.setattr(run, name, _StopsHere(), raising=False)
    return times


def test_each_clip_is_encoded_once_and_each_split_and_the_guidance_read_once(
    faithful, dataset, noise, tmp_path, monkeypatch
):
    read, split_of = [], evaluation_context.read_clips
    read_text = Path.read_text

    def read_split(of, split):
        read.append((of.path, split))
        return split_of(of, split)

    def read_file(path, *args, **kwargs):
        read.append(path.name)
        return read_text(path, *args, **kwargs)

    monkeypatch.setattr(evaluation_context, "read_clips", read_split)
    monkeypatch.setattr(Path, "read_text", read_file)
    for run, clips in (
        (ToneRun(dataset), 36 + 90),
        (ToneRun(noise, guiding=dataset), 36 + 90 + 5 + 3),
    ):
        run.signal_path = ToneRun(dataset).signal_path
        times = counted(run, monkeypatch)
        read.clear()
        scores_of(run, tmp_path, monkeypatch)
        assert (len(times), set(times.values())) == (clips, {1})
        assert read.count("guidance.json") == 1
        splits = [entry for entry in read if isinstance(entry, tuple)]
        assert len(splits) == len(set(splits)) == 2 * len({of for of, _ in splits})


def test_memorisation_is_against_every_clip_that_the_run_saw(
    faithful, dataset, noise, tmp_path, monkeypatch
):
    _, own, _ = faithful
    found = own["details"]["samples"]["memorisation"]
    assert found["training_clips"] == {"data_set": 90}
    copied = ToneRun(noise, guiding=dataset)
    copied.signal_path = ToneRun(dataset).signal_path
    heard = read_clips(noise, "train").audio[0] / np.float32(32768.0)
    copied.generate = lambda label, count, seed: np.tile(heard, (count, 1))
    scores, _ = scores_of(copied, tmp_path, monkeypatch)
    found = scores["details"]["samples"]["memorisation"]
    assert found["training_clips"] == {"data_set": 3, "guidance": 6}
    assert found["clips"] == [120, 9]
    assert found["value"] == 1.0  # copies of a clip that has no label of the run's classes


def test_clips_without_a_label_are_among_those_seen():
    class Sums:
        sample_rate_hz = RATE_HZ

        def score(self, audio, **_):
            sums = audio.sum(axis=1, keepdims=True).astype(np.float32)
            return np.hstack([sums, -sums]), sums

    none = ("",) * 4
    audio = np.array([[1, 1], [2, 2], [3, 3], [4, 4]], np.int16)
    train = Clips(audio, np.array([0, -1, 1, -1]), none, none)
    labelled, seen, counts = evaluation_context.score_training(Sums(), train, train, np.array([2]))
    assert (labelled.labels.tolist(), labelled.features[:, 0].tolist()) == ([0, 1], [2.0, 6.0])
    assert (seen[:, 0].tolist(), counts) == ([2.0, 4.0, 6.0, 8.0], {"data_set": 4})
    own = Clips(10 * audio, np.full(4, -1), none, none)
    labelled, seen, counts = evaluation_context.score_training(Sums(), train, own, np.array([2]))
    assert labelled.features[:, 0].tolist() == [2.0, 6.0]
    assert seen[:, 0].tolist() == [20.0, 40.0, 60.0, 80.0, 6.0]
    assert counts == {"data_set": 4, "guidance": 1}


def test_codes_that_tell_nothing_have_probes_at_chance(faithful):
    _, scores, _ = faithful
    table = scores["details"]["representations"]["guiding"]["probes"]
    probe = table["class"]["both"]  # the fake codes are all zero
    assert probe["linear"] == pytest.approx(1 / 3, abs=0.06)
    assert probe["clips"] == 36
    assert "two values" in table["speaker"]["style"]["reason"]


def test_interpolations_are_measured_beside_their_cross_fade(faithful):
    _, scores, _ = faithful
    entry = scores["details"]["interpolation"]
    for space in ("scorer_features", "spectrograms"):
        paths = entry[space]
        for name in ("path_length_ratio", "largest_step_share"):
            figure = paths[name]
            assert figure["pairs"] == 8 * 3
            # This run's paths are cross-fades.
            assert figure["value"] == pytest.approx(paths["cross_fade"][name]["value"], rel=1e-4)
            by_class = [paths["by_class"][label][name]["value"] for label in CLASSES]
            assert figure["value"] == pytest.approx(np.mean(by_class))
        assert paths["path_length_ratio"]["value"] >= 1.0
    # A fade goes straight in logarithms, too, with its steps log(1 - i/16) apart.
    levels = np.log(1.0 - np.arange(9) / 16.0)
    expected = np.diff(levels).min() / levels[-1]
    shares = entry["spectrograms"]["largest_step_share"]
    assert shares["value"] == pytest.approx(expected, rel=0.02)
    assert entry["spectrograms"]["path_length_ratio"]["value"] == pytest.approx(1.0, abs=0.01)
    assert "interpolations in spectrograms, path length ratio" in format_table(scores)


def test_a_run_that_ignores_the_style_has_no_smoothness(faithful, dataset, tmp_path, monkeypatch):
    run = ToneRun(dataset)
    run.interpolate = lambda first, second, count, label: np.stack(
        [tone(label, np.random.default_rng(0))] * count
    )
    scores, _ = scores_of(run, tmp_path, monkeypatch)
    figure = scores["details"]["interpolation"]["spectrograms"]["path_length_ratio"]
    assert (figure["value"], figure["pairs"]) == (None, 0)
    assert "Both ends of the path coincide" in figure["reason"]
    assert "not measured" in format_table(scores)


def test_pitch_and_periodicity_are_those_of_tones(faithful):
    _, scores, _ = faithful
    details = scores["details"]
    made = details["reconstruction"]  # at 0.9 of the level, which no pitch depends on
    assert made["pitch_within_a_semitone"]["value"] == 1.0
    expected = scipy.stats.binomtest(36, 36).proportion_ci(method="wilson")
    assert made["pitch_within_a_semitone"]["interval_95"] == pytest.approx(list(expected))
    assert made["pitch_within_a_semitone_of_vocoder"]["value"] > 0.9
    # Tones of power A²/2, A from 0.1 to 0.5, in noise of 1e-4: r is 0.98 at least.
    for figure in (
        details["samples"]["harmonicity"],
        details["real_test"]["harmonicity"],
        made["harmonicity"],
    ):
        assert 0.98 < figure["value"] < 1.0
        assert figure["harmonics_to_noise_db"] > 17.0
    assert details["samples"]["harmonicity"]["clips"] == 120
    assert details["real_test"]["harmonicity"]["clips"] == 36
    table = format_table(scores)
    for row in (
        "harmonicity",
        "reconstruction, pitch within a semitone",
        "vocoder alone, pitch within a semitone",
    ):
        assert f"\n{row}  " in table


def test_restyled_clips_have_the_class_that_was_asked_for_and_here_another_pitch(faithful):
    _, scores, _ = faithful
    restyled = scores["details"]["restyling"]
    assert restyled["clips"] == 36
    assert restyled["requested_class_found"]["value"] == 1.0
    assert restyled["own_class_found"]["value"] == 0.0
    pitch = restyled["pitch_within_a_semitone"]
    assert (pitch["reconstructed"]["value"], pitch["restyled"]["value"]) == (1.0, 0.0)
    assert restyled["labels_told"] == {}
    assert "own class found" in format_table(scores)


def test_labels_that_restyling_keeps_have_rows_with_their_chance(faithful):
    scores = copy.deepcopy(faithful[1])
    told = {
        name: {"value": share, "interval_95": [0.0, 1.0], "clips": 36}
        for name, share in (("real_test", 1.0), ("reconstructed", 0.75), ("restyled", 0.5))
    }
    table = scores["details"]["restyling"]["labels_told"]
    table["speaker"] = told | {"chance": 0.2, "values": 5, "class_decides": False}
    table["program"] = told | {"chance": 0.25, "values": 4, "class_decides": True}
    table["take"] = {"reason": "few"}
    lines = [" ".join(line.split()) for line in format_table(scores).splitlines()]
    shares = "100.0% (0.0–100.0) 75.0% (0.0–100.0) 50.0% (0.0–100.0)"
    assert f"speaker told, chance 20% {shares}" in lines
    assert f"program told, class decides, chance 25% {shares}" in lines
    assert "take told" + 3 * " not measured" in lines


def test_codes_stand_beside_draws_of_the_prior(faithful):
    _, scores, _ = faithful
    codes = scores["details"]["codes"]
    assert codes["code"] == "style"
    # The fake codes are all zero, its outputs the class alone.
    assert codes["effective_rank"]["value"] == codes["standard_deviation"]["value"] == 0.0
    assert codes["effective_rank"]["of_prior_draws"] == pytest.approx(36 * 4 / 40)
    distance = codes["distance_from_prior"]
    assert distance["value"] > 5.0 * distance["of_prior_draws"] > 0.0
    assert codes["class_share_of_output"]["value"] == 1.0
    assert "class share of output" in format_table(scores)


def test_altered_spectrograms_depend_on_seed_and_batch_alone(dataset):
    run, audio = ToneRun(dataset), read_clips(dataset, "test").audio[:4]
    of = [teaching.altered_spectrogram(run, seed) for seed in (0, 0, 1)]
    first, again, other = (np.asarray(altered(audio)) for altered in of)
    np.testing.assert_array_equal(first, again)
    plain = run.signal_path.spectrogram(audio / np.float32(32768.0)).numpy()
    reversed_batch = np.asarray(of[0](audio[::-1]))[::-1]
    for different in (other, plain, reversed_batch):
        assert np.abs(first - different).mean() > 0.01


def test_scores_from_before_these_measures_have_a_table(faithful):
    _, scores, _ = faithful
    old = copy.deepcopy(scores)
    details = old["details"]
    for name in ("restyling", "codes", "augmented_classifier_same_labels_accuracy"):
        del details[name]
    for part in ("samples", "real_test", "reconstruction"):
        del details[part]["harmonicity"]
    for name in ("pitch_within_a_semitone", "pitch_within_a_semitone_of_vocoder"):
        del details["reconstruction"][name]
    table = format_table(old)
    assert "reconstruction, mean squared error" in table
    assert "semitone" not in table


def test_who_was_taken_for_whom_is_counted(faithful):
    _, scores, _ = faithful
    counts = scores["details"]["confusion"]
    assert counts["samples"] == [[40, 0, 0], [0, 40, 0], [0, 0, 40]]
    # class_probabilities always says "low".
    assert counts["classifier"] == [[0, 10, 0], [0, 12, 0], [0, 14, 0]]


@pytest.mark.slow
def test_what_samples_teach_is_measured_on_real_clips(faithful, dataset, tmp_path, monkeypatch):
    taught, _ = scores_of(ToneRun(dataset), tmp_path, monkeypatch, usefulness_seeds=2)
    usefulness = taught["details"]["usefulness"]
    assert usefulness["samples"]["value"] > 0.9
    assert usefulness["samples"]["trainings"] == 2
    assert usefulness["samples"]["training_clips"] == 90
    assert usefulness["samples_and_real_clips"]["training_clips"] == 180
    accuracies = usefulness["samples"]["accuracies"]
    assert usefulness["samples"]["deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    swapped = ToneRun(dataset, makes={"high": "low", "low": "high", "middle": "middle"})
    misled, _ = scores_of(swapped, tmp_path, monkeypatch, usefulness_seeds=1)
    assert misled["details"]["usefulness"]["samples"]["value"] < 0.5


def test_all_rows_of_usefulness_are_trained_alike(dataset, monkeypatch):
    trained = []
    monkeypatch.setattr(
        teaching,
        "train_classifier",
        lambda *_, **how: trained.append((how["steps"], how["seed"])),
    )
    right = np.array([0, 1, 2, 0])
    monkeypatch.setattr(teaching, "classify", lambda *_, **__: (np.eye(3)[right], None))
    train, test = read_clips(dataset, "train"), read_clips(dataset, "test")
    test = test.subset(np.array([0, 10, 22, 23]))  # high, low, middle, middle
    scored = Scored("generated", np.zeros((200, 3)), np.zeros((200, 8)), np.arange(200) % 3)
    sounds = Sounds(scored, lambda n: np.zeros((n, SAMPLES), np.int16), {})
    of = [ToneRun(dataset), sounds, train, test]

    def useful(seeds, most=300, usefulness_sounds=0, **scorer):
        settings = EvaluateSettings(
            usefulness_seeds=seeds,
            usefulness_sounds=usefulness_sounds,
            usefulness_steps=most,
            scorer=dataclasses.replace(SETTINGS, **scorer),
        )
        return usefulness(*of, settings, lambda _: None)

    table = useful(1)
    assert trained == [(36, 0)] * 3  # six passes over 90 real clips in batches of 16
    assert {row["steps"] for row in table.values()} == {36}
    assert [row["training_clips"] for row in table.values()] == [90, 180, 90]
    expected = scipy.stats.binomtest(3, 4).proportion_ci(method="wilson")
    for row in table.values():
        assert row["value"] == 0.75
        assert row["deviation"] is None
        assert row["interval_95"] == pytest.approx(list(expected))
    trained.clear()
    table = useful(2, passes=1000)
    assert trained == [(300, seed) for _ in range(3) for seed in (0, 1)]
    assert table["samples"]["deviation"] == 0.0
    assert {row["most_steps"] for row in table.values()} == {300}
    trained.clear()
    assert {row["most_steps"] for row in useful(1, 20).values()} == {20}
    assert trained == [(20, 0)] * 3
    trained.clear()
    assert {row["most_steps"] for row in useful(1, 0, passes=1000).values()} == {None}
    assert trained == [(3000, 0)] * 3  # a simple scorer's most
    more = useful(1, usefulness_sounds=150)
    assert [row["training_clips"] for row in more.values()] == [150, 240, 90]
    scored.labels[:] = 1
    assert "not every class a sample" in useful(1)["samples"]["reason"]


def test_a_folder_of_sounds_takes_the_same_road(faithful, dataset, tmp_path, monkeypatch):
    scores, _ = scores_of(
        ToneRun(dataset), tmp_path, monkeypatch, samples=dataset.path.parent / "wav/test"
    )
    assert scores["requested_class_accuracy"] == scores["scorer_test_accuracy"]
    assert scores["details"]["samples"]["memorisation"]["value"] < 0.2
    assert scores["frechet_distance"] < 0.05
    assert scores["provenance"]["samples_are"]["files"] == 36
    assert scores["provenance"]["vocoder"] == "none"  # of what the run reconstructs, not of these
    written = tmp_path / SCORES_OF_SAMPLES
    assert json.loads(written.read_text()) == scores
    assert not (tmp_path / "scores.json").exists()  # which is of the run's own sounds


def test_scores_of_a_folder_go_where_they_are_told(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "score_run", lambda *_: {"known": 1})
    sounds, out = dataset.path.parent / "wav/test", tmp_path / "of_sounds.json"
    scores_of(ToneRun(dataset), tmp_path, monkeypatch, samples=sounds, scores_out=out)
    assert json.loads(out.read_text()) == {"known": 1}
    assert not (tmp_path / SCORES_OF_SAMPLES).exists()


def test_a_file_for_scores_needs_a_folder_of_samples_and_a_place(tmp_path):
    with pytest.raises(ValueError, match=r"--scores_out=a\.json is for --samples alone"):
        EvaluateSettings(scores_out=Path("a.json"))
    with pytest.raises(ValueError, match=r"--scores_out=.*a\.json: its folder does not exist"):
        EvaluateSettings(samples=tmp_path, scores_out=tmp_path / "nowhere" / "a.json")


def test_a_missing_data_set_is_named(dataset, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="nowhere is no data set folder"):
        scores_of(ToneRun(dataset), tmp_path, monkeypatch, dataset_dir=tmp_path / "nowhere")


def test_a_data_set_of_other_classes_is_named(dataset, tmp_path, monkeypatch):
    run = ToneRun(dataset)
    run.classes = ("cat", "dog")
    with pytest.raises(ValueError, match=r"trained with classes .'cat', 'dog'."):
        scores_of(run, tmp_path, monkeypatch)


def test_classes_are_measured_on_the_guidance_and_reconstruction_on_the_data_set(
    faithful, dataset, noise, tmp_path, monkeypatch
):
    run = ToneRun(noise, guiding=dataset)
    run.signal_path = ToneRun(dataset).signal_path  # that of the kept scorer
    decoded, decode = [], run.decode
    run.decode = lambda codes: decoded.append(len(codes["style"])) or decode(codes)
    scores, log = scores_of(run, tmp_path, monkeypatch)
    assert "taking the scorer kept at" in log
    _, own, _ = faithful
    for name in ("requested_class_accuracy", "classifier_test_accuracy", "inception_score"):
        assert scores[name] == own[name]
    assert scores["frechet_distance"] == own["frechet_distance"]
    assert decoded == [5, 36]  # of the one, and of the other for restyled clips to stand beside
    assert scores["details"]["reconstruction"]["test_clips"] == 5
    assert scores["reconstruction_spectral_convergence_db"] == pytest.approx(-20.0, abs=1e-4)

    provenance = scores["provenance"]
    assert provenance["dataset"]["path"] == str(noise.path)
    assert provenance["guidance_dataset"]["path"] == str(dataset.path)
    assert (provenance["train_clips"], provenance["test_clips"]) == (90, 36)
    table = format_table(scores)
    assert f"36 test clips of {dataset.name}; 120 sounds" in table
    assert f"reconstructions of {noise.name}" in table
    probed = scores["details"]["representations"]
    assert [probed[part]["dataset"] for part in ("guiding", "dataset")] == [
        dataset.name,
        noise.name,
    ]


def test_every_figure_tells_its_data_set(faithful, dataset, noise, tmp_path, monkeypatch):
    scores, _ = scores_of(ToneRun(noise, guiding=dataset), tmp_path, monkeypatch)
    sources = scores["provenance"]["figures_are_from"]
    figures = scores.keys() | scores["details"].keys()
    figures -= {"details", "provenance", "representations"}  # which tell it themselves
    assert sources.keys() == figures
    assert {name for name, path in sources.items() if path == str(noise.path)} == {
        name for name in figures if name.startswith(("reconstruction", "codes"))
    }
    _, own, _ = faithful
    assert set(own["provenance"]["figures_are_from"].values()) == {str(dataset.path)}


def test_a_data_set_without_test_clips_has_no_reconstruction(
    dataset, tmp_path, tmp_path_factory, monkeypatch
):
    noise = prepared(tmp_path_factory.mktemp("only"), {"train": 3}, RATE_HZ, SAMPLES, STFT)
    assert noise.counts["test"] == 0
    run = ToneRun(noise, guiding=dataset)
    run.signal_path = ToneRun(dataset).signal_path
    scores, _ = scores_of(run, tmp_path, monkeypatch)
    assert scores["reconstruction_mse"] is None
    entry = scores["details"]["reconstruction"]["spectral_convergence_db"]
    assert entry["reason"] == f"{noise.path} has no test clip"
    assert "not measured" in format_table(scores)


def test_a_moved_guidance_data_set_is_named_by_flag(dataset, noise, tmp_path, monkeypatch):
    run = ToneRun(noise, guiding=dataset)
    run.config.guidance_dataset = "gone"
    with pytest.raises(ValueError, match="gone is no data set folder"):
        scores_of(run, tmp_path, monkeypatch)
    monkeypatch.setattr(evaluation_context, "trained_scorer", _StopsHere())
    with pytest.raises(_StopsHere.Called):
        scores_of(run, tmp_path, monkeypatch, guidance_dataset_dir=dataset.path)
    run.classes = ("cat", "dog")
    with pytest.raises(ValueError, match=r"classes .*; give --guidance_dataset the folder"):
        scores_of(run, tmp_path, monkeypatch, guidance_dataset_dir=dataset.path)


def test_a_guidance_data_set_for_a_run_without_one_is_refused(dataset, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="was guided by its own data set's labels; drop the flag"):
        scores_of(ToneRun(dataset), tmp_path, monkeypatch, guidance_dataset_dir=dataset.path)


@pytest.mark.slow
def test_a_run_folder_that_another_data_set_guided_is_scored(tiny_dataset, tmp_path, monkeypatch):
    noise = prepared(
        tmp_path, {"train": 4, "test": 2}, 1000, 512, StftSettings("hamming", 64, 32, 64)
    )
    config = TrainConfig(
        dataset=str(noise.path),
        guidance_dataset=str(tiny_dataset),
        labelled_per_class=4,
        run_dir=str(tmp_path / "run"),
        window_samples=64,
        hop_samples=32,
        fft_size=64,
        channels=1,
        non_local_bins=0,
        guided_dim=4,
        style_dim=4,
        batch_size=4,
        reestimate_batches=1,
        precision="float32",
    )
    # As after no step: the figures need not be good here.
    monkeypatch.setattr(fit, "run_steps", lambda *parts, **_: parts[-1].save())
    run_dir = fit.train(config)
    settings = ScorerSettings(passes=1, min_steps=2, batch_size=8)
    settings = EvaluateSettings(count=20, scorer=settings, usefulness_seeds=1)
    load, times = gaae_tf.load, []

    def loaded(*arguments, **options):
        run = load(*arguments, **options)
        times.append(counted(run, monkeypatch))
        return run

    monkeypatch.setattr(gaae_tf, "load", loaded)
    scores = evaluate(run_dir, settings, log=lambda _: None)
    # Test and training clips of both data sets; the page shows what was encoded before.
    assert (len(times[0]), set(times[0].values())) == (6 + 18 + 2 + 4, {1})
    written = json.loads((run_dir / "scores.json").read_text())
    assert written == scores
    provenance = written["provenance"]
    assert provenance["classes"] == ["high", "low"]
    assert (provenance["labels_of_the_run"], provenance["train_clips"]) == (8, 18)
    assert provenance["scorer"]["kept_at"].startswith(str(tiny_dataset))
    assert written["details"]["reconstruction"]["test_clips"] == 2
    page = (run_dir / "report/index.html").read_text()
    for text in (
        *("requested class found", "high, generated 1", "drawn style 2"),
        *("interpolations in features", "paths of this class, in the scorer's features"),
    ):
        assert text in page
    for name in ("samples", "styles_in_classes", "class_across_styles", "interpolations"):
        for suffix in (".png", ".pdf"):
            assert (run_dir / "report/figures" / f"{name}{suffix}").stat().st_size > 5_000


def test_sounds_that_are_not_finite_are_named(faithful, dataset, tmp_path, monkeypatch):
    run = ToneRun(dataset)
    run.generate = lambda label, count, seed: np.full((count, SAMPLES), np.nan, np.float32)
    with pytest.raises(ValueError, match="sounds of class high must be finite"):
        scores_of(run, tmp_path, monkeypatch)


def test_guidance_is_of_the_clips_that_it_names(tmp_path):
    text = '{"train_indices": [2, 0], "clips": ["c.wav", "a.wav"]}'
    (tmp_path / "guidance.json").write_text(text)
    read = read_guidance(tmp_path, ["a.wav", "b.wav", "c.wav"], Path("data"))
    assert read.tolist() == [2, 0]
    with pytest.raises(
        ValueError, match=r"a\.wav guided the run, but data has x\.wav in its place"
    ):
        read_guidance(tmp_path, ["x.wav", "b.wav", "c.wav"], Path("data"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"train_indices": [0, 90]}', "clips 0 to 90, but .* clips 0 to 89"),
        ('{"train_indices": []}', "at least one index"),
        ('{"train_indices"', "cannot be read"),
        ('{"indices": [1]}', "cannot be read"),
        ('{"train_indices": [1, 2], "clips": ["1"]}', "2 indices, but 1 names"),
    ],
)
def test_bad_guidance_is_named(tmp_path, text, message):
    (tmp_path / "guidance.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_guidance(tmp_path, [str(i) for i in range(90)], Path("data"))


def test_a_folder_that_is_no_run_and_a_run_without_a_checkpoint_are_named(tiny_run_dir, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is no folder; give that of a training"):
        evaluate(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises((ValueError, OSError), match="empty"):
        evaluate(tmp_path / "empty", log=lambda _: None)
    left = shutil.ignore_patterns("checkpoints")
    shutil.copytree(tiny_run_dir, tmp_path / "run", ignore=left)
    with pytest.raises((ValueError, OSError), match="checkpoint"):
        evaluate(tmp_path / "run", log=lambda _: None)


def test_a_guiding_data_set_without_test_clips_or_labels_is_named(
    dataset, tmp_path, tmp_path_factory, monkeypatch
):
    run = ToneRun(dataset)
    monkeypatch.setattr(evaluation_context, "trained_scorer", _StopsHere())
    read = evaluation_context.read_clips

    def without(split, labels):
        def clips(dataset, wanted):
            found = read(dataset, wanted)
            if wanted != split:
                return found
            return (
                dataclasses.replace(found, labels=np.full_like(found.labels, -1))
                if labels
                else found.subset(np.arange(0))
            )

        return clips

    for split, labels in (("test", False), ("test", True), ("train", True)):
        monkeypatch.setattr(evaluation_context, "read_clips", without(split, labels))
        message = rf"The {split} part of .* has no labelled clip of class high, low, middle"
        with pytest.raises(ValueError, match=message):
            scores_of(run, tmp_path, monkeypatch)


def test_command_names_a_missing_run(tmp_path):
    script = Path(__file__).parents[1] / "evaluate.py"
    done = subprocess.run(
        [sys.executable, str(script), f"--run_dir={tmp_path / 'absent'}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"--run_dir={tmp_path / 'absent'} is no folder" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_says_what_is_kept(tmp_path, number, status):
    code = (
        "import os, sys\n"
        "from gaae_tf.evaluation import evaluate as evaluation\n"
        "from gaae_tf.commands import evaluate, opening\n"
        "evaluate.check_run = evaluate.check_data = lambda *_: None\n"
        f"evaluation.evaluate = lambda *_, **__: os.kill(os.getpid(), {int(number)})\n"
        f"sys.exit(opening.run('evaluate', ['--run_dir={tmp_path}']))\n"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert "a finished scorer are kept" in done.stderr


def test_confusion_counts_clips_by_class_meant_and_found_and_leaves_unlabelled_ones_out():
    labels, found = np.array([0, 0, 1, -1, 1]), np.array([0, 1, 1, 0, 1])
    assert confusion.counted(labels, found, 3) == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert confusion.counted(labels[3:4], found[3:4], 2) == [[0, 0], [0, 0]]
