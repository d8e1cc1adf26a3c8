import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from gaae_tf.evaluation.classifiers import _training_stream, classify, train_classifier
from gaae_tf.networks.classifier import SimpleClassifier


def bands(clips, seed, size=16):
    """Noise with a bright band: in the lower half of the bins for class 0, the upper for 1."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, clips)
    spectrograms = rng.uniform(-1.0, 0.0, (clips, size, size, 1)).astype(np.float32)
    for spectrogram, label in zip(spectrograms, labels, strict=True):
        first = rng.integers(0, size // 2 - 2) + label * size // 2
        spectrogram[first : first + 2] += 1.0
    return spectrograms, labels


def test_parameter_count_at_the_papers_size():
    model = SimpleClassifier(10)
    model.build((None, 256, 128, 1))
    # Convolutions 9·in·out + out; 16 × 8 × 256 flat to 10 classes.
    convolutions = 320 + 18_496 + 73_856 + 295_168
    assert model.count_params() == convolutions + 16 * 8 * 256 * 10 + 10 == 715_530


def test_agrees_with_an_independent_forward_pass():
    model = SimpleClassifier(3, seed=1)
    x = np.random.default_rng(0).normal(size=(1, 16, 32, 1)).astype(np.float32)
    model.build(x.shape)
    maps = [x[0, :, :, 0].astype(np.float64)]
    for convolution in model.convolutions:
        kernel, bias = convolution.get_weights()
        bias = bias + 0.1 * np.arange(len(bias)) / len(bias)  # not the zeros it starts with
        convolution.set_weights([kernel, bias])
        filtered = [
            sum(
                scipy.signal.correlate2d(x, kernel[:, :, i, o], mode="same")
                for i, x in enumerate(maps)
            )
            for o in range(kernel.shape[-1])
        ]
        rectified = [np.maximum(x + b, 0.0) for x, b in zip(filtered, bias, strict=True)]
        maps = [
            x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).max(axis=(1, 3)) for x in rectified
        ]
    logits, features = model(x, return_features=True)
    last = np.stack(maps, axis=-1)
    kernel, bias = model.head.get_weights()
    np.testing.assert_allclose(features[0], last.mean(axis=(0, 1)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits[0], last.ravel() @ kernel + bias, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(model(x), logits, rtol=1e-6, atol=1e-6)


def test_config_round_trip_gives_the_same_network():
    model = SimpleClassifier(4, seed=3)
    twin = SimpleClassifier.from_config(model.get_config())
    x = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 1)).astype(np.float32)
    np.testing.assert_array_equal(model(x), twin(x))
    assert not np.array_equal(model(x), SimpleClassifier(4, seed=4)(x))


def test_logits_and_features_are_float32_under_mixed_precision():
    model = SimpleClassifier(3, dtype="mixed_bfloat16")
    logits, features = model(np.zeros((2, 16, 16, 1), np.float32), return_features=True)
    assert model.convolutions[0].compute_dtype == "bfloat16"
    assert logits.dtype == features.dtype == tf.float32


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((None, 8, 16, 1), "at least 16 bins and frames; received 8 × 16"),
        ((None, 16, 16), r"must be \[batch, bins, frames, 1\]; received \(None, 16, 16\)"),
    ],
)
def test_too_small_spectrograms_are_named(shape, message):
    with pytest.raises(ValueError, match=message):
        SimpleClassifier(3).build(shape)


def test_training_learns_and_its_seed_alone_fixes_the_weights():
    spectrograms, labels = bands(96, seed=0)
    settings = {"steps": 36, "learning_rate": 1e-3, "batch_size": 16, "seed": 5}
    keras.utils.set_random_seed(1)
    model, steps = SimpleClassifier(2, seed=5), []
    train_classifier(
        model, spectrograms, labels, after_step=lambda: steps.append(len(steps)), **settings
    )
    assert len(steps) == 36

    test, truth = bands(200, seed=1)
    logits, features = classify(model, test, batch_size=64)
    assert np.mean(logits.argmax(axis=1) == truth) > 0.95
    assert features.shape == (200, 256)

    # Again, by way of another form of the clips and under another global seed.
    def fold(clips):
        return tf.reshape(clips, [-1, 16, 16, 1])

    keras.utils.set_random_seed(2)
    flat, twin = spectrograms.reshape(96, -1), SimpleClassifier(2, seed=5)
    train_classifier(twin, flat, labels, prepare=fold, **settings)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_batches_are_full_and_each_pass_has_every_clip_once():
    clips = np.arange(5.0)[:, None]
    batches = list(_training_stream(clips, np.arange(5), None, 5, 3, seed=1))
    assert [x.shape[0] for x, _ in batches] == [3] * 5
    drawn = np.concatenate([labels for _, labels in batches])
    for first in (0, 5, 10):
        assert sorted(drawn[first : first + 5]) == [0, 1, 2, 3, 4]
    assert drawn[:5].tolist() != drawn[5:10].tolist()


def test_unlabelled_clips_are_refused():
    spectrograms, labels = bands(8, seed=0)
    labels[3] = -1
    with pytest.raises(ValueError, match="received -1 to 1"):
        train_classifier(SimpleClassifier(2), spectrograms, labels, steps=1, learning_rate=1e-3)


def test_no_clips_are_refused():
    none = np.zeros((0, 16, 16, 1)), np.zeros(0, int)
    with pytest.raises(ValueError, match="received 0 labels"):
        train_classifier(SimpleClassifier(2), *none, steps=1, learning_rate=1e-3)


def test_training_that_leaves_the_finite_is_named():
    spectrograms, labels = bands(16, seed=0)
    spectrograms[3] = np.nan
    with pytest.raises(ValueError, match=r"not finite; .* lower learning rate than 0\.1"):
        train_classifier(SimpleClassifier(2), spectrograms, labels, steps=2, learning_rate=0.1)
