import keras
import numpy as np
import pytest
import tensorflow as tf
from test_spectral_norm import spectral_norms

from gaae_tf import losses
from gaae_tf.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gaae_tf.networks.wavegan import WaveGANDiscriminator, WaveGANGenerator
from gaae_tf.systems.tifgan import TiFGAN
from gaae_tf.systems.wasserstein import WassersteinGAN, gradient_norms
from gaae_tf.systems.wavegan import WaveGAN


def wavegan(optimizer=None, dtype="float32", **settings):
    keras.utils.set_random_seed(1)
    model = WaveGAN(
        WaveGANGenerator(128, channels=2, style_dim=5, dtype=dtype),
        WaveGANDiscriminator(128, channels=2, dtype=dtype),
        **settings,
    )
    optimizer = optimizer or (lambda: keras.optimizers.Adam(1e-3, beta_1=0.5, beta_2=0.9))
    model.compile(optimizer(), optimizer())
    return model


def batches(count=3, batch=4, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(
        (tf.constant(rng.uniform(-1, 1, (batch, 128, 1)), tf.float32),) for _ in range(count)
    )


def moved(before, network):
    after = [weight.numpy() for weight in network.weights]
    return any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_linear_critics_gradient_has_the_norm_of_its_weights_for_every_example():
    w = np.array([[3.0, 0.0], [0.0, 4.0]], np.float32)[..., None]
    x = tf.random.stateless_normal([5, 2, 2, 1], [1, 2])
    norms = gradient_norms(lambda x: tf.reduce_sum(w * x, axis=(1, 2, 3))[:, None], x)
    assert norms.numpy() == pytest.approx(np.full(5, 5.0))


def test_the_norm_is_each_examples_own():
    x = tf.constant([[1.0, 0.0], [3.0, 4.0]])
    norms = gradient_norms(lambda x: tf.reduce_sum(x**2, axis=1, keepdims=True) / 2, x)
    assert norms.numpy() == pytest.approx([1.0, 5.0])  # not √26, that of the batch


def test_losses_by_hand():
    real, fake = np.array([[1.0], [3.0]]), np.array([[2.5], [-1.0]])
    assert np.asarray(losses.wasserstein_critic(real, fake)).tolist() == [1.5, -4.0]
    assert np.asarray(losses.gradient_penalty(np.array([1.0, 3.0, 0.5]))).tolist() == [0, 4, 0.25]


class Level(keras.Model):
    """A generator of signals that are `level` everywhere."""

    style_dim, classes = 2, None

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.level = self.add_weight(name="level", shape=(), initializer="ones")

    def call(self, z, training=False):
        return self.level * tf.ones([tf.shape(z)[0], 4, 1])

    def get_config(self):
        return {}


class Slope(keras.Model):
    """A critic whose score is the sum times `slope`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.slope = self.add_weight(name="slope", shape=(), initializer="ones")

    def call(self, x, training=False):
        return self.slope * tf.reduce_sum(x, axis=(1, 2))[:, None]


def test_an_iteration_worked_out_by_hand():
    model = WassersteinGAN(Level(), Slope(), penalty=10.0)
    model.generator.level.assign(0.25)
    model.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.125))
    x = 0.75 * tf.ones([3, 4, 1])
    # The score's gradient is slope·(1, 1, 1, 1), of norm 2·slope. At slope 1:
    # D_loss = 4·0.25 - 4·0.75 + 10·(2 - 1)² = 8, its slope 1 - 3 + 10·2·(2 - 1)·2 = 38;
    # so the critic's slope becomes 1 - 38/8 = -3.75.
    # G_loss = 3.75·4·0.25 = 3.75, its slope 15, and the level 0.25 - 7.5.
    logs = model.train_step(((x,), (x,)))
    assert float(logs["gradient_penalty"]) == pytest.approx(1.0, abs=1e-5)
    assert float(logs["D_loss"]) == pytest.approx(8.0, abs=1e-4)
    assert float(logs["gradient_norm_D"]) == pytest.approx(38.0, abs=1e-3)
    assert float(model.discriminator.slope) == pytest.approx(-3.75, abs=1e-4)
    assert float(logs["G_loss"]) == pytest.approx(3.75, abs=1e-4)
    assert float(model.generator.level) == pytest.approx(-7.25, abs=1e-3)


def test_each_update_moves_its_own_network_alone():
    model = wavegan()
    x = batches(1)[0][0]
    generator = [weight.numpy() for weight in model.generator.weights]
    discriminator = [weight.numpy() for weight in model.discriminator.weights]
    model._update_critic(x, draw=0)
    assert moved(discriminator, model.discriminator)
    assert not moved(generator, model.generator)
    discriminator = [weight.numpy() for weight in model.discriminator.weights]
    model._update_generator(x, draw=1)
    assert moved(generator, model.generator)
    assert not moved(discriminator, model.discriminator)


def tifgan(learning_rate=1e-3):
    keras.utils.set_random_seed(1)
    size = {"bins": 32, "frames": 16, "kernel_size": (12, 3), "channels": 2, "spectral_norm": True}
    model = TiFGAN(DCGANGenerator(**size, style_dim=5), DCGANDiscriminator(**size))
    model.compile(*(keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=0.9) for _ in range(2)))
    return model


def test_spectral_vectors_of_the_critic_move_with_it_alone():
    model = tifgan()
    x = tf.random.stateless_uniform([4, 32, 16, 1], [1, 2], -1.0, 1.0)

    def vectors():
        return [weight.numpy() for weight in model.discriminator.non_trainable_variables]

    before = vectors()
    model._update_critic(x, draw=0)
    after = vectors()
    assert all(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    model._update_generator(x, draw=1)
    assert all(np.array_equal(a, b) for a, b in zip(after, vectors(), strict=True))


@pytest.mark.slow
def test_the_largest_singular_value_of_tifgans_critic_stays_near_one():
    # At three times its authors' rate, so that the kernels go far in few steps.
    model = tifgan(3e-4)
    update = tf.function(lambda x: model._update_critic(x, draw=0), autograph=False)
    rng = np.random.default_rng(0)
    for _ in range(500):
        update(tf.constant(rng.uniform(-1, 1, (4, 32, 16, 1)), tf.float32))
        model.step.assign_add(1)  # other codes
    stored, used = spectral_norms(model.discriminator).T
    assert len(used) == 2 + 1  # two convolutions and the dense layer
    assert used == pytest.approx(np.ones(len(used)), abs=0.05)
    assert np.abs(stored - 1).max() > 0.05  # the kernels have left the orthogonal start


def test_the_penaltys_gradient_is_that_of_differences():
    model = wavegan()
    x = batches(1)[0][0]
    critic = model._critic(x, 0, 5)
    bias = model.discriminator.convolutions[0].bias
    kernel = model.discriminator.convolutions[1].kernel

    def penalty():
        return tf.reduce_mean(losses.gradient_penalty(gradient_norms(critic, x)))

    with tf.GradientTape() as tape:
        value = penalty()
    slope = tape.gradient(value, kernel).numpy()
    place = np.unravel_index(np.abs(slope).argmax(), slope.shape)
    step = np.zeros(slope.shape, np.float32)
    step[place] = 1e-3
    kernel.assign_add(step)
    above = float(penalty())
    kernel.assign_sub(2 * step)
    below = float(penalty())
    assert (above - below) / 2e-3 == pytest.approx(slope[place], rel=0.02)
    assert bias.shape == (2,)


def test_an_iteration_makes_k_critic_updates_and_one_of_the_generator():
    model = wavegan()
    model.train_step(batches(6))  # k = 5
    assert int(model.discriminator_optimizer.iterations) == 5
    assert int(model.generator_optimizer.iterations) == 1
    assert int(model.step) == 1
    # Without a moving average the sampled network is the trained one.
    for a, b in zip(model.generator.weights, model.averaged_generator.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-7)


def test_codes_shifts_and_mixtures_are_drawn_apart_from_their_ranges():
    model, x = wavegan(), tf.zeros([2000, 128, 1])
    z, labels = model._noise(x, 0)
    assert labels is None
    assert (float(tf.reduce_min(z)), float(tf.reduce_max(z))) == pytest.approx((-1, 1), abs=0.01)
    assert float(tf.reduce_mean(z)) == pytest.approx(0.0, abs=0.02)
    mixture = model._mixture(x, 0)
    assert mixture.shape == (2000, 1, 1)
    assert float(tf.reduce_mean(mixture)) == pytest.approx(0.5, abs=0.03)
    shares = np.corrcoef(np.stack([mixture[:, 0, 0], *tf.transpose(z)]))
    assert np.abs(shares - np.eye(6)).max() < 0.1
    seen = {}

    def record(audio, shifts, training):
        seen["shifts"] = shifts.numpy()
        return audio

    model.discriminator.call, call = record, model.discriminator.call
    try:
        model._critic(x, 0, 3, 4)(tf.zeros([4000, 128, 1]))
    finally:
        model.discriminator.call = call
    values, counts = np.unique(seen["shifts"], return_counts=True)
    assert values.tolist() == [-2, -1, 0, 1, 2]
    assert counts / counts.sum() == pytest.approx(np.full(5, 0.2), abs=0.03)
    assert not np.array_equal(seen["shifts"][:2000], seen["shifts"][2000:])


def test_a_step_in_mixed_precision_is_close_to_float32():
    full = wavegan().train_step(batches())
    half = wavegan(dtype="mixed_bfloat16").train_step(batches())
    for name in WassersteinGAN.LOSS_NAMES:
        assert float(half[name]) == pytest.approx(float(full[name]), rel=0.1, abs=0.1), name


def test_a_penalty_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match=r"penalty must be positive, got 0\.0"):
        WassersteinGAN(Level(), Slope(), penalty=0.0)


def test_steps_in_float16_with_loss_scaling_are_finite_and_move_both_networks():
    def scaled():
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3, beta_1=0.5))

    model = wavegan(scaled, "mixed_float16")
    before = {name: [w.numpy() for w in getattr(model, name).weights] for name in model.NETWORKS}
    for _ in range(3):  # the scale, 2^15 at first, may have to come down
        logs = model.train_step(batches())
        assert all(np.isfinite(float(logs[name])) for name in model.LOSS_NAMES)
    for name, weights in before.items():
        assert moved(weights, getattr(model, name)), name
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)
