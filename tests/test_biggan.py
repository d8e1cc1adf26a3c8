import keras
import numpy as np
import pytest
import tensorflow as tf
from test_networks import decoder_parameters, trainable
from test_spectral_norm import spectral_norms

from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import SampleDiscriminator
from gaae_tf.systems.biggan import BigGAN

CLASSES = 3


def biggan(classes=CLASSES, dtype="float32", optimizer=None, **settings):
    keras.utils.set_random_seed(1)
    size = {"bins": 16, "frames": 8, "channels": 2, "non_local_bins": 8, "dtype": dtype}
    model = BigGAN(
        Decoder(**size, classes=classes, style_dim=6),
        SampleDiscriminator(**size, classes=classes),
        **settings,
    )
    optimizer = optimizer or (lambda: keras.optimizers.Adam(1e-3, beta_1=0.0))
    model.compile(optimizer(), optimizer())
    return model


def batches(classes=CLASSES, count=3, batch=4, seed=0):
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        x = tf.constant(rng.uniform(-1, 1, (batch, 16, 8, 1)), tf.float32)
        y = tf.one_hot(rng.integers(0, CLASSES, batch), CLASSES)
        result.append((x, y) if classes else (x,))
    return tuple(result)


def trained(network):
    return [weight.numpy() for weight in network.trainable_variables]


def moved(before, network):
    return any(not np.array_equal(a, b) for a, b in zip(before, trained(network), strict=True))


class Level(keras.Model):
    """A generator of spectrograms that are `level` everywhere."""

    style_dim, classes = 2, None

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.level = self.add_weight(name="level", shape=(), initializer="ones")

    def call(self, z, training=False):
        return self.level * tf.ones([tf.shape(z)[0], 4, 2, 1])

    def get_config(self):
        return {}


class MeanScore(keras.Model):
    """A discriminator whose score is the mean times `slope`."""

    classes = None

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.slope = self.add_weight(name="slope", shape=(), initializer="ones")

    def call(self, x, training=False):
        return self.slope * tf.reduce_mean(x, axis=(1, 2, 3), keepdims=False)[:, None]


def test_an_iteration_worked_out_by_hand():
    model = BigGAN(Level(), MeanScore())
    model.generator.level.assign(-0.25)
    model.discriminator.slope.assign(2.0)
    model.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    x = tf.constant([0.25, 1.0])[:, None, None, None] * tf.ones([2, 4, 2, 1])
    # D_loss = mean(relu(1 - 2·0.25), relu(1 - 2·1)) + relu(1 - 2·0.25) = 0.25 + 0.5; its slope in
    # the discriminator's weight is -0.25/2 - 0.25 = -0.375, so that becomes 2.375.
    # G_loss = -2.375·(-0.25) = 0.59375; its slope in the level is -2.375, so that becomes 2.125.
    logs = model.train_step(((x,), (x,)))
    assert float(logs["D_loss"]) == pytest.approx(0.75)
    assert float(logs["gradient_norm_D"]) == pytest.approx(0.375)
    assert float(logs["G_loss"]) == pytest.approx(0.59375)
    assert float(logs["gradient_norm_G"]) == pytest.approx(2.375)
    assert float(model.discriminator.slope) == pytest.approx(2.375)
    assert float(model.generator.level) == pytest.approx(2.125)
    # The average of a first step keeps a tenth: 0.1·1 + 0.9·2.125 of the weights it was built with.
    assert float(model.averaged_generator.level) == pytest.approx(0.1 * 1.0 + 0.9 * 2.125)


@pytest.mark.parametrize("classes", [CLASSES, None])
def test_each_update_moves_its_own_network_alone(classes):
    model = biggan(classes)
    batch = batches(classes, 1)[0]
    generator, discriminator = trained(model.generator), trained(model.discriminator)
    model._update_discriminator(batch, draw=0)
    assert moved(discriminator, model.discriminator)
    assert not moved(generator, model.generator)
    discriminator = [weight.numpy() for weight in model.discriminator.weights]
    model._update_generator(batch[0], draw=1)
    assert moved(generator, model.generator)
    # Its spectral vectors stand still too.
    for before, weight in zip(discriminator, model.discriminator.weights, strict=True):
        assert np.array_equal(before, weight.numpy()), weight.path


def test_losses_are_those_of_the_labels_drawn():
    model, (batch,) = biggan(), batches(count=1)
    x, y = batch
    z, y_r = model._noise(x, 0)
    generated = model.generator(z, y_r, training=True)
    scores = model.discriminator(
        tf.concat([x, generated], 0), tf.concat([y, y_r], 0), training=True
    ).numpy()
    expected = np.maximum(1 - scores[:4], 0).mean() + np.maximum(1 + scores[4:], 0).mean()
    logs = biggan()._update_discriminator(batch, draw=0)
    assert float(logs["D_loss"]) == pytest.approx(expected, rel=1e-4)
    model = biggan()
    score = model.discriminator(model.generator(z, y_r, training=True), y_r).numpy()
    logs = biggan()._update_generator(x, draw=0)
    assert float(logs["G_loss"]) == pytest.approx(-score.mean(), rel=1e-4)


def test_an_iteration_makes_k_discriminator_updates_and_one_of_the_generator():
    model = biggan(None)
    model.train_step(batches(None, count=4))
    assert int(model.discriminator_optimizer.iterations) == 3
    assert int(model.generator_optimizer.iterations) == 1
    assert int(model.step) == 1


def test_the_largest_singular_value_of_the_discriminator_stays_near_one():
    # At the paper's rate. One power iteration a step follows the kernel once it has caught up with
    # the orthogonal start, whose singular values are all alike.
    model = biggan(optimizer=lambda: keras.optimizers.Adam(2e-4, beta_1=0.0))
    before = trained(model.discriminator)
    update = tf.function(lambda *batch: model._update_discriminator(batch, draw=0), autograph=False)
    for batch in batches(count=250):
        update(*batch)
    stored, used = spectral_norms(model.discriminator).T
    assert len(used) == 2 * 3 + 4 + 2 + 2  # two D blocks, non-local, plain block, two heads
    assert used == pytest.approx(np.ones(len(used)), abs=0.05)
    assert moved(before, model.discriminator)
    assert np.abs(stored - 1).max() > 0.03  # the kernels have left the orthogonal start


@pytest.mark.slow
def test_the_largest_singular_value_of_the_generator_stays_near_one():
    # At ten times the paper's rate, so that the kernels go far in few steps.
    model = biggan(optimizer=lambda: keras.optimizers.Adam(5e-4, beta_1=0.0))
    update = tf.function(lambda x: model._update_generator(x, draw=0), autograph=False)
    for x, _ in batches(count=150):
        update(x)
        model.step.assign_add(1)  # other codes
    stored, used = spectral_norms(model.generator).T
    assert len(used) == 2 * 3  # two U blocks
    assert used == pytest.approx(np.ones(len(used)), abs=0.05)
    assert np.abs(stored - 1).max() > 0.05


@pytest.mark.parametrize(
    ("classes", "generator", "discriminator"),
    [(10, 2_484_802, 2_410_722), (None, 2_458_018, 2_408_162)],
)
def test_parameters_at_the_paper_size(classes, generator, discriminator):
    size = {"bins": 256, "frames": 128, "channels": 16, "non_local_bins": 128}
    widths = (256, 128, 128, 64, 32, 16)
    # A plain batch normalisation has as many as a conditional one of a single class.
    assert decoder_parameters(widths, 4, classes or 1) == generator
    assert trainable(Decoder(**size, classes=classes)) == generator
    assert trainable(SampleDiscriminator(**size, classes=classes)) == discriminator
    # The projection is all that the supervised discriminator has besides.
    assert 2_410_722 - 2_408_162 == 10 * 256


def test_networks_of_different_classes_are_refused():
    size = {"bins": 16, "frames": 8, "channels": 1}
    with pytest.raises(ValueError, match=r"generator has classes=2, .* classes=None"):
        BigGAN(Decoder(**size, classes=2), SampleDiscriminator(**size, classes=None))


@pytest.mark.parametrize("classes", [CLASSES, None])
def test_a_step_in_mixed_precision_is_close_to_float32(classes):
    full = biggan(classes).train_step(batches(classes))
    half = biggan(classes, "mixed_bfloat16").train_step(batches(classes))
    for name in ("G_loss", "D_loss"):
        assert float(half[name]) == pytest.approx(float(full[name]), rel=0.1, abs=0.05), name


def test_steps_in_float16_with_loss_scaling_are_finite_and_move_both_networks():
    def scaled():
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3, beta_1=0.0))

    model = biggan(None, "mixed_float16", scaled)
    before = {name: trained(getattr(model, name)) for name in model.NETWORKS}
    for _ in range(3):  # the scale, 2^15 at first, may have to come down
        logs = model.train_step(batches(None))
        assert all(np.isfinite(float(logs[name])) for name in model.LOSS_NAMES)
    for name, weights in before.items():
        assert moved(weights, getattr(model, name)), name
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)
