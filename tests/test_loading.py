import random
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.run.build import build_model
from gaae_tf.run.folder import DataDescription
from gaae_tf.run.names import CONFIG


def tones(recordings, samples, seed=0):
    frequencies = np.random.default_rng(seed).uniform(50.0, 300.0, (recordings, 1))
    time_s = np.arange(samples) / 1000.0
    return (0.4 * np.sin(2.0 * np.pi * frequencies * time_s)).astype(np.float32)


def spectrograms(run, count):
    return run.signal_path.spectrogram(tones(count, run.clip_samples)).numpy()


def test_tells_what_the_run_folder_tells(tiny_run):
    assert tiny_run.classes == ("low", "high")
    assert (tiny_run.sample_rate_hz, tiny_run.clip_samples, tiny_run.step) == (1000, 512, 7)
    assert (tiny_run.config.seed, tiny_run.data.licence) == (3, "CC0-1.0")


def test_weights_are_the_averaged_ones_of_the_checkpoint(tiny_run_dir, tiny_run):
    # The fixture disturbed the averages: a fresh model of the same seed has others.
    fresh = build_model(tiny_run.config, DataDescription.load(tiny_run_dir))
    checkpoint = tf.train.load_checkpoint(str(tiny_run_dir / "checkpoints"))
    for network in ("averaged_encoder", "averaged_classifier"):
        loaded, initial = (getattr(m, network).weights for m in (tiny_run.model, fresh))
        for i, (weight, before) in enumerate(zip(loaded, initial, strict=True)):
            saved = checkpoint.get_tensor(f"{network}_{i:04}/.ATTRIBUTES/VARIABLE_VALUE")
            np.testing.assert_array_equal(weight.numpy(), saved)
            assert np.abs(before.numpy() - saved).max() > 0.001, weight.path


def test_equal_seeds_give_equal_sounds_after_loading_anew(tiny_run_dir, tiny_run):
    again = gaae_tf.load(tiny_run_dir)
    np.testing.assert_array_equal(again.generate("low", 2, 5), tiny_run.generate("low", 2, 5))
    assert np.abs(tiny_run.generate("low", 2, 6) - tiny_run.generate("low", 2, 5)).max() > 0.01


def test_a_sound_does_not_depend_on_how_many_are_asked_for(tiny_run):
    many = tiny_run.generate("high", 19, seed=2)
    assert many.shape == (19, 512)
    assert many.dtype == np.float32
    np.testing.assert_array_equal(tiny_run.generate(1, 1, seed=2), many[:1])
    np.testing.assert_array_equal(tiny_run.generate("high", 18, seed=2), many[:18])
    np.testing.assert_array_equal(tiny_run.generate_each(["high"], 2, first=17), many[17:18])


def test_spectrograms_are_the_averaged_decoders(tiny_run):
    labels = [0, 1, 1]
    styles = np.stack(
        [tiny_run._styles(9, index, 1)[0] for index in range(3)]
    )  # one by one, not in a batch
    expected = tiny_run.model.averaged_decoder(styles, np.eye(2, dtype=np.float32)[labels])
    actual = tiny_run.generate_spectrograms(np.array(labels), seed=9)
    # Eager and compiled kernels sum in other orders: a float32 rounding or two of values up to 1.
    np.testing.assert_allclose(actual, expected, atol=4e-6)


def test_encode_and_reconstruct_follow_the_paper(tiny_run):
    x, model = spectrograms(tiny_run, 18), tiny_run.model
    guided, style = tiny_run.codes(x).values()
    probabilities = tiny_run.class_probabilities(x)
    expected_guided, expected_style = model.averaged_encoder(x)
    np.testing.assert_allclose(guided, expected_guided, atol=1e-5)
    np.testing.assert_allclose(style, expected_style, atol=1e-5)
    logits = np.asarray(model.averaged_classifier(guided))
    exponentials = np.exp(logits)
    np.testing.assert_allclose(
        probabilities, exponentials / exponentials.sum(axis=1, keepdims=True), atol=1e-6
    )
    decoded = model.averaged_decoder(style, probabilities)  # soft condition, the default
    np.testing.assert_allclose(tiny_run.reconstruct_spectrograms(x), decoded, atol=1e-5)


def test_what_is_made_of_codes_is_what_is_made_of_their_clips(tiny_run):
    clips = tones(18, 512)
    x = tiny_run.signal_path.spectrogram(clips).numpy()
    codes, probabilities = tiny_run.encode(x)
    assert codes.keys() == {"guided", "style"}
    np.testing.assert_allclose(probabilities, tiny_run.class_probabilities(x), atol=1e-6)
    np.testing.assert_allclose(
        tiny_run.decode(codes), tiny_run.reconstruct_spectrograms(x), atol=1e-5
    )
    labels = [0, 1] * 9
    made, expected = (
        tiny_run.restyle_codes(codes, labels),
        tiny_run.restyle_each(clips, labels),
    )
    assert (made.shape, made.dtype) == ((18, 512), np.float32)
    np.testing.assert_array_equal(made, expected)
    with pytest.raises(ValueError, match="got 'flute'"):
        tiny_run.restyle_codes(codes, ["flute"] * 18)


def test_represent_cuts_recordings_into_clips(tiny_run):
    audio = tones(2, 1100)
    codes = tiny_run.represent(audio)
    assert codes.recording.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(codes.start_s, [0.0, 0.512, 1.024] * 2)
    last = np.zeros((1, 512), np.float32)
    last[0, :76] = audio[1, 1024:]
    last = tiny_run.signal_path.spectrogram(last)
    guided, style = tiny_run.codes(last).values()
    probabilities = tiny_run.class_probabilities(last)
    np.testing.assert_allclose(codes.guided[5:], guided, atol=1e-6)
    np.testing.assert_allclose(codes.style[5:], style, atol=1e-6)
    np.testing.assert_allclose(codes.probabilities[5:], probabilities, atol=1e-6)
    assert codes.predicted[5] == tiny_run.classes[probabilities[0].argmax()]


@pytest.mark.parametrize("shape", [(700,), (512,), (3, 100), (2, 1025)])
def test_sounds_made_of_recordings_keep_their_shape(tiny_run, shape):
    audio = tones(1, np.prod(shape)).reshape(shape)
    assert tiny_run.reconstruct(audio).shape == shape
    assert tiny_run.restyle(audio, "low").shape == shape


def test_restyle_changes_the_class_and_keeps_the_style(tiny_run):
    audio = tones(1, 512)
    style = tiny_run.codes(tiny_run.signal_path.spectrogram(audio))["style"]
    for label in (0, 1):
        condition = np.eye(2, dtype=np.float32)[[label]]
        expected = tiny_run.to_audio(tiny_run.model.averaged_decoder(style, condition).numpy())
        np.testing.assert_allclose(tiny_run.restyle(audio, label), expected, atol=1e-3)
    difference = tiny_run.restyle(audio, "low") - tiny_run.restyle(audio, "high")
    assert np.abs(difference).max() > 0.01


def test_clips_restyled_each_are_those_restyled_alone(tiny_run):
    clips = tones(3, 512)
    labels = ["high", "low", "high"]
    together = tiny_run.restyle_each(clips, labels)
    assert (together.shape, together.dtype) == ((3, 512), np.float32)
    alone = [tiny_run.restyle(*pair) for pair in zip(clips, labels, strict=True)]
    np.testing.assert_array_equal(together, alone)
    with pytest.raises(ValueError, match=r"must be \[2, 512\], one for each label, got \(3, 512\)"):
        tiny_run.restyle_each(clips, labels[:2])
    with pytest.raises(ValueError, match="got 'flute'"):
        tiny_run.restyle_each(clips, ["flute"] * 3)


def test_interpolation_runs_from_one_seed_to_the_other(tiny_run):
    sounds = tiny_run.interpolate(1, 2, count=5, label="low")
    np.testing.assert_allclose(sounds[0], tiny_run.generate("low", seed=1)[0], atol=1e-3)
    np.testing.assert_allclose(sounds[4], tiny_run.generate("low", seed=2)[0], atol=1e-3)
    z0, z1 = tiny_run._styles(1, 0, 1), tiny_run._styles(2, 0, 1)
    between = tiny_run.model.averaged_decoder(z0 + 0.25 * (z1 - z0), np.array([[1.0, 0.0]], "f"))
    np.testing.assert_allclose(sounds[1:2], tiny_run.to_audio(between), atol=1e-3)


def test_interpolation_between_recordings_stays_in_the_predicted_class_of_the_first(tiny_run):
    first, second = tones(2, 700, seed=4)  # only their first clips count
    predicted = tiny_run.represent(first[:512]).predicted[0]
    expected = tiny_run.restyle(second[:512], predicted)
    np.testing.assert_allclose(tiny_run.interpolate(first, second, 3)[2], expected, atol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.generate("middle"), r"low, high \(or 0 to 1\), got 'middle'"),
        (lambda run: run.generate(2), "got 2"),
        (lambda run: run.generate(-1), "got -1"),
        (lambda run: run.generate("low", 0), "count must be at least 1, got 0"),
        (lambda run: run.generate("low", 1, -3), "seed must be .* got -3"),
        (lambda run: run.generate_spectrograms([]), "number of labels must be at least 1"),
        (lambda run: run.restyle(np.zeros(9, "f"), "flute"), "got 'flute'"),
        (lambda run: run.represent(np.zeros((1, 2, 3), "f")), r"got \(1, 2, 3\)"),
        (lambda run: run.represent(np.zeros(0, "f")), r"got \(0,\)"),
        (lambda run: run.represent(np.zeros(9, np.int16)), "floating-point .* got int16"),
        (lambda run: run.reconstruct(np.full(9, np.nan, "f")), "audio must be finite"),
        (lambda run: run.codes(np.zeros((1, 16, 32, 1), "f")), r"\[n, 32, 16, 1\]"),
        (lambda run: run.codes(np.full((1, 32, 16, 1), np.inf, "f")), "must be finite"),
        (lambda run: run.interpolate(1, 2), "label is needed"),
        (lambda run: run.interpolate(1, 2, 1, "low"), "count must be 2 or more"),
        (lambda run: run.interpolate(np.zeros((2, 9), "f"), 2), r"got shape \(2, 9\)"),
    ],
)
def test_bad_arguments_are_named(tiny_run, call, message):
    with pytest.raises(ValueError, match=message):
        call(tiny_run)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent is no folder"):
        gaae_tf.load(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match=r"config\.flags does not exist"):
        gaae_tf.load(tmp_path)


def test_bad_choices_are_named(tiny_run_dir):
    with pytest.raises(ValueError, match="latest, best, got 'newest'"):
        gaae_tf.load(tiny_run_dir, "newest")
    with pytest.raises(ValueError, match="vocoder must be one of"):
        gaae_tf.load(tiny_run_dir, vocoder="wavenet")


def test_a_configuration_that_does_not_fit_the_checkpoint_is_named(tiny_run_dir, tmp_path):
    other = tmp_path / "run"
    shutil.copytree(tiny_run_dir, other)
    config = TrainConfig.load(other / CONFIG).to_flags()
    (other / CONFIG).write_text(config.replace("--style_dim=5", "--style_dim=4"))
    with pytest.raises(ValueError, match=r"does not fit .*config\.flags"):
        gaae_tf.load(other)


def test_the_callers_dtype_policy_neither_matters_nor_changes(tiny_run_dir, tiny_run):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        sounds = gaae_tf.load(tiny_run_dir).generate("low", 1, 5)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(sounds, tiny_run.generate("low", 1, 5))


def test_the_callers_random_state_does_not_change(tiny_run_dir):
    def draws():
        values = [random.random(), np.random.random()]  # noqa: NPY002 (the global state)
        return [*values, float(keras.random.uniform([])), float(tf.random.uniform([]))]

    keras.utils.set_random_seed(1)
    expected = draws()
    keras.utils.set_random_seed(1)
    gaae_tf.load(tiny_run_dir)
    assert draws() == expected


def test_importing_the_package_imports_nothing_heavy():
    code = "import gaae_tf, sys; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


def test_channels_are_not_taken_for_recordings_nor_integers_for_full_scale(tiny_run):
    stereo = np.zeros((2205, 2), np.float32)  # as soundfile reads it
    for ask in (tiny_run.represent, tiny_run.classify):
        with pytest.raises(ValueError, match=r"got \(2205, 2\), 2205 recordings of 2 samples"):
            ask(stereo)
        with pytest.raises(ValueError, match=r"up to 32000; divide 16-bit samples by 32,768"):
            ask(np.full(512, 32000.0, np.float32))
    assert len(tiny_run.represent(np.full((2, 2), 1.5, np.float32)).codes["style"]) == 2


def test_a_class_may_be_typed_by_its_number(tiny_run):
    assert tiny_run.label_index("1") == tiny_run.label_index("high") == tiny_run.label_index(1)
    with pytest.raises(ValueError, match=r"must be one of low, high \(or 0 to 1\), got '2'"):
        tiny_run.label_index("2")


def test_channels_first_are_told_in_one_line(tiny_run_dir):
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ValueError, match="has tensorflow with channels_first: set"):
            gaae_tf.load(tiny_run_dir)
    finally:
        keras.config.set_image_data_format("channels_last")
