import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.networks.spectral_norm import (
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
)


def spectral_norms(network):
    """Largest singular values of the layers' stored kernels and of those they use, [layers, 2]."""
    kinds = (SpectralConv2D, SpectralConv2DTranspose, SpectralDense)
    layers = [layer for layer in network._flatten_layers() if isinstance(layer, kinds)]
    return np.array(
        [
            [
                np.linalg.norm(np.reshape(kernel, (-1, kernel.shape[-1])), 2)
                for kernel in (layer.kernel, layer.spectral_kernel())
            ]
            for layer in layers
        ]
    )


def dense(kernel):
    layer = SpectralDense(kernel.shape[1], use_bias=False)
    layer.build((None, kernel.shape[0]))
    layer.kernel.assign(kernel)
    return layer


def test_all_ones_kernel_is_divided_by_its_known_norm():
    layer = dense(np.ones((3, 5), "float32"))  # rank one: σ = sqrt(3 * 5)
    normalised = np.asarray(layer.spectral_kernel(training=True))
    assert normalised == pytest.approx(np.full((3, 5), 1 / np.sqrt(15)), rel=1e-5)


def test_power_iteration_converges_to_the_largest_singular_value():
    kernel = np.random.default_rng(0).normal(size=(20, 8)).astype("float32")
    layer = dense(kernel)
    for _ in range(100):
        normalised = np.asarray(layer.spectral_kernel(training=True))
    assert np.linalg.svd(normalised, compute_uv=False)[0] == pytest.approx(1.0, abs=1e-4)


def test_one_training_call_makes_one_power_iteration():
    kernel = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    layer = dense(kernel)
    u = np.asarray(layer.left_vector)
    v = kernel @ u / np.linalg.norm(kernel @ u)
    u = kernel.T @ v / np.linalg.norm(kernel.T @ v)
    normalised = np.asarray(layer.spectral_kernel(training=True))
    assert np.asarray(layer.left_vector) == pytest.approx(u, abs=1e-5)
    assert normalised == pytest.approx(kernel / (v @ kernel @ u), rel=1e-4)


def test_inference_changes_neither_kernel_nor_vector():
    layer = dense(np.random.default_rng(0).normal(size=(4, 3)).astype("float32"))
    before = layer.get_weights()
    layer(np.ones((2, 4), "float32"))
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_training_does_not_overwrite_the_kernel():
    kernel = np.full((4, 3), 5.0, "float32")
    layer = dense(kernel)
    layer(np.ones((2, 4), "float32"), training=True)
    assert np.array_equal(np.asarray(layer.kernel), kernel)


def test_gradient_flows_through_sigma():
    # f = W[0, 0] / σ is invariant under scaling of W, so its gradient is orthogonal to W;
    # with σ held constant it would be e_00 / σ, which is not.
    kernel = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    layer = dense(kernel)
    for _ in range(50):
        layer.spectral_kernel(training=True)
    with tf.GradientTape() as tape:
        value = layer.spectral_kernel()[0, 0]
    gradient = tape.gradient(value, layer.kernel.value).numpy()
    assert np.sum(gradient * kernel) == pytest.approx(0.0, abs=1e-5)
    u, s, vt = np.linalg.svd(kernel)
    expected = -kernel[0, 0] / s[0] ** 2 * np.outer(u[:, 0], vt[0])
    expected[0, 0] += 1 / s[0]
    assert gradient == pytest.approx(expected, abs=1e-4)


def test_convolution_equals_plain_convolution_with_the_divided_kernel():
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype("float32")
    layer = SpectralConv2D(4, 3)
    layer.build(x.shape)
    layer.bias.assign([1.0, 2.0, 3.0, 4.0])
    for _ in range(200):
        layer(x, training=True)
    sigma = np.linalg.svd(np.asarray(layer.kernel).reshape(-1, 4), compute_uv=False)[0]
    expected = tf.nn.conv2d(x, np.asarray(layer.kernel) / sigma, 1, "SAME")
    expected += tf.constant([1.0, 2.0, 3.0, 4.0])
    assert np.asarray(layer(x)) == pytest.approx(expected.numpy(), abs=1e-4)
