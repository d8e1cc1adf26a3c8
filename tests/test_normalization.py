import keras
import numpy as np
import pytest

from gaae_tf.networks.latent_classifier import Standardisation
from gaae_tf.networks.normalization import BatchNormalization, global_moments


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(3.0, 2.0, (6, 4, 5, 3)).astype("float32")


def test_training_output_has_zero_mean_and_unit_deviation(features):
    layer = BatchNormalization(epsilon=0.0)
    out = np.asarray(layer(features, training=True))
    assert out.mean((0, 1, 2)) == pytest.approx(np.zeros(3), abs=1e-5)
    assert out.std((0, 1, 2)) == pytest.approx(np.ones(3), abs=1e-5)


def test_gain_is_one_plus_the_class_row(features):
    layer = BatchNormalization(classes=2, epsilon=0.0)
    layer.build(features.shape)
    layer.gain.assign([[0.0, 0.5, 1.0], [-1.0, 0.0, 2.0]])
    layer.bias.assign([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    condition = np.array([[1, 0]] * 3 + [[0.5, 0.5]] * 3, "float32")
    out = np.asarray(layer(features, condition, training=True))
    normal = (features - features.mean((0, 1, 2))) / features.std((0, 1, 2))
    assert out[:3] == pytest.approx(normal[:3] * [1.0, 1.5, 2.0] + [1.0, 2.0, 3.0], abs=1e-4)
    # A soft label mixes the rows: 1 + (0 - 1)/2, 1 + 0.5/2, 1 + (1 + 2)/2.
    assert out[3:] == pytest.approx(normal[3:] * [0.5, 1.25, 2.5] + [0.5, 1.0, 1.5], abs=1e-4)


def test_moving_statistics_move_by_one_minus_momentum_and_are_used_at_inference(features):
    layer = BatchNormalization(momentum=0.75, epsilon=0.0)
    layer(features, training=True)
    mean, variance = features.mean((0, 1, 2)), features.var((0, 1, 2))
    assert np.asarray(layer.moving_mean) == pytest.approx(0.25 * mean, rel=1e-4)
    assert np.asarray(layer.moving_variance) == pytest.approx(0.75 + 0.25 * variance, rel=1e-4)
    out = np.asarray(layer(features))
    expected = (features - 0.25 * mean) / np.sqrt(0.75 + 0.25 * variance)
    assert out == pytest.approx(expected, abs=1e-4)


def test_statistics_stay_float32_when_half_precision_would_lose_them():
    # In bfloat16 the mean of 4,096 values near 100 would be off by tenths.
    x = np.random.default_rng(0).normal(100.0, 0.5, (16, 16, 16, 1)).astype("float32")
    layer = BatchNormalization(momentum=0.0, dtype="mixed_bfloat16")
    layer.build(x.shape)
    with keras.src.backend.AutocastScope("bfloat16"):
        layer(keras.ops.convert_to_tensor(x), training=True)
    assert np.asarray(layer.moving_mean)[0] == pytest.approx(100.0, abs=0.3)
    assert layer.moving_mean.dtype == "float32"


def test_codes_that_hardly_vary_about_a_mean_are_standardised():
    codes = np.random.default_rng(0).normal(3.0, 0.01, (64, 5)).astype("float32")
    out = np.asarray(Standardisation()(codes, training=True))
    exact = codes.astype("float64")
    expected = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-6)
    assert out == pytest.approx(expected, abs=1e-4)


def test_moments_of_two_replicas_are_those_of_both_batches(features):
    halves = [
        (features[i : i + 3].mean((0, 1, 2)), features[i : i + 3].var((0, 1, 2))) for i in (0, 3)
    ]
    told = np.array(halves)
    for i, (mean, variance) in enumerate(halves):

        def of_replicas(values, i=i):
            assert np.array_equal(np.asarray(values), told[i])
            return told

        found = global_moments(mean, variance, of_replicas)
        assert np.asarray(found[0]) == pytest.approx(features.mean((0, 1, 2)), rel=1e-5)
        assert np.asarray(found[1]) == pytest.approx(features.var((0, 1, 2)), rel=1e-5)
