"""Residual blocks and the spectrogram geometry that all networks share.

Source: paper Tables X, XI, XIII; METHOD §4. `down_channels` and `up_channels` are the widths
that the tables print, for the paper's 256×128 and for any other size that doubles up from its base.
"""

from __future__ import annotations

import keras
from keras import ops

from gaae_tf.networks.initializers import orthogonal_for_relu
from gaae_tf.networks.normalization import BatchNormalization
from gaae_tf.networks.resampling import doubled_convolution, pooled_convolution
from gaae_tf.networks.saving import Saved
from gaae_tf.networks.spectral_norm import SpectralConv2D


def _convolution(filters: int, kernel_size: int, spectral_norm: bool, dtype):
    if spectral_norm:
        return SpectralConv2D(filters, kernel_size, dtype=dtype)
    # A shortcut, 1×1, has no ReLU.
    initializer = orthogonal_for_relu() if kernel_size > 1 else "orthogonal"
    return keras.layers.Conv2D(
        filters, kernel_size, padding="same", kernel_initializer=initializer, dtype=dtype
    )


class _ResidualBlock(Saved, keras.layers.Layer):
    """Holds the convolutions of a block and applies them with or without spectral normalisation."""

    def __init__(self, filters: int, spectral_norm: bool, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.spectral_norm = spectral_norm
        self.conv1 = _convolution(filters, 3, spectral_norm, self.dtype_policy)
        self.conv2 = _convolution(filters, 3, spectral_norm, self.dtype_policy)

    def _convolve(self, convolution, x, training):
        return convolution(x, training=training) if self.spectral_norm else convolution(x)

    def _resampled(self, resampled_convolution, convolution, x, training):
        """What `convolution` and doubling before or pooling after it give, in one."""
        return ops.add(
            resampled_convolution(x, self._kernel(convolution, training)), convolution.bias
        )

    def _kernel(self, convolution, training):
        if self.spectral_norm:
            return convolution.spectral_kernel(training)
        return ops.cast(convolution.kernel, self.compute_dtype)


class UpBlock(_ResidualBlock):
    """Generator block U (Table X): doubles bins and frames.

    (c)BN-ReLU-upsample-conv3-(c)BN-ReLU-conv3, beside it upsample-conv1, added.

    Args:
        filters: output channels.
        classes: length of the class vector, or None for unconditional batch normalisation.
        spectral_norm: whether the convolutions are spectrally normalised.
        class_biases: as in `BatchNormalization`.
    """

    def __init__(
        self,
        filters: int,
        classes: int | None = None,
        spectral_norm: bool = True,
        class_biases: str = "zeros",
        **kwargs,
    ):
        super().__init__(filters, spectral_norm, **kwargs)
        self.classes = classes
        self.class_biases = class_biases
        norm = {"classes": classes, "class_biases": class_biases, "dtype": self.dtype_policy}
        self.norm1 = BatchNormalization(**norm)
        self.norm2 = BatchNormalization(**norm)
        self.shortcut = _convolution(filters, 1, spectral_norm, self.dtype_policy)

    def build(self, features_shape, condition_shape=None):
        """Builds the layers for features [batch, bins, frames, channels]."""
        batch, bins, frames, _ = features_shape
        doubled = (batch, 2 * bins, 2 * frames, self.filters)
        self.norm1.build(features_shape)
        self.conv1.build(features_shape)
        self.norm2.build(doubled)
        self.conv2.build(doubled)
        self.shortcut.build(features_shape)

    def call(self, features, condition=None, training=False):
        """[batch, bins, frames, channels] -> [batch, 2·bins, 2·frames, filters]."""
        x = ops.relu(self.norm1(features, condition, training=training))
        x = self._resampled(doubled_convolution, self.conv1, x, training)
        x = ops.relu(self.norm2(x, condition, training=training))
        x = self._convolve(self.conv2, x, training)
        # A 1×1 convolution and nearest upsampling commute: convolve the smaller tensor.
        return x + _upsample(self._convolve(self.shortcut, features, training))


class DownBlock(_ResidualBlock):
    """Discriminator and encoder block D (Table XI): halves bins and frames.

    ReLU-conv3-ReLU-conv3-average pool, beside it conv1-average pool, added. The first ReLU acts on
    the block's raw input.

    Args:
        filters: output channels.
        spectral_norm: whether the convolutions are spectrally normalised.
    """

    def __init__(self, filters: int, spectral_norm: bool = False, **kwargs):
        super().__init__(filters, spectral_norm, **kwargs)
        self.shortcut = _convolution(filters, 1, spectral_norm, self.dtype_policy)

    def build(self, input_shape):
        """Builds the layers for [batch, bins, frames, channels]."""
        self.conv1.build(input_shape)
        self.conv2.build((*input_shape[:-1], self.filters))
        self.shortcut.build(input_shape)

    def call(self, features, training=False):
        """[batch, bins, frames, channels] -> [batch, bins/2, frames/2, filters]."""
        x = self._convolve(self.conv1, ops.relu(features), training)
        x = self._resampled(pooled_convolution, self.conv2, ops.relu(x), training)
        # The sum, as a difference: of two convolutions that are added, TensorFlow's graph optimizer
        # fuses each with the addition, notices, and gives up on all other fusions too (1.3 times
        # the time without gradients).
        kernel = -self._kernel(self.shortcut, training)
        return x - ops.add(pooled_convolution(features, kernel), -self.shortcut.bias)


class PlainBlock(_ResidualBlock):
    """Table XIII's "ResBlock (No Shortcut)": ReLU-conv3-ReLU-conv3 with nothing added.

    Args:
        filters: output channels.
        spectral_norm: whether the convolutions are spectrally normalised.
    """

    def __init__(self, filters: int, spectral_norm: bool = False, **kwargs):
        super().__init__(filters, spectral_norm, **kwargs)

    def build(self, input_shape):
        """Builds the layers for [batch, bins, frames, channels]."""
        self.conv1.build(input_shape)
        self.conv2.build((*input_shape[:-1], self.filters))

    def call(self, features, training=False):
        """[batch, bins, frames, channels] -> [batch, bins, frames, filters]."""
        x = self._convolve(self.conv1, ops.relu(features), training)
        return self._convolve(self.conv2, ops.relu(x), training)


def _upsample(x):
    """Nearest-neighbour doubling of bins and frames."""
    # Frames first and each doubling as a join of rows: on a CPU, twice as fast as `ops.repeat`.
    _, bins, frames, channels = x.shape
    x = ops.reshape(ops.stack([x, x], axis=3), (-1, bins, 1, 2 * frames * channels))
    return ops.reshape(ops.concatenate([x, x], axis=2), (-1, 2 * bins, 2 * frames, channels))
