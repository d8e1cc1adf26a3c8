import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.commands import opening
from gaae_tf.ops.griffin_lim import spectral_convergence_db
from gaae_tf.run import export as command


def run(*arguments):
    return opening.run("export", [*map(str, arguments)])


@pytest.fixture(scope="module")
def exported(tiny_run_dir, tmp_path_factory):
    """The tiny run, exported by the command over what looks like an earlier export."""
    out = tmp_path_factory.mktemp("exports") / "export"
    out.mkdir()
    for name in ("saved_model.pb", "metadata.json", "stale"):
        (out / name).touch()
    assert run(f"--run_dir={tiny_run_dir}", f"--out={out}", "--refine=16") == 0
    return out


@pytest.fixture(scope="module")
def model(exported):
    return tf.saved_model.load(str(exported))


def noise(clips, seed=0):
    return np.random.default_rng(seed).normal(0.0, 0.1, (clips, 512)).astype(np.float32)


def call(model, name, **inputs):
    inputs = {key: tf.convert_to_tensor(value) for key, value in inputs.items()}
    return {key: value.numpy() for key, value in model.signatures[name](**inputs).items()}


def test_encode_gives_what_the_loaded_run_gives(model, tiny_run):
    audio = noise(3)
    spectrograms = tiny_run.signal_path.spectrogram(audio).numpy()
    expected = (
        *tiny_run.codes(spectrograms).values(),
        tiny_run.class_probabilities(spectrograms),
    )
    for outputs in (
        call(model, "encode", audio=audio),
        call(model, "encode_spectrograms", spectrograms=spectrograms),
    ):
        for name, value in zip(("guided", "style", "probabilities"), expected, strict=True):
            np.testing.assert_allclose(outputs[name], value, atol=1e-5)


def test_classify_names_the_most_probable_class(model, tiny_run):
    audio = noise(3)
    spectrograms = tiny_run.signal_path.spectrogram(audio).numpy()
    probabilities = tiny_run.class_probabilities(spectrograms)
    for outputs in (
        call(model, "classify", audio=audio),
        call(model, "classify_spectrograms", spectrograms=spectrograms),
    ):
        np.testing.assert_allclose(outputs["probabilities"], probabilities, atol=1e-5)
        assert outputs["label"].tolist() == probabilities.argmax(axis=1).tolist()
        names = [tiny_run.classes[label].encode() for label in outputs["label"]]
        assert outputs["class_name"].tolist() == names


def test_reconstruct_gives_spectrograms_and_their_sound(model, tiny_run):
    audio = noise(2)
    spectrograms = tiny_run.signal_path.spectrogram(audio).numpy()
    expected = tiny_run.reconstruct_spectrograms(spectrograms)
    for outputs in (
        call(model, "reconstruct", audio=audio),
        call(model, "reconstruct_spectrograms", spectrograms=spectrograms),
    ):
        np.testing.assert_allclose(outputs["spectrograms"], expected, atol=1e-5)
        assert outputs["audio"].shape == (2, 512)
        magnitude = tiny_run.signal_path.magnitude(outputs["spectrograms"]).numpy()
        # Random phase alone gives about -3 dB; an untrained decoder's output is no sound's.
        settings = tiny_run.signal_path.stft
        assert spectral_convergence_db(outputs["audio"], magnitude, settings).max() < -6.0


def test_generate_draws_the_codes_of_the_loaded_run(model, tiny_run):
    labels = np.array([1, 0, 1])
    outputs = call(model, "generate", labels=labels, seed=np.int64(4))
    expected = tiny_run.generate_spectrograms(labels, seed=4)
    np.testing.assert_allclose(outputs["spectrograms"], expected, atol=1e-5)
    assert outputs["style"].shape == (3, 5)
    assert outputs["audio"].shape == (3, 512)


def test_generate_repeats_for_equal_seeds_whatever_the_batch(model):
    three = call(model, "generate", labels=np.array([1, 0, 1]), seed=np.int64(4))
    one = call(model, "generate", labels=np.array([1]), seed=np.int64(4))
    other = call(model, "generate", labels=np.array([1]), seed=np.int64(5))
    np.testing.assert_allclose(one["audio"], three["audio"][:1], atol=1e-4)
    assert np.abs(one["audio"] - other["audio"]).max() > 0.01


def test_decode_restyles_what_encode_gave(model, tiny_run):
    style = call(model, "encode", audio=noise(2))["style"]
    outputs = call(model, "decode", style=style, labels=np.array([0, 1]))
    condition = np.eye(2, dtype=np.float32)
    expected = tiny_run.model.averaged_decoder(style, condition)
    np.testing.assert_allclose(outputs["spectrograms"], expected, atol=1e-5)


def test_a_label_out_of_range_is_refused_by_the_saved_model(model):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="labels must be from 0 to 1: low, high"
    ):
        call(model, "generate", labels=np.array([2]), seed=np.int64(0))


@pytest.mark.parametrize(
    ("name", "key", "shape", "expected"),
    [
        ("encode", "audio", (1, 1024), "512"),
        ("encode", "audio", (1, 511), "512"),
        ("reconstruct", "audio", (2, 513), "512"),
        ("classify", "audio", (1, 256), "512"),
        ("encode_spectrograms", "spectrograms", (1, 32, 32, 1), "32,16,1"),
        ("classify_spectrograms", "spectrograms", (1, 64, 16, 1), "32,16,1"),
        ("decode", "style", (1, 6), "5"),
    ],
)
def test_other_lengths_and_shapes_are_refused_by_the_saved_model(model, name, key, shape, expected):
    inputs = {key: np.zeros(shape, np.float32)}
    if name == "decode":
        inputs["labels"] = np.array([0])
    with pytest.raises(tf.errors.OpError, match=rf"is not compatible.*{expected}\]"):
        call(model, name, **inputs)


def test_describe_tells_classes_and_sizes(model):
    told = call(model, "describe")
    assert told["classes"].tolist() == [b"low", b"high"]
    assert (told["sample_rate_hz"], told["clip_samples"], told["step"]) == (1000, 512, 7)


def test_readme_and_metadata_tell_what_is_inside(exported):
    metadata = json.loads((exported / "metadata.json").read_text())
    assert metadata["classes"] == ["low", "high"]
    assert metadata["signal_path"]["scaling"]["statistics"]["maximum"] == 2.0
    assert metadata["dataset_licence"] == "CC0-1.0"
    readme = (exported / "README.txt").read_text()
    model = tf.saved_model.load(str(exported))
    assert all(f"\n    {name} (" in readme for name in model.signatures)
    assert "0 low, 1 high" in readme


ALONE = """
import sys

absent = ("gaae_tf", "keras", "numba", "soundfile", "soxr", "scipy")
sys.modules.update(dict.fromkeys(absent))  # importing any of them fails
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
labels, seed = tf.constant([0, 1], tf.int64), tf.constant(1, tf.int64)
sounds = model.signatures["generate"](labels=labels, seed=seed)
again = model.generate(labels, seed)
assert bool(tf.reduce_all(sounds["audio"] == again["audio"]))
for name in ("encode", "reconstruct", "classify"):
    print(name, sorted(model.signatures[name](audio=sounds["audio"])))
tf.io.write_file(sys.argv[2], tf.io.serialize_tensor(sounds["audio"]))
"""


def test_works_where_only_tensorflow_is_installed(exported, model, tmp_path):
    shutil.copytree(exported, tmp_path / "elsewhere")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    result = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, "elsewhere", "audio"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "classify ['class_name', 'label', 'probabilities']" in result.stdout
    there = tf.io.parse_tensor((tmp_path / "audio").read_bytes(), tf.float32)
    here = call(model, "generate", labels=np.array([0, 1]), seed=np.int64(1))["audio"]
    np.testing.assert_allclose(there, here, atol=1e-5)


def test_an_earlier_export_is_replaced_whole_and_nothing_left_beside(exported):
    assert [path.name for path in exported.parent.iterdir()] == ["export"]
    assert not (exported / "stale").exists()
    assert json.loads((exported / "metadata.json").read_text())["vocoder"]["iterations"] == 16


def test_a_folder_that_is_no_export_is_left_alone(tiny_run_dir, tmp_path, capsys):
    (tmp_path / "precious").touch()
    assert run(f"--run_dir={tiny_run_dir}", f"--out={tmp_path}") == 1
    assert f"out {tmp_path} exists and is no export" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_failed_write_leaves_the_earlier_export(exported, tiny_run, tmp_path, monkeypatch):
    out = tmp_path / "export"
    shutil.copytree(exported, out)

    def fail(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "no space left")

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(OSError, match="no space left"):
        command.save(tiny_run, out)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert (out / "saved_model.pb").is_file()
