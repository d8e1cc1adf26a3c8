import keras
import numpy as np
import pytest
import tensorflow as tf
from test_biggan import moved, trained

from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.networks.features import FeatureNetwork
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.systems import augmentation
from gaae_tf.systems.augmented_classifier import AugmentedClassifier
from gaae_tf.systems.bigan_classifier import FeatureClassifier
from gaae_tf.systems.classifier import Classifier

CLASSES = 3


def simple(system=Classifier, dtype="float32", **settings):
    network = SimpleClassifier(CLASSES, seed=1, dtype=dtype)
    network.build((None, 16, 32, 1))
    model = system(network, **settings)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def on_features():
    keras.utils.set_random_seed(1)
    model = FeatureClassifier(
        FeatureNetwork(16, 8, channels=1, style_dim=5), LatentClassifier(CLASSES, 5)
    )
    model.compile(keras.optimizers.SGD(0.1))
    return model


def batch(shape=(16, 32, 1), count=4, seed=0):
    rng = np.random.default_rng(seed)
    x = tf.constant(rng.uniform(-1, 1, (count, *shape)), tf.float32)
    return x, tf.one_hot(rng.integers(0, CLASSES, count), CLASSES)


def test_a_step_is_gradient_descent_on_cross_entropy():
    model, (x, y) = simple(average_decay=0.0), batch()
    logits = model.classifier(x).numpy()
    expected = -np.mean(np.sum(y * tf.nn.log_softmax(logits), axis=1))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, model.classifier(x)))
    weight = model.classifier.trainable_variables[-1]
    stepped = weight.numpy() - 0.1 * tape.gradient(loss, weight.value).numpy()
    logs = model.train_step(((x, y),))
    assert float(logs["C_loss"]) == pytest.approx(expected, rel=1e-5)
    right = np.mean(logits.argmax(axis=1) == np.argmax(y, axis=1))
    assert float(logs["accuracy"]) == pytest.approx(right)
    np.testing.assert_allclose(weight.numpy(), stepped, atol=1e-6)
    # Without averaging, what is used is what was trained.
    np.testing.assert_allclose(
        model.class_probabilities(x), tf.nn.softmax(model.classifier(x)), atol=1e-6
    )


def test_class_weights_weigh_the_loss_of_each_clip_by_its_class():
    model, (x, y) = simple(average_decay=0.0), batch()
    losses = -np.sum(y * tf.nn.log_softmax(model.classifier(x)).numpy(), axis=1)
    weights = np.array([0.5, 1.0, 3.0], np.float32)
    model.class_weights = tf.constant(weights)
    expected = np.mean(losses * weights[np.argmax(y, axis=1)])
    assert float(model.train_step(((x, y),))["C_loss"]) == pytest.approx(expected, rel=1e-5)


def test_features_stay_frozen_and_only_the_mlp_learns():
    model, (x, y) = on_features(), batch((16, 8, 1))
    frozen, mlp = [w.numpy() for w in model.features.weights], trained(model.classifier)
    model.train_step(((x, y),))
    assert moved(mlp, model.classifier)
    for before, weight in zip(frozen, model.features.weights, strict=True):
        assert np.array_equal(before, weight.numpy()), weight.path
    np.testing.assert_array_equal(model.codes(x)["features"], model.features(x))


def test_codes_far_from_zero_are_told_apart_by_the_latent_classifier():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 64)
    codes = 5.0 + 0.01 * (np.eye(CLASSES)[labels] + 0.1 * rng.normal(size=(64, CLASSES)))
    keras.utils.set_random_seed(2)
    network = LatentClassifier(CLASSES, CLASSES)
    optimizer = keras.optimizers.Adam(1e-2)
    for _ in range(120):  # the moving statistics settle, too
        with tf.GradientTape() as tape:
            logits = network(tf.constant(codes, tf.float32), training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        optimizer.apply(
            tape.gradient(loss, network.trainable_variables), network.trainable_variables
        )
    told = network(tf.constant(codes, tf.float32)).numpy().argmax(axis=1)  # by moving statistics
    assert (told == labels).mean() == 1.0
    copy = LatentClassifier.from_config(network.get_config())
    assert len(copy.weights) == len(network.weights) == 4 + 2


def test_features_of_another_length_are_refused():
    with pytest.raises(ValueError, match="takes codes of 4, but those of the features have 5"):
        FeatureClassifier(FeatureNetwork(16, 8, channels=1, style_dim=5), LatentClassifier(3, 4))


def drawn_by(seed):
    def drawn(stream, sampler):
        return sampler(6, tf.constant([seed, 0], tf.int64) + stream)

    return drawn


def test_shifts_roll_along_time_each_by_its_own_frames():
    x = tf.reshape(tf.range(2 * 3 * 4, dtype=tf.float32), [2, 3, 4, 1])
    shifted = augmentation.shifted(x, tf.constant([1, -1]))
    np.testing.assert_array_equal(shifted[0, :, :, 0], np.roll(x[0, :, :, 0], 1, axis=1))
    np.testing.assert_array_equal(shifted[1, :, :, 0], np.roll(x[1, :, :, 0], -1, axis=1))


def test_gains_are_linear_over_frequency_between_their_points():
    x = tf.random.stateless_uniform([2, 9, 3, 1], [1, 2])
    gains = tf.constant([[0.0, 0.2, -0.2], [0.1, 0.1, 0.1]])
    added = (augmentation.coloured(x, gains) - x).numpy()
    expected = [np.interp(np.arange(9), [0.0, 4.0, 8.0], row) for row in gains.numpy()]
    for frame in range(3):
        np.testing.assert_allclose(added[:, :, frame, 0], expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_silence_becomes_a_floor_of_at_most_its_size(seed, monkeypatch):
    for name in ("LARGEST_NOISE", "LARGEST_MASK", "LARGEST_PATCH", "LARGEST_GAIN"):
        monkeypatch.setattr(augmentation, name, 0.0)
    x = tf.concat([-tf.ones([6, 8, 16, 1]), tf.ones([6, 8, 16, 1])], axis=1)
    altered = augmentation.augmented(x, drawn_by(seed), channel=True).numpy()
    floors = altered[:, 0, 0, 0]
    np.testing.assert_array_equal(
        altered[:, :8], np.broadcast_to(floors[:, None, None, None], (6, 8, 16, 1))
    )
    np.testing.assert_array_equal(altered[:, 8:], 1.0)
    assert (floors >= -1.0).all()
    assert (floors <= augmentation.LARGEST_FLOOR - 1.0).all()
    assert len(set(floors)) == 6


@pytest.mark.parametrize("channel", [False, True])
def test_augmentation_alters_every_example_in_its_own_way_and_is_seeded(channel):
    x = tf.ones([6, 32, 16, 1])
    altered = augmentation.augmented(x, drawn_by(1), channel).numpy()
    np.testing.assert_array_equal(altered, augmentation.augmented(x, drawn_by(1), channel))
    assert len({example.tobytes() for example in altered}) == 6
    assert np.abs(altered - augmentation.augmented(x, drawn_by(2), channel)).max() > 0.0


@pytest.mark.parametrize("seed", range(5))
def test_masks_and_patches_are_of_their_size_and_noise_of_its_deviation(seed):
    bins, frames = 32, 16
    altered = augmentation.augmented(
        tf.ones([6, bins, frames, 1]), drawn_by(seed), channel=False
    ).numpy()[..., 0]
    for example in altered:
        masked_bins = (example == 0.0).all(axis=1).sum()
        masked_frames = (example == 0.0).all(axis=0).sum()
        assert masked_bins <= augmentation.LARGEST_MASK * bins
        assert masked_frames <= augmentation.LARGEST_MASK * frames
        covered = (example == 0.0).sum()
        patch = (augmentation.LARGEST_PATCH**2) * bins * frames
        assert covered <= masked_bins * frames + masked_frames * bins + patch
        assert example[example != 0.0].std() < 1.2 * augmentation.LARGEST_NOISE


def test_every_kind_of_alteration_happens():
    x = tf.random.stateless_uniform([6, 32, 16, 1], [1, 2], 0.5, 1.0)
    altered = [
        augmentation.augmented(x, drawn_by(seed), channel=False).numpy()[..., 0]
        for seed in range(20)
    ]
    examples = np.concatenate(altered)
    assert ((examples == 0.0).all(axis=2).any(axis=1)).any()  # masked bins
    assert ((examples == 0.0).all(axis=1).any(axis=1)).any()  # masked frames
    assert (examples < 0.0).any()  # noise
    # Somewhere the best match of an example is the original, rolled.
    originals = np.tile(x.numpy()[..., 0], (20, 1, 1))
    shifts = [
        min(range(-2, 3), key=lambda s: np.abs(a - np.roll(o, s, axis=1)).sum())
        for a, o in zip(examples, originals, strict=True)
    ]
    assert {-1, 0, 1} <= set(shifts)


def test_the_augmented_classifier_hears_another_channel_where_it_is_asked_to():
    losses = []
    for asked in (False, True):
        model = simple(AugmentedClassifier, alter_channel=asked)
        losses.append(float(model.train_step((batch(),))["C_loss"]))
    assert abs(losses[0] - losses[1]) > 1e-4


def test_the_augmented_classifier_learns_from_altered_spectrograms_and_tells_plain_ones():
    model, plain, (x, y) = simple(AugmentedClassifier), simple(), batch()
    logs = {name: m.train_step(((x, y),)) for name, m in (("a", model), ("p", plain))}
    assert abs(float(logs["a"]["C_loss"]) - float(logs["p"]["C_loss"])) > 1e-4
    expected = tf.nn.softmax(model.averaged_classifier(x))
    np.testing.assert_allclose(model.class_probabilities(x), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_a_step_in_mixed_precision_is_close_to_float32(dtype):
    full, half = simple().train_step((batch(),)), simple(dtype=dtype).train_step((batch(),))
    assert float(half["C_loss"]) == pytest.approx(float(full["C_loss"]), rel=0.05)
