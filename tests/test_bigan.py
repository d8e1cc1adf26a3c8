import keras
import numpy as np
import pytest
import tensorflow as tf
from test_biggan import moved, trained
from test_networks import trainable

from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.features import FeatureNetwork, JointDiscriminator
from gaae_tf.systems.bigan import BiGAN


def bigan(dtype="float32", **settings):
    keras.utils.set_random_seed(1)
    size = {"bins": 16, "frames": 8, "channels": 2, "non_local_bins": 8, "style_dim": 6}
    size["dtype"] = dtype
    model = BiGAN(
        Decoder(**size, classes=None),
        FeatureNetwork(**size),
        JointDiscriminator(**size),
        **settings,
    )
    model.compile(*(keras.optimizers.Adam(1e-3, beta_1=0.0) for _ in range(2)))
    return model


def batches(count=3, batch=4, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(
        (tf.constant(rng.uniform(-1, 1, (batch, 16, 8, 1)), tf.float32),) for _ in range(count)
    )


def logistic(score):
    return np.log1p(np.exp(score))


class Level(keras.Model):
    """A generator of spectrograms that are the code everywhere, plus `level`."""

    style_dim = 1

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.level = self.add_weight(name="level", shape=(), initializer="ones")

    def call(self, z, training=False):
        return (self.level + z)[:, None, None] * tf.ones([1, 4, 2, 1])

    def get_config(self):
        return {}


class Mean(keras.Model):
    """Features that are `gain` times the mean of a spectrogram."""

    style_dim = 1

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.gain = self.add_weight(name="gain", shape=(1, 1), initializer="ones")

    def call(self, x, training=False):
        return tf.reduce_mean(x, axis=(1, 2)) @ self.gain

    def get_config(self):
        return {}


class Sum(keras.Model):
    """A joint score `slope` times the mean of a spectrogram plus its code."""

    style_dim = 1

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.slope = self.add_weight(name="slope", shape=(1, 1), initializer="ones")

    def call(self, x, code, training=False):
        return (tf.reduce_mean(x, axis=(1, 2)) + code) @ self.slope


def test_an_iteration_worked_out_by_hand():
    model = BiGAN(Level(), Mean(), Sum(), weight_decay=0.0)
    model.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    x = tf.constant([0.25, 1.0])[:, None, None, None] * tf.ones([2, 4, 2, 1])
    z = model._noise(x, 0)[0].numpy()[:, 0]
    real, fake = np.array([0.5, 2.0]), 1.0 + 2.0 * z  # x + F(x) and G(z) + z
    expected = np.mean(logistic(-real)) + np.mean(logistic(fake))
    slope_gradient = np.mean(-real / (1 + np.exp(real))) + np.mean(fake / (1 + np.exp(-fake)))
    slope = 1.0 - slope_gradient
    score = slope * real
    gain_gradient = np.mean(slope * np.array([0.25, 1.0]) / (1 + np.exp(-score)))
    logs = model.train_step(((x,), (x,)))
    assert float(logs["J_loss"]) == pytest.approx(expected, rel=1e-5)
    assert float(model.discriminator.slope[0, 0]) == pytest.approx(slope, rel=1e-5)
    # F's loss rises with the score of its own pair: it learns to be taken for generated.
    assert float(logs["F_loss"]) == pytest.approx(np.mean(logistic(score)), rel=1e-5)
    assert float(model.features.gain[0, 0]) == pytest.approx(1.0 - gain_gradient, rel=1e-5)
    assert float(model.generator.level) == 1.0


def test_weight_decay_pulls_kernels_to_zero_and_is_in_no_loss():
    plain, decayed = (BiGAN(Level(), Mean(), Sum(), weight_decay=w) for w in (0.0, 0.5))
    x = tf.ones([2, 4, 2, 1])
    for model in (plain, decayed):
        model.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    logs = [model.train_step(((x,), (x,))) for model in (plain, decayed)]
    assert float(logs[0]["J_loss"]) == float(logs[1]["J_loss"])
    # Half of 0.5 times the square has the slope 0.5 in a weight of 1.
    change = float(plain.discriminator.slope[0, 0]) - float(decayed.discriminator.slope[0, 0])
    assert change == pytest.approx(0.5, rel=1e-5)


def test_the_generator_is_frozen_and_each_update_moves_its_own_network():
    model = bigan()
    frozen = [weight.numpy() for weight in model.generator.weights]
    features, discriminator = trained(model.features), trained(model.discriminator)
    ((x,),) = batches(1)
    model._update_discriminator(x, draw=0)
    assert moved(discriminator, model.discriminator)
    assert not moved(features, model.features)
    discriminator = [weight.numpy() for weight in model.discriminator.weights]
    model._update_features(x)
    assert moved(features, model.features)
    for before, weight in zip(discriminator, model.discriminator.weights, strict=True):
        assert np.array_equal(before, weight.numpy()), weight.path  # spectral vectors too
    model.train_step(batches())
    model.reestimate_statistics(2, 8)
    for before, weight in zip(frozen, model.generator.weights, strict=True):
        assert np.array_equal(before, weight.numpy()), weight.path  # batch statistics too
    assert model.generator.trainable_variables == []


def test_codes_and_reconstructions_are_of_the_averaged_features():
    model = bigan()
    model.train_step(batches())
    ((x,),) = batches(1)
    codes = model.averaged_features(x)
    np.testing.assert_array_equal(model.codes(x)["features"], codes)
    np.testing.assert_allclose(model(x), model.generator(codes), atol=1e-6)


def test_parameters_at_the_paper_size():
    size = {"bins": 256, "frames": 128, "channels": 16, "non_local_bins": 128, "style_dim": 128}
    # The tower of S without its head (256 + 1), and its last layer: 256·128 + 128.
    tower = 2_408_162 - 257
    assert trainable(FeatureNetwork(**size)) == tower + 256 * 128 + 128
    # (256 + 128)·128 + 128 and 128 + 1.
    assert trainable(JointDiscriminator(**size)) == tower + 384 * 128 + 128 + 129


def test_codes_of_different_lengths_are_refused():
    size = {"bins": 16, "frames": 8, "channels": 1}
    with pytest.raises(ValueError, match="codes of one length, got style_dim 6, 5 and 6"):
        BiGAN(
            Decoder(**size, classes=None, style_dim=6),
            FeatureNetwork(**size, style_dim=5),
            JointDiscriminator(**size, style_dim=6),
        )


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_a_step_in_mixed_precision_is_close_to_float32(dtype):
    full, half = bigan().train_step(batches()), bigan(dtype).train_step(batches())
    for name in ("F_loss", "J_loss"):
        assert float(half[name]) == pytest.approx(float(full[name]), rel=0.1, abs=0.05), name
