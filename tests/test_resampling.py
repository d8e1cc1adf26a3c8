import keras
import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.networks.blocks import DownBlock, UpBlock
from gaae_tf.networks.resampling import (
    doubled_convolution,
    pooled_convolution,
    strided_convolution,
    strided_transpose,
)

ops = keras.ops


def _pooled_afterwards(x, kernel):
    return ops.average_pool(ops.conv(x, kernel, padding="same"), 2, strides=2)


def _doubled_before(x, kernel):
    return ops.conv(ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2), kernel, padding="same")


def _results(function, x, kernel):
    """The output, and the gradients of a weighted sum of it by map and kernel."""
    x, kernel = tf.constant(x), tf.constant(kernel)
    with tf.GradientTape() as tape:
        tape.watch((x, kernel))
        output = function(x, kernel)
        weights = tf.cos(tf.range(tf.size(output), dtype=output.dtype))
        total = tf.reduce_sum(output * tf.reshape(weights, output.shape))
    return output, *tape.gradient(total, (x, kernel))


@pytest.mark.parametrize(
    ("fused", "in_steps", "taps"),
    [
        (pooled_convolution, _pooled_afterwards, 1),
        (pooled_convolution, _pooled_afterwards, 3),
        (pooled_convolution, _pooled_afterwards, 5),
        (doubled_convolution, _doubled_before, 3),
    ],
)
@pytest.mark.parametrize(("bins", "frames"), [(8, 4), (6, 10)])
def test_one_convolution_gives_the_outputs_and_gradients_of_two_steps(
    fused, in_steps, taps, bins, frames
):
    random = np.random.default_rng(0)
    x = random.standard_normal((2, bins, frames, 3))
    kernel = random.standard_normal((taps, taps, 3, 5))
    for one, two in zip(_results(fused, x, kernel), _results(in_steps, x, kernel), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)


@pytest.mark.parametrize(("taps", "stride"), [(25, 4), (5, 2), (4, 4), (6, 3), (9, 2)])
@pytest.mark.parametrize(
    ("grouped", "plain", "shape"),
    [
        (strided_convolution, ops.conv, (2, 24, 3)),
        (strided_transpose, ops.conv_transpose, (2, 6, 5)),
    ],
)
def test_groups_of_samples_give_the_outputs_and_gradients_of_a_stride(
    grouped, plain, shape, taps, stride
):
    random = np.random.default_rng(0)
    x = random.standard_normal(shape)
    kernel = random.standard_normal((taps, 3, 5))
    ours = _results(lambda x, kernel: grouped(x, kernel, stride), x, kernel)
    expected = _results(
        lambda x, kernel: plain(x, kernel, strides=stride, padding="same"), x, kernel
    )
    for one, two in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_a_down_block_is_relu_conv3_relu_conv3_pool_beside_conv1_pool(spectral_norm):
    block = DownBlock(5, spectral_norm)
    x = keras.random.normal((2, 8, 4, 3), seed=0)
    block(x)
    block.conv2.bias.assign(np.arange(5))
    block.shortcut.bias.assign(np.arange(5) / 3.0)
    inner = block.conv2(ops.relu(block.conv1(ops.relu(x))))
    expected = ops.average_pool(inner, 2, strides=2)
    expected += ops.average_pool(block.shortcut(x), 2, strides=2)
    np.testing.assert_allclose(block(x), expected, atol=1e-5)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_an_up_block_is_norm_relu_double_conv3_norm_relu_conv3_beside_double_conv1(spectral_norm):
    block = UpBlock(5, spectral_norm=spectral_norm)
    x = keras.random.normal((2, 8, 4, 3), seed=0)
    block(x)
    block.conv1.bias.assign(np.arange(5))

    def doubled(values):
        return ops.repeat(ops.repeat(values, 2, axis=1), 2, axis=2)

    inner = block.conv1(doubled(ops.relu(block.norm1(x))))
    inner = block.conv2(ops.relu(block.norm2(inner)))
    np.testing.assert_allclose(block(x), inner + doubled(block.shortcut(x)), atol=1e-5)
