"""Generators and critics of spectrograms in DCGAN's manner: SpecGAN's and TiFGAN's.

A dense layer, transposed convolutions of stride 2 with ReLU between them, tanh; the critic mirrors
that with leaky ReLU of slope 0.2, down to the same base, and a dense layer. No batch normalisation.

SpecGAN (Donahue et al. 2019, arXiv 1802.04208; chrisdonahue/wavegan): 128×128 from 4×4, kernels
5×5, dense 100 → 4×4×1024, then 512, 256, 128, 64, 1 channels at ch = 64.
TiFGAN (Marafioti et al. 2019, arXiv 1902.04072; facts from tifgan/stftGAN): 256×128 from 8×4,
kernels 12×3, dense 100 → 8×4×512, then 512, 256, 128, 64, 1; spectral normalisation of all layers.
Departure: no phase shuffle, which TiFGAN's code applies to its critic and its paper does not name.
Parameter counts stand in `tests/test_dcgan.py`.
"""

from __future__ import annotations

import keras
from keras import ops

from gaae_tf.networks.geometry import dcgan_base
from gaae_tf.networks.saving import Saved
from gaae_tf.networks.spectral_norm import (
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
)

STRIDE = 2

_SLOPE = 0.2


class DCGANGenerator(Saved, keras.Model):
    """Code to spectrogram.

    Args:
        bins, frames: size of the spectrogram.
        kernel_size: of the transposed convolutions, (bins, frames).
        channels: ch, the channels before the last layer.
        wide_base: whether the dense layer gives twice the channels of the first convolution, as
            SpecGAN's does, or as many, as TiFGAN's.
        spectral_norm: whether all layers are spectrally normalised.
        style_dim: length of the code.

    Raises:
        ValueError: the size does not double up from a base.
    """

    classes = None

    def __init__(
        self,
        bins: int,
        frames: int,
        kernel_size: tuple[int, int],
        channels: int = 64,
        wide_base: bool = False,
        spectral_norm: bool = False,
        style_dim: int = 100,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.bins = bins
        self.frames = frames
        self.kernel_size = tuple(kernel_size)
        self.channels = channels
        self.wide_base = wide_base
        self.spectral_norm = spectral_norm
        self.style_dim = style_dim
        *base, count = dcgan_base(bins, frames)
        widths = [channels << i for i in reversed(range(count - 1))] + [1]
        self.base = (*base, widths[0] * (2 if wide_base else 1))
        policy = self.dtype_policy
        units = self.base[0] * self.base[1] * self.base[2]
        if spectral_norm:
            self.dense = SpectralDense(units, dtype=policy)
            self.convolutions = [
                SpectralConv2DTranspose(width, self.kernel_size, STRIDE, dtype=policy)
                for width in widths
            ]
        else:
            self.dense = keras.layers.Dense(units, dtype=policy)
            self.convolutions = [
                keras.layers.Conv2DTranspose(
                    width, self.kernel_size, STRIDE, padding="same", dtype=policy
                )
                for width in widths
            ]
        self.widths = widths
        self.build()

    def build(self, input_shape=None):
        """Creates all weights; all sizes are known from the arguments."""
        self.dense.build((None, self.style_dim))
        shape = (None, *self.base)
        for convolution, width in zip(self.convolutions, self.widths, strict=True):
            convolution.build(shape)
            shape = (None, STRIDE * shape[1], STRIDE * shape[2], width)
        self.built = True

    def call(self, style, training=False):
        """[batch, style_dim] -> float32 [batch, bins, frames, 1] in [-1, 1]."""
        mode = {"training": training} if self.spectral_norm else {}
        x = ops.reshape(self.dense(style, **mode), (-1, *self.base))
        for convolution in self.convolutions:
            x = convolution(ops.relu(x), **mode)
        return ops.tanh(ops.cast(x, "float32"))

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.style_dim,),)


class DCGANDiscriminator(Saved, keras.Model):
    """Spectrogram to score.

    Args:
        bins, frames: size of the spectrogram.
        kernel_size: of the convolutions, (bins, frames).
        channels: ch, the channels of the first layer.
        spectral_norm: whether all layers are spectrally normalised.

    Raises:
        ValueError: the size does not double up from a base.
    """

    classes = None

    def __init__(
        self,
        bins: int,
        frames: int,
        kernel_size: tuple[int, int],
        channels: int = 64,
        spectral_norm: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.bins = bins
        self.frames = frames
        self.kernel_size = tuple(kernel_size)
        self.channels = channels
        self.spectral_norm = spectral_norm
        base_bins, base_frames, count = dcgan_base(bins, frames)
        policy = self.dtype_policy
        self.widths = [channels << i for i in range(count)]
        if spectral_norm:
            self.convolutions = [
                SpectralConv2D(width, self.kernel_size, strides=STRIDE, dtype=policy)
                for width in self.widths
            ]
            self.dense = SpectralDense(1, dtype="float32")
        else:
            self.convolutions = [
                keras.layers.Conv2D(width, self.kernel_size, STRIDE, padding="same", dtype=policy)
                for width in self.widths
            ]
            self.dense = keras.layers.Dense(1, dtype="float32")
        self.dense_inputs = base_bins * base_frames * self.widths[-1]
        self.build()

    def build(self, input_shape=None):
        """Creates all weights; all sizes are known from the arguments."""
        shape = (None, self.bins, self.frames, 1)
        for convolution, width in zip(self.convolutions, self.widths, strict=True):
            convolution.build(shape)
            shape = (None, shape[1] // STRIDE, shape[2] // STRIDE, width)
        self.dense.build((None, self.dense_inputs))
        self.built = True

    def call(self, spectrograms, training=False):
        """[batch, bins, frames, 1] -> float32 scores [batch, 1]."""
        mode = {"training": training} if self.spectral_norm else {}
        x = spectrograms
        for convolution in self.convolutions:
            x = ops.leaky_relu(convolution(x, **mode), _SLOPE)
        return self.dense(ops.reshape(ops.cast(x, "float32"), (-1, self.dense_inputs)), **mode)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.bins, self.frames, 1),)
