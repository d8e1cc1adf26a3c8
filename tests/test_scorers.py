import dataclasses
import json
import re
import shutil

import h5py
import numpy as np
import pytest
import scipy.stats
import soundfile
import tensorflow as tf
from test_wavegan_classifier import independent_logits, noise, random_weights, shapes_at

from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.folder import prepare
from gaae_tf.data.shards import load_dataset, read_clips
from gaae_tf.evaluation.scorers import ScorerSettings, checkpoint_scorer, dataset_id, trained_scorer
from gaae_tf.ops.settings import StftSettings

# Keras 3.15 saves weights in a way that NumPy 2 announces the end of.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

RATE_HZ, SAMPLES = 4000, 512
FREQUENCY_HZ = {"high": 1500.0, "low": 300.0, "middle": 800.0}
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SETTINGS = {
    "simple": ScorerSettings("simple", passes=8, min_steps=20, batch_size=16),
    "wavegan": ScorerSettings("wavegan", passes=1, min_steps=30, batch_size=8),
}


def tone(name, rng):
    time = np.arange(SAMPLES) / RATE_HZ
    wave = np.sin(2.0 * np.pi * (FREQUENCY_HZ[name] * time + rng.uniform()))
    return (rng.uniform(0.1, 0.5) * wave + rng.normal(0.0, 0.01, SAMPLES)).astype(np.float32)


def tones(count, seed):
    """Float clips and labels, classes in turn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    return np.stack([tone(sorted(FREQUENCY_HZ)[label], rng) for label in labels]), labels


def prepared(folder, recordings, rate_hz, samples, stft):
    """A data set of `recordings`, {path below the source folder: audio}."""
    for path, audio in recordings.items():
        (folder / "wav" / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "wav" / path, audio, rate_hz)
    config = PrepareConfig(
        out=folder / "dataset",
        sources=(folder / "wav",),
        sample_rate_hz=rate_hz,
        clip_samples=samples,
        stft=stft,
    )
    return prepare(config, progress=False)


def tone_recordings(train, test, names=tuple(FREQUENCY_HZ)):
    rng = np.random.default_rng(0)
    return {
        f"{split}/{name}/{index:02d}.wav": tone(name, rng)
        for split, count in (("train", train), ("test", test))
        for name in names
        for index in range(count)
    }


STFT = StftSettings(window_samples=64, hop_samples=16, fft_size=64)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    return prepared(folder, tone_recordings(25, 7), RATE_HZ, SAMPLES, STFT)


def trained(name, dataset, **changes):
    lines = []
    settings = dataclasses.replace(SETTINGS[name], **changes)
    return trained_scorer(dataset, settings, progress=False, log=lines.append), "\n".join(lines)


@pytest.fixture(scope="module")
def scorers(dataset):
    return {name: trained(name, dataset) for name in SETTINGS}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_scorer_learns_and_knows_what_it_is(name, scorers, dataset):
    scorer, log = scorers[name]
    audio, labels = tones(30, seed=5)
    logits, features = scorer.score(audio, sample_rate_hz=RATE_HZ)
    assert np.mean(logits.argmax(axis=1) == labels) > 0.9
    assert logits.shape == (30, 3)
    assert features.shape == (30, {"simple": 256, "wavegan": 128}[name])
    assert features.min() >= 0.0

    provenance = scorer.provenance()
    assert json.loads(json.dumps(provenance)) == provenance
    assert provenance["name"] == name
    assert "trained here" in provenance["source"]
    assert provenance["train_clips"] == 75
    assert provenance["description"]["dataset"] == dataset_id(dataset)
    assert provenance["description"]["settings"]["seed"] == 0
    assert set(provenance["versions"]) == {"gaae_tf", "tensorflow", "keras", "numpy"}
    assert "accuracy on 21 test clips" in log


@pytest.mark.parametrize("name", SETTINGS)
def test_its_accuracy_is_that_on_the_test_clips_with_wilsons_interval(name, scorers, dataset):
    scorer, _ = scorers[name]
    test = read_clips(dataset, "test")
    logits, _ = scorer.score(test.audio, sample_rate_hz=RATE_HZ)
    correct = int(np.sum(logits.argmax(axis=1) == test.labels))
    accuracy = scorer.test_accuracy
    assert (accuracy["correct"], accuracy["clips"]) == (correct, 21)
    assert accuracy["value"] == correct / 21 > 0.85
    # Both ends p solve |p̂ − p| = z √(p (1 − p) / n).
    z = scipy.stats.norm.ppf(0.975)
    for p in accuracy["interval_95"]:
        assert abs(correct / 21 - p) == pytest.approx(z * np.sqrt(p * (1 - p) / 21), abs=1e-9)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_kept_scorer_gives_the_same_figures(name, scorers, dataset):
    fresh, fresh_log = scorers[name]
    audio, _ = tones(5, seed=6)
    before = {file: file.read_bytes() for file in (dataset.path / "scorers").iterdir()}
    kept, log = trained(name, load_dataset(dataset.path))
    assert "training the" in fresh_log
    assert log.startswith("taking the scorer kept at ")
    for a, b in zip(*(s.score(audio, sample_rate_hz=RATE_HZ) for s in (fresh, kept)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert kept.test_accuracy == fresh.test_accuracy
    assert kept.provenance() == fresh.provenance()
    assert {file: file.read_bytes() for file in (dataset.path / "scorers").iterdir()} == before
    assert not [file for file in before if file.name.startswith(".")]


def test_its_seed_alone_fixes_the_weights(dataset, tmp_path):
    audio, _ = tones(4, seed=7)
    logits = []
    for copy, seed in enumerate((1, 1, 2)):
        shutil.copytree(
            dataset.path, tmp_path / str(copy), ignore=shutil.ignore_patterns("scorers")
        )
        twin = load_dataset(tmp_path / str(copy))
        scorer, log = trained("simple", twin, seed=seed, passes=1, min_steps=2, max_steps=2)
        assert "training the" in log
        logits.append(scorer.score(audio, sample_rate_hz=RATE_HZ)[0])
    np.testing.assert_array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


def test_training_in_bfloat16_scores_in_float32(dataset):
    scorer, _ = trained("simple", dataset, precision="mixed_bfloat16")
    logits, _ = scorer.score(read_clips(dataset, "test").audio, sample_rate_hz=RATE_HZ)
    assert scorer.test_accuracy["value"] > 0.85
    assert (logits != tf.cast(tf.cast(logits, tf.bfloat16), tf.float32)).numpy().mean() > 0.9


@pytest.fixture
def copy(scorers, dataset, tmp_path):
    """A copy of the data set with its kept scorers, for a test to spoil."""
    shutil.copytree(dataset.path, tmp_path / "copy")
    return load_dataset(tmp_path / "copy")


def kept_file(dataset, name, ending):
    def of_settings(file):
        record = json.loads(file.read_text())
        return record["description"]["settings"] == dataclasses.asdict(SETTINGS[name])

    (file,) = filter(of_settings, (dataset.path / "scorers").glob(f"{name}-*.json"))
    return file.with_suffix(ending)


def test_a_scorer_whose_keeping_was_cut_short_is_trained_anew(copy):
    record = kept_file(copy, "simple", ".json")
    record.unlink()
    _, log = trained("simple", copy)
    assert "training the" in log
    assert record.is_file()


@pytest.mark.parametrize("ending", [".json", ".weights.h5"])
def test_a_damaged_kept_scorer_is_named(copy, ending):
    file = kept_file(copy, "simple", ending)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ValueError, match=rf"simple-.*{re.escape(ending)} .*delete it"):
        trained("simple", copy)


def change_weights(file, change):
    """Puts `change` of each array in place of it in a file of weights."""

    def visit(_, item):
        if isinstance(item, h5py.Dataset):
            item[...] = change(item[...])

    with h5py.File(file, "r+") as weights:
        weights.visititems(visit)


def test_a_scorer_whose_outputs_are_not_finite_is_named(copy):
    file = kept_file(copy, "simple", ".weights.h5")
    change_weights(file, lambda weight: weight * np.nan)
    scorer, _ = trained("simple", copy)
    with pytest.raises(ValueError, match=rf"{re.escape(str(file))}, gives .* not finite"):
        scorer.score(tones(3, seed=5)[0], sample_rate_hz=RATE_HZ)


def test_a_scorer_of_other_weights_is_another(copy):
    first, _ = trained("simple", copy)
    change_weights(kept_file(copy, "simple", ".weights.h5"), lambda weight: weight * 1.5)
    second, log = trained("simple", copy)
    assert log.startswith("taking the scorer kept at ")
    assert second.provenance()["description"] == first.provenance()["description"]
    assert second.provenance()["weights_sha256"] != first.provenance()["weights_sha256"]
    assert second.identity != first.identity


def test_a_scorer_kept_without_the_digest_of_its_weights_is_the_same(copy):
    first, _ = trained("simple", copy)
    file = kept_file(copy, "simple", ".json")
    record = json.loads(file.read_text())
    del record["weights_sha256"]
    file.write_text(json.dumps(record))
    second, _ = trained("simple", copy)
    assert second.identity == first.identity
    assert second.provenance() == first.provenance()


def test_a_scorer_that_cannot_be_kept_still_scores(dataset, tmp_path):
    shutil.copytree(dataset.path, tmp_path / "copy", ignore=shutil.ignore_patterns("scorers"))
    (tmp_path / "copy" / "scorers").write_text("in the way")
    scorer, log = trained("simple", load_dataset(tmp_path / "copy"))
    assert "cannot be kept for next time" in log
    assert scorer.provenance()["kept_at"] is None
    assert scorer.test_accuracy["value"] > 0.85


def test_batches_16_bit_samples_and_floats_score_alike(scorers, dataset, capsys):
    scorer, _ = scorers["simple"]
    audio = np.tile(read_clips(dataset, "test").audio, [4, 1])  # 84 clips: three batches inside
    whole = scorer.score(audio, sample_rate_hz=RATE_HZ)
    batches = (audio[start : start + 10] for start in range(0, 84, 10))
    parts = scorer.score(batches, sample_rate_hz=RATE_HZ, progress=True)
    floats = scorer.score(audio / 32768.0, sample_rate_hz=RATE_HZ)
    for a, b, c in zip(whole, parts, floats, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(a, c)
    assert "84 clips scored" in capsys.readouterr().err


def not_finite():
    audio = np.zeros((3, SAMPLES), np.float32)
    audio[1, 7] = np.nan
    return audio


@pytest.mark.parametrize(
    ("audio", "rate_hz", "message"),
    [
        (np.zeros((1, SAMPLES)), 8000, "takes audio of 4000 Hz; received 8000 Hz"),
        (np.zeros((1, 500)), RATE_HZ, r"shape \[clips, 512\]; received shape \(1, 500\)"),
        (np.zeros(SAMPLES), RATE_HZ, r"received shape \(512,\)"),
        (np.zeros((1, SAMPLES), np.int32), RATE_HZ, "received int32 values"),
        (not_finite(), RATE_HZ, "1 of 3 clips are not, clip 1 the first"),
        ([np.zeros((2, SAMPLES)), not_finite()], RATE_HZ, "1 of 3 clips are not, clip 3 the first"),
        (np.zeros((0, SAMPLES)), RATE_HZ, "at least one clip; received none"),
        ([], RATE_HZ, "at least one clip; received none"),
    ],
)
def test_unfit_audio_is_named(audio, rate_hz, message, scorers):
    with pytest.raises(ValueError, match=message):
        scorers["simple"][0].score(audio, sample_rate_hz=rate_hz)


def test_a_single_class_or_a_class_without_training_clips_is_named(dataset, tmp_path):
    one = prepared(tmp_path, tone_recordings(3, 1, ["low"]), RATE_HZ, SAMPLES, STFT)
    with pytest.raises(ValueError, match=r"has 1: low\. Prepare a data set of at least two"):
        trained("simple", one)
    missing = dataclasses.replace(dataset, classes=(*dataset.classes, "top"))
    with pytest.raises(ValueError, match="no labelled clip of class top"):
        trained("simple", missing, seed=9)  # no scorer of these settings is kept


def test_without_test_clips_accuracy_is_none_with_its_reason(tmp_path):
    dataset = prepared(tmp_path, tone_recordings(3, 0), RATE_HZ, SAMPLES, STFT)
    scorer, log = trained("simple", dataset, min_steps=1, passes=1)
    assert scorer.test_accuracy["value"] is None
    assert scorer.test_accuracy["reason"].endswith("has no labelled test clip")
    assert "accuracy cannot be had" in log


def test_settings_bound_the_steps():
    settings = ScorerSettings(passes=12, min_steps=200, max_steps=3000, batch_size=32)
    assert settings.steps(100) == 200
    assert settings.steps(2250) == 12 * 71
    assert settings.steps(18620) == 3000
    assert ScorerSettings("wavegan").max_steps == 1500
    for wrong in ({"name": "vgg"}, {"passes": 0}, {"precision": "float64"}, {"learning_rate": -1}):
        (value,) = wrong.values()
        with pytest.raises(ValueError, match=f"received '?{value}"):
            ScorerSettings(**wrong)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """One training and two test clips of each digit; its classes are in alphabetical order."""
    recordings = {
        f"{split}/{name}/{index}.wav": noise(1, 16384, seed=10 * index + digit)[0]
        for digit, name in enumerate(DIGITS)
        for split, index in (("train", 0), ("test", 1), ("test", 2))
    }
    return prepared(tmp_path_factory.mktemp("digits"), recordings, 16000, 16384, StftSettings())


AUTHORS = random_weights(shapes_at(positions=64, classes=10))


def write_checkpoint(folder, weights):
    """As the authors': variables of a TensorFlow 1 graph and the step, by `Saver`."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in weights.items():
            tf.compat.v1.get_variable(name, initializer=value, use_resource=False)
        tf.compat.v1.get_variable("global_step", initializer=np.int64(103005), use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver()
        saver.save(session, str(folder / "best_acc"), global_step=103005, write_meta_graph=False)
    return folder / "best_acc-103005"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("authors"), AUTHORS)


def from_checkpoint(path, dataset):
    lines = []
    return checkpoint_scorer(path, dataset, progress=False, log=lines.append), "\n".join(lines)


def test_the_authors_checkpoint_gives_what_an_independent_forward_pass_gives(checkpoint, digits):
    scorer, _ = from_checkpoint(checkpoint, digits)
    assert scorer.classes == tuple(sorted(DIGITS))
    audio = noise(2, 16384, seed=99)
    logits, features = scorer.score(audio, sample_rate_hz=16000)
    for clip, of_clip, features_of_clip in zip(audio, logits, features, strict=True):
        expected, expected_features = independent_logits(clip, AUTHORS)
        # Theirs are in the order of the digits' values.
        expected = expected[[DIGITS.index(name) for name in scorer.classes]]
        assert np.ptp(expected) > 0.5
        np.testing.assert_allclose(of_clip, expected, atol=1e-4)
        np.testing.assert_allclose(features_of_clip, expected_features, atol=1e-4)

    provenance = scorer.provenance()
    assert provenance["name"] == "wavegan_authors"
    assert provenance["source"].endswith("best_acc-103005, step 103005")
    assert provenance["test_accuracy"]["clips"] == 20
    assert json.loads(json.dumps(provenance)) == provenance


def test_a_checkpoints_accuracy_is_kept_and_its_files_may_be_named(checkpoint, digits):
    first, _ = from_checkpoint(checkpoint, digits)
    (checkpoint.parent / "infer.meta").write_bytes(b"not read")
    for path in (
        checkpoint.with_name("best_acc-103005.index"),
        checkpoint.with_name("best_acc-103005.data-00000-of-00001"),
        checkpoint.with_name("infer.meta"),
        checkpoint.parent,
    ):
        again, log = from_checkpoint(path, digits)
        assert "its accuracy from" in log
        assert again.provenance() == first.provenance()


def test_missing_and_misshapen_variables_are_named(digits, tmp_path):
    wrong = dict(AUTHORS)
    del wrong["classifier/conv2d_2/bias"]
    wrong["classifier/dense/bias"] = np.zeros(11, np.float32)
    wrong["classifier/dense_1/bias"] = np.zeros(3, np.float32)
    path = write_checkpoint(tmp_path, wrong)
    with pytest.raises(ValueError, match="not the WaveGAN authors' classifier") as error:
        from_checkpoint(path, digits)
    assert "classifier/conv2d_2/bias is missing" in str(error.value)
    assert "classifier/dense/bias has shape (11,), not (10,)" in str(error.value)
    assert "classifier/dense_1/bias is none of its weights" in str(error.value)


def test_a_checkpoint_that_is_not_whole_or_not_there_is_named(checkpoint, digits, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.index does not exist"):
        from_checkpoint(tmp_path / "gone", digits)
    with pytest.raises(FileNotFoundError, match=r"must hold one checkpoint.* it has none"):
        from_checkpoint(tmp_path, digits)
    index = checkpoint.with_name("best_acc-103005.index")
    shutil.copy(index, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"index and its \.data file together"):
        from_checkpoint(tmp_path, digits)
    (tmp_path / index.name).write_bytes(b"nothing")
    (tmp_path / "best_acc-103005.data-00000-of-00001").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="best_acc-103005 cannot be read"):
        from_checkpoint(tmp_path, digits)


def test_a_data_set_that_the_authors_classifier_does_not_fit_is_named(checkpoint, digits, dataset):
    with pytest.raises(ValueError, match=r"of the classes zero, .* has high, low, middle"):
        from_checkpoint(checkpoint, dataset)
    short = dataclasses.replace(digits, sample_rate_hz=8000, clip_samples=8192)
    with pytest.raises(ValueError, match=r"16384 samples at 16000 Hz, .* 8192 samples at 8000"):
        from_checkpoint(checkpoint, short)
