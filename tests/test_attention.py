import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.networks.attention import NonLocalBlock


def built(chunk=1024, channels=8, gain=1.0, spectral_norm=False):
    layer = NonLocalBlock(spectral_norm=spectral_norm, query_chunk=chunk)
    layer.build((None, 6, 4, channels))
    layer.gain.assign(gain)
    return layer


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(2, 6, 4, 8)).astype("float32")


def test_it_is_the_identity_at_initialisation(x):
    layer = NonLocalBlock()
    assert np.array_equal(np.asarray(layer(x)), x)


def test_it_equals_attention_written_out_in_numpy(x):
    layer = built(gain=0.5)
    kernel = {
        name: np.asarray(getattr(layer, name).kernel)[0, 0] for name in ("theta", "phi", "g", "out")
    }

    def pooled(values):
        return values.reshape(2, 3, 2, 2, 2, -1).max(axis=(2, 4)).reshape(2, 6, -1)

    theta = (x @ kernel["theta"]).reshape(2, 24, -1)
    phi, g = pooled(x @ kernel["phi"]), pooled(x @ kernel["g"])
    scores = np.exp(theta @ phi.transpose(0, 2, 1))
    weights = scores / scores.sum(-1, keepdims=True)
    expected = x + 0.5 * ((weights @ g) @ kernel["out"]).reshape(x.shape)
    assert np.asarray(layer(x)) == pytest.approx(expected, abs=1e-5)


def test_chunks_and_recomputation_change_neither_output_nor_gradient(x):
    whole, chunked = built(chunk=1024), built(chunk=7)
    chunked.set_weights(whole.get_weights())
    results = []
    for layer in (whole, chunked):
        with tf.GradientTape() as tape:
            out = layer(x)
            loss = tf.reduce_sum(tf.sin(out))
        results.append((out, tape.gradient(loss, [w.value for w in layer.trainable_variables])))
    (out_1, gradients_1), (out_2, gradients_2) = results
    assert np.allclose(out_1, out_2, atol=1e-5)
    for a, b in zip(gradients_1, gradients_2, strict=True):
        assert np.allclose(a, b, atol=1e-4)


def test_spectral_form_normalises_its_projections(x):
    layer = built(spectral_norm=True)
    for _ in range(50):
        layer(x, training=True)
    kernel = np.asarray(layer.theta.spectral_kernel()).reshape(8, -1)
    assert np.linalg.svd(kernel, compute_uv=False)[0] == pytest.approx(1.0, abs=1e-3)
