import keras
import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.encoder import Encoder
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.systems.gaae import GAAE, LOSS_NAMES
from gaae_tf.systems.settings import Additions, LossWeights

CLASSES = 3
NETWORKS = ("encoder", "decoder", "classifier", "sample_discriminator", "latent_discriminator")


def tiny_model(dtype="float32", optimizer=None, **kwargs):
    keras.utils.set_random_seed(1)
    size = {"bins": 16, "frames": 8, "channels": 2, "non_local_bins": 8, "dtype": dtype}
    model = GAAE(
        Encoder(**size, guided_dim=5, style_dim=6),
        Decoder(**size, classes=CLASSES, style_dim=6),
        LatentClassifier(CLASSES, 5),
        SampleDiscriminator(**size, classes=CLASSES),
        LatentDiscriminator(6),
        **kwargs,
    )
    optimizer = optimizer or (lambda: keras.optimizers.Adam(1e-3, beta_1=0.0))
    model.compile(optimizer(), optimizer(), optimizer())
    return model


def batches(count=3, batch=4, seed=0):
    rng = np.random.default_rng(seed)

    def spectrograms():
        return tf.constant(rng.uniform(-1, 1, (batch, 16, 8, 1)), tf.float32)

    def labels():
        return tf.one_hot(rng.integers(0, CLASSES, batch), CLASSES)

    return tuple((spectrograms(), spectrograms(), labels()) for _ in range(count))


def weights(model):
    return {name: [w.numpy() for w in getattr(model, name).weights] for name in NETWORKS}


def changed(before, after):
    return {
        name
        for name in before
        if any(not np.array_equal(a, b) for a, b in zip(before[name], after[name], strict=True))
    }


def test_loss_weights_have_the_paper_values():
    w = LossWeights()
    assert (w.alpha, w.beta, w.omega_1, w.omega_2, w.reconstruction_lambda) == (
        0.5,
        0.5,
        0.6,
        0.4,
        20,
    )
    assert (w.omega_3, w.omega_4, w.omega_5) == (0.25, 0.25, 0.5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"alpha": 0.6}, r"alpha \+ beta must be 1, got 0.6 \+ 0.5 = 1.1"),
        ({"omega_1": 0.5}, r"omega_1 \+ omega_2 must be 1"),
        ({"omega_5": 0.4}, r"omega_3 \+ omega_4 \+ omega_5 must be 1"),
        ({"alpha": -0.5, "beta": 1.5}, r"alpha must be in \[0, 1\], got -0.5"),
        ({"reconstruction_lambda": 0.0}, "reconstruction_lambda must be positive"),
        ({"alpha": float("nan")}, "alpha must be in"),
    ],
)
def test_loss_weights_that_break_a_constraint_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=message):
        LossWeights(**values)


def test_discriminator_updates_move_only_s_and_l():
    model = tiny_model()
    before = weights(model)
    model._update_discriminators(batches(1)[0], draw=0)
    moved = changed(before, weights(model))
    # Decoder and classifier run in training mode, so their batch statistics and spectral vectors
    # move; their trained weights must not.
    still = {"decoder", "classifier"}
    assert moved - still == {"sample_discriminator", "latent_discriminator"}
    trained = [w.numpy() for w in model.variables_of("autoencoder")]
    model._update_discriminators(batches(1)[0], draw=0)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(trained, model.variables_of("autoencoder"), strict=True)
    )


def test_the_joint_update_moves_only_e_d_and_c():
    model = tiny_model()
    before = weights(model)
    model._update_autoencoder(batches(1)[0], draw=0)
    assert changed(before, weights(model)) == {"encoder", "decoder", "classifier"}


def test_a_step_makes_k_discriminator_updates_and_one_joint_update():
    model = tiny_model()
    model.train_step(batches(4))  # k = 3
    assert int(model.sample_optimizer.iterations) == 3
    assert int(model.latent_optimizer.iterations) == 3
    assert int(model.autoencoder_optimizer.iterations) == 1
    assert int(model.step) == 1


def test_total_is_equation_6_of_its_reported_terms():
    w = LossWeights(0.3, 0.7, 0.2, 0.8, 0.1, 0.3, 0.6, 5.0)
    logs = {k: float(v) for k, v in tiny_model(loss_weights=w).train_step(batches()).items()}
    expected = 0.3 * (0.2 * logs["G"] + 0.8 * 5.0 * logs["R"]) + 0.7 * (
        0.1 * logs["Cl"] + 0.3 * logs["Cg"] + 0.6 * logs["Lg"]
    )
    assert logs["EDC"] == pytest.approx(expected, rel=1e-5)


def cross_entropy(model, labels, spectrograms):
    """Of C, which standardises its codes by the batch's statistics."""
    logits = model.classifier(model.encoder(spectrograms)[0], training=True)
    return -np.mean(np.sum(labels * tf.nn.log_softmax(logits), 1))


def test_reported_terms_are_those_of_the_equations_written_out():
    model = tiny_model()
    x_u, x_l, y_l = batches(1)[0]
    _, y_r = model._noise(x_u, 2)
    z, style = model.encoder(x_u)
    y_u = tf.nn.softmax(model.classifier(z, training=True))
    both = model.decoder(tf.concat([style, style], 0), tf.concat([y_u, y_r], 0), training=True)
    x_hat, x_gen = both[:4], both[4:]
    expected = {
        "G": -0.5
        * np.mean(model.sample_discriminator(x_hat, y_u) + model.sample_discriminator(x_gen, y_r)),
        "Lg": -np.mean(model.latent_discriminator(style)),
        "R": np.mean((x_hat - x_u) ** 2),
        "Cl": cross_entropy(model, y_l, x_l),
        "Cg": cross_entropy(model, y_r, x_gen),
    }
    # A fresh model: the pass above has moved the decoder's spectral vectors.
    logs = tiny_model()._update_autoencoder((x_u, x_l, y_l), draw=2)
    for name, value in expected.items():
        assert float(logs[name]) == pytest.approx(value, rel=1e-3, abs=1e-5), name


def test_class_weights_weigh_the_labelled_clips_alone():
    batch = batches(1)[0]
    plain = tiny_model()._update_autoencoder(batch, draw=2)
    model = tiny_model()
    model.class_weights = tf.constant([2.0] * CLASSES)
    weighed = model._update_autoencoder(batch, draw=2)
    assert float(weighed["Cl"]) == pytest.approx(2.0 * float(plain["Cl"]), rel=1e-4)
    for name in ("Cg", "R", "G", "Lg"):
        assert float(weighed[name]) == pytest.approx(float(plain[name]), rel=1e-4), name


def test_discriminator_losses_are_equations_7_and_8_written_out():
    model = tiny_model()
    x_u, x_l, y_l = batches(1)[0]
    prior, y_r = model._noise(x_u, 0)
    z, style = model.encoder(x_u)
    y_u = tf.nn.softmax(model.classifier(z, training=True))
    both = model.decoder(tf.concat([style, style], 0), tf.concat([y_u, y_r], 0), training=True)
    scores = model.sample_discriminator(
        tf.concat([x_u, x_l, both], 0), tf.concat([y_u, y_l, y_u, y_r], 0), training=True
    ).numpy()
    real, fake_u, fake_g = scores[:8], scores[8:12], scores[12:]
    s_loss = np.maximum(1 - real, 0).mean() + 0.5 * (
        np.maximum(1 + fake_u, 0).mean() + np.maximum(1 + fake_g, 0).mean()
    )
    l_loss = np.maximum(1 - model.latent_discriminator(prior).numpy(), 0).mean()
    l_loss += np.maximum(1 + model.latent_discriminator(style).numpy(), 0).mean()
    logs = tiny_model()._update_discriminators((x_u, x_l, y_l), draw=0)
    assert float(logs["S_loss"]) == pytest.approx(s_loss, rel=1e-4)
    assert float(logs["L_loss"]) == pytest.approx(l_loss, rel=1e-4)


@pytest.mark.parametrize(("stop", "reaches"), [(True, False), (False, True)])
def test_the_condition_gradient_can_be_stopped(stop, reaches):
    model = tiny_model(additions=Additions(stop_condition_gradient=stop))
    logits = tf.constant([[0.3, -0.2, 0.1]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = model._as_condition(tf.nn.softmax(logits))[0, 0]
    assert (tape.gradient(value, logits) is not None) == reaches


def test_a_hard_condition_is_one_hot():
    model = tiny_model(additions=Additions(condition="hard"))
    assert model._as_condition(tf.constant([[0.2, 0.5, 0.3]])).numpy().tolist() == [[0, 1, 0]]


def test_noise_is_a_function_of_seed_step_and_draw():
    model, other = tiny_model(seed=1), tiny_model(seed=2)
    x = batches(1)[0][0]
    first = model._noise(x, 0)[0].numpy()
    assert np.array_equal(first, model._noise(x, 0)[0])
    assert not np.allclose(first, other._noise(x, 0)[0])
    assert not np.allclose(first, model._noise(x, 1)[0])
    model.step.assign_add(1)
    assert not np.allclose(first, model._noise(x, 0)[0])


def test_noise_is_standard_normal_and_labels_are_uniform():
    prior, labels = tiny_model()._noise(tf.zeros([30_000, 16, 8, 1]), 0)
    assert float(tf.reduce_mean(prior)) == pytest.approx(0.0, abs=0.01)
    assert float(tf.math.reduce_std(prior)) == pytest.approx(1.0, abs=0.01)
    assert tf.reduce_mean(labels, 0).numpy() == pytest.approx(np.full(3, 1 / 3), abs=0.015)


def test_the_average_moves_by_the_decay_that_grows_with_the_step():
    model = tiny_model(average_decay=0.5)
    variable, average = model.classifier.weights[0], model.averaged_classifier.weights[0]
    old = average.numpy()
    variable.assign(old + 1.0)
    model._update_average()  # step 0: decay 1/10
    assert average.numpy() == pytest.approx(old + 0.9, abs=1e-6)
    model.step.assign(1000)  # decay 0.5
    model._update_average()
    assert average.numpy() == pytest.approx(old + 0.95, abs=1e-6)


def test_reestimated_statistics_are_the_mean_of_the_batches():
    model = tiny_model()
    norm = model.averaged_decoder.blocks[0].norm1
    seen = []
    for i in range(3):
        style = tf.random.stateless_normal([6, 6], [model.seed, i])
        x = model.averaged_decoder.dense(style)
        seen.append(tf.reduce_mean(tf.reshape(x, (-1, 32)), 0).numpy())
    model.reestimate_statistics(batches=3, batch_size=6)
    assert norm.moving_mean.numpy() == pytest.approx(np.mean(seen, 0), abs=1e-5)
    assert norm.momentum == 0.99


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_a_step_in_mixed_precision_is_close_to_float32(dtype):
    def scaled():
        inner = keras.optimizers.Adam(1e-3, beta_1=0.0)
        return keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**10)

    full = tiny_model().train_step(batches())
    model = tiny_model(dtype, scaled if dtype == "mixed_float16" else None)
    half = model.train_step(batches())
    for name in LOSS_NAMES:
        assert float(half[name]) == pytest.approx(float(full[name]), rel=0.1, abs=0.05), name


def test_an_overflow_leaves_the_step_out_and_halves_the_loss_scale():
    model = tiny_model(
        "mixed_float16",
        lambda: keras.optimizers.LossScaleOptimizer(
            keras.optimizers.Adam(1e-3), initial_scale=2.0**127
        ),
    )
    before = [w.numpy() for w in model.variables_of("autoencoder")]
    model._update_autoencoder(batches(1)[0], draw=0)
    for a, b in zip(before, model.variables_of("autoencoder"), strict=True):
        assert np.array_equal(a, b)
    assert float(model.autoencoder_optimizer.dynamic_scale) == 2.0**126


def test_fit_trains_for_those_who_call_it():
    model = tiny_model()
    data = tf.data.Dataset.from_tensors(batches()).repeat(3)
    history = model.fit(data, epochs=2, shuffle=False, verbose=0)
    assert int(model.step) == 6
    assert set(history.history) >= {"EDC", "G", "R", "Cl", "Cg", "Lg", "S_loss", "L_loss"}


def test_one_batch_is_too_few_for_a_step():
    with pytest.raises(ValueError, match="k \\+ 1 >= 2 batches, got 1"):
        tiny_model().train_step(batches(1))


@pytest.mark.parametrize("bad", [{"average_decay": 1.0}, {"average_decay": -0.1}])
def test_arguments_out_of_range_are_refused_by_name(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        tiny_model(**bad)


def test_statistics_are_measured_over_all_classes_in_turn(monkeypatch):
    model, seen = tiny_model(), []
    sample = model.sample

    def noting(style, labels, training):
        seen.extend(np.argmax(labels, axis=1).tolist())
        return sample(style, labels, training=training)

    monkeypatch.setattr(model, "sample", noting)
    model.reestimate_statistics(batches=3, batch_size=2)
    assert seen == [0, 1, 2, 0, 1, 2]
