"""Convolution and dense layers whose kernel is divided by its largest singular value.

Source: Miyato et al. 2018 (arXiv 1802.05957), as BigGAN uses it. The singular value σ is estimated
by one step of power iteration at each call in training mode; the gradient flows through σ; the
stored kernel is never overwritten; the left vector is state that checkpoints keep. Kernel, vector
and σ are float32 under every precision policy.
"""

from __future__ import annotations

import keras
from keras import ops

from gaae_tf.networks.saving import Saved


class _SpectralLayer(Saved, keras.layers.Layer):
    """A layer with `spectral_kernel(training)`, the kernel divided by its spectral norm."""

    def __init__(self, units: int, use_bias: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.use_bias = use_bias

    def _add_weights(self, kernel_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=kernel_shape,
            initializer="orthogonal",
            dtype="float32",
            autocast=False,
        )
        self.left_vector = self.add_weight(
            name="left_vector",
            shape=kernel_shape[-1:],
            initializer="random_normal",
            trainable=False,
            dtype="float32",
            autocast=False,
        )  # and without aggregation: replicas find the same one, for their kernels are the same
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def spectral_kernel(self, training: bool = False):
        """The kernel over σ, in the compute dtype; in training, one more power iteration."""
        matrix = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
        fixed = ops.stop_gradient(matrix)
        left = self.left_vector
        right = _unit(ops.matmul(fixed, left))
        if training:
            left = _unit(ops.matmul(right, fixed))
            self.left_vector.assign(left)
        sigma = ops.sum(right * ops.matmul(matrix, _unit(left)))
        return ops.cast(self.kernel / sigma, self.compute_dtype)


class SpectralConv2D(_SpectralLayer):
    """Convolution, padded to "same", with spectral normalisation.

    Args:
        units: output channels.
        kernel_size: of the kernel, (bins, frames), or the side of a square one.
        use_bias: whether a bias is added.
        strides: of both axes.
    """

    def __init__(
        self,
        units: int,
        kernel_size: int | tuple[int, int],
        use_bias: bool = True,
        strides: int = 1,
        **kwargs,
    ):
        super().__init__(units, use_bias, **kwargs)
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape):
        """Creates the kernel [bins, frames, channels, units], left vector [units] and bias."""
        self._add_weights((*_sides(self.kernel_size), input_shape[-1], self.units))

    def call(self, x, training=False):
        """[batch, bins, frames, channels] -> [batch, bins/strides, frames/strides, units]."""
        x = ops.conv(x, self.spectral_kernel(training), self.strides, padding="same")
        return x if self.bias is None else ops.add(x, self.bias)


class SpectralConv2DTranspose(_SpectralLayer):
    """Transposed convolution, padded to "same", with spectral normalisation.

    Args:
        units: output channels.
        kernel_size: of the kernel, (bins, frames), or the side of a square one.
        strides: of both axes.
        use_bias: whether a bias is added.
    """

    def __init__(
        self,
        units: int,
        kernel_size: int | tuple[int, int],
        strides: int,
        use_bias: bool = True,
        **kwargs,
    ):
        super().__init__(units, use_bias, **kwargs)
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape):
        """Creates the kernel [bins, frames, units, channels], left vector [channels] and bias."""
        self._add_weights((*_sides(self.kernel_size), self.units, input_shape[-1]))

    def call(self, x, training=False):
        """[batch, bins, frames, channels] -> [batch, bins·strides, frames·strides, units]."""
        kernel = self.spectral_kernel(training)
        x = ops.conv_transpose(x, kernel, self.strides, padding="same")
        return x if self.bias is None else ops.add(x, self.bias)


class SpectralDense(_SpectralLayer):
    """Dense layer with spectral normalisation.

    Args:
        units: output size.
        use_bias: whether a bias is added; without one, a class vector's embedding.
    """

    def build(self, input_shape):
        """Creates the kernel [inputs, units], left vector [units] and bias."""
        self._add_weights((input_shape[-1], self.units))

    def call(self, x, training=False):
        """[batch, inputs] -> [batch, units]."""
        x = ops.matmul(x, self.spectral_kernel(training))
        return x if self.bias is None else ops.add(x, self.bias)


def _sides(kernel_size):
    return (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)


def _unit(vector):
    return vector * ops.rsqrt(ops.maximum(ops.sum(ops.square(vector)), 1e-12))
