import keras
import numpy as np
import pytest
import tensorflow as tf
from test_biggan import moved, trained
from test_networks import decoder_parameters, tower_parameters, trainable

from gaae_tf.config import TrainConfig
from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.features import FeatureNetwork
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.run.build import build_model
from gaae_tf.run.folder import DataDescription
from gaae_tf.systems.ggan import GGAN
from gaae_tf.systems.settings import Additions, LossWeights

CLASSES = 3
WEIGHTS = LossWeights(omega_1=1.0, omega_2=0.0)


def ggan(dtype="float32", loss_weights=WEIGHTS, **kwargs):
    keras.utils.set_random_seed(1)
    size = {"bins": 16, "frames": 8, "channels": 2, "non_local_bins": 8, "dtype": dtype}
    model = GGAN(
        FeatureNetwork(**size, style_dim=6),
        Decoder(**size, classes=CLASSES, style_dim=6),
        LatentClassifier(CLASSES, 6),
        SampleDiscriminator(**size, classes=CLASSES),
        LatentDiscriminator(6),
        loss_weights=loss_weights,
        **kwargs,
    )
    model.compile(*(keras.optimizers.Adam(1e-3, beta_1=0.0) for _ in range(3)))
    return model


def batches(count=3, batch=4, seed=0):
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        x_u, x_l = (
            tf.constant(rng.uniform(-1, 1, (batch, 16, 8, 1)), tf.float32) for _ in range(2)
        )
        result.append((x_u, x_l, tf.one_hot(rng.integers(0, CLASSES, batch), CLASSES)))
    return tuple(result)


def test_the_loss_is_that_of_gaae_without_reconstruction():
    model, logs = ggan(), ggan().train_step(batches())
    assert set(logs) == set(model.LOG_NAMES)
    assert "R" not in logs
    terms = {name: float(value) for name, value in logs.items()}
    known = 0.25 * terms["Cl"] + 0.25 * terms["Cg"] + 0.5 * terms["Lg"]
    assert terms["EDC"] == pytest.approx(0.5 * terms["G"] + 0.5 * known, rel=1e-5)


def test_terms_are_of_one_code_that_is_read_and_decoded():
    model = ggan()
    ((x_u, x_l, y_l),) = batches(1)
    _, y_r = model._noise(x_u, 0)
    code = model.encoder(x_u, training=True)
    y_u = tf.nn.softmax(model.classifier(code, training=True))
    both = model.decoder(tf.concat([code, code], 0), tf.concat([y_u, y_r], 0), training=True)
    scores = model.sample_discriminator(both, tf.concat([y_u, y_r], 0)).numpy()
    logits = model.classifier(model.encoder(x_l, training=True), training=True).numpy()
    expected_cl = -np.mean(np.sum(y_l * tf.nn.log_softmax(logits), axis=1))
    expected_lg = -np.mean(model.latent_discriminator(code).numpy())
    logs = ggan()._update_autoencoder((x_u, x_l, y_l), draw=0)
    assert float(logs["G"]) == pytest.approx(-scores.mean(), rel=1e-4)
    assert float(logs["Cl"]) == pytest.approx(expected_cl, rel=1e-4)
    assert float(logs["Lg"]) == pytest.approx(expected_lg, rel=1e-4)


def test_its_start_moves_f_and_c_alone():
    model = ggan(additions=Additions(start_steps=1, sliced_wasserstein=0.5, pseudo_labels=0.5))
    before = {name: trained(getattr(model, name)) for name in model.NETWORKS}
    logs = model.start_step(batches())
    assert set(logs) == {"EDC", "Cl", "gradient_norm_EDC", "sliced_wasserstein", "pseudo_labels"}
    for name in model.NETWORKS:
        assert moved(before[name], getattr(model, name)) == (name in ("encoder", "classifier"))


def test_what_is_added_for_reconstructions_is_refused():
    with pytest.raises(ValueError, match="GGAN reconstructs nothing: magnitude_error"):
        ggan(additions=Additions(magnitude_error=0.1))


def test_the_classifier_reads_codes_that_have_shrunk():
    model = ggan()
    code = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    logits = model.classifier(code, training=True).numpy()
    shrunk = model.classifier(0.1 * code + 3.0, training=True).numpy()
    np.testing.assert_allclose(shrunk, logits, atol=0.01 * np.ptp(logits))


def test_each_update_moves_its_own_networks_alone():
    model = ggan()
    (batch,) = batches(1)
    names = ("encoder", "decoder", "classifier")
    before = {name: trained(getattr(model, name)) for name in model.NETWORKS}
    model._update_discriminators(batch, draw=0)
    for name in model.NETWORKS:
        assert moved(before[name], getattr(model, name)) == (name not in names), name
    before = {name: trained(getattr(model, name)) for name in model.NETWORKS}
    model._update_autoencoder(batch, draw=0)
    for name in model.NETWORKS:
        assert moved(before[name], getattr(model, name)) == (name in names), name


def test_what_is_told_of_spectrograms_is_of_the_averaged_networks():
    model = ggan()
    model.train_step(batches())
    ((x, _, _),) = batches(1)
    code = model.averaged_encoder(x)
    np.testing.assert_array_equal(model.codes(x)["latent"], code)
    probabilities = tf.nn.softmax(model.averaged_classifier(code))
    np.testing.assert_allclose(model.class_probabilities(x), probabilities, atol=1e-6)


def test_parameters_at_the_paper_size():
    config = TrainConfig(model="ggan", dataset="s09", run_dir="run", precision="float32")
    statistics = LogMagnitudeStatistics(maximum=0.0, mean=0.0, deviation=1.0)
    digits = tuple("0123456789")
    model = build_model(config, DataDescription("s09", 16_000, 16_384, digits, statistics))
    tower = tower_parameters()
    expected = {
        "encoder": tower + 256 * 128 + 128,  # Table XVIII: one code
        "decoder": decoder_parameters((256, 128, 128, 64, 32, 16), 4, 10),
        "classifier": 128 * 128 + 128 + 128 * 10 + 10,  # Table XXII; standardising has none
        "sample_discriminator": tower + 10 * 256 + 256 + 1,
        "latent_discriminator": 2 * (128 * 128 + 128) + 128 + 1,  # Table XXIII
    }
    assert {name: trainable(getattr(model, name)) for name in model.NETWORKS} == expected
    assert sum(expected.values()) == 7_387_280


def test_a_weight_of_reconstruction_is_refused():
    with pytest.raises(ValueError, match="reconstructs nothing: omega_2 must be 0"):
        ggan(loss_weights=LossWeights())


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_a_step_in_mixed_precision_is_close_to_float32(dtype):
    full, half = ggan().train_step(batches()), ggan(dtype).train_step(batches())
    for name in ("EDC", "S_loss", "L_loss"):
        assert float(half[name]) == pytest.approx(float(full[name]), rel=0.1, abs=0.05), name
