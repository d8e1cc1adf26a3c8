"""Decoder D: style code and class vector to spectrogram.

Source: paper Tables X, XII; METHOD §4. The code enters only at the dense layer, the class only
through conditional batch normalisation. Parameters at 256×128, ch = 16, ten classes: 2.48 M with
the `biggan` width schedule, 6.68 M with `table`, which is what the paper prints (18.4 GMAC a sample
against 1.34); to the digit in `tests/test_networks.py`. With `classes=None` it is the generator of
the unsupervised BigGAN (Table XVI).
"""

from __future__ import annotations

import math

import keras
from keras import ops

from gaae_tf.networks.attention import NonLocalBlock
from gaae_tf.networks.blocks import UpBlock
from gaae_tf.networks.frequency_axis import to_linear_axis
from gaae_tf.networks.geometry import AXES, base_size, check_non_local_bins, up_channels
from gaae_tf.networks.normalization import BatchNormalization
from gaae_tf.networks.saving import Saved


class Decoder(Saved, keras.Model):
    """Dense layer, doubling blocks with spectral normalisation, and a tanh.

    Args:
        bins, frames: size of the spectrogram.
        classes: length of the class vector, or None for none.
        channels: ch.
        width_schedule: "biggan" or "table".
        non_local_bins: bins at which the non-local block stands, 0 for none.
        style_dim: length of the style code.
        class_biases: as in `BatchNormalization`.
        frequency_axis: of the blocks' maps, "linear" (the paper's) or "log"; the last convolution
            is on the spectrogram's own axis either way.

    Raises:
        ValueError: unknown axis, or the size does not double up from a base.
    """

    def __init__(
        self,
        bins: int,
        frames: int,
        classes: int | None,
        channels: int = 16,
        width_schedule: str = "biggan",
        non_local_bins: int = 0,
        style_dim: int = 128,
        class_biases: str = "zeros",
        frequency_axis: str = "linear",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.bins = bins
        self.frames = frames
        self.classes = classes
        self.channels = channels
        self.width_schedule = width_schedule
        self.non_local_bins = non_local_bins
        self.style_dim = style_dim
        self.class_biases = class_biases
        if frequency_axis not in AXES:
            raise ValueError(
                f"frequency_axis must be one of {', '.join(AXES)}, got {frequency_axis!r}"
            )
        self.frequency_axis = frequency_axis
        base_bins, base_frames, doublings = base_size(bins, frames)
        check_non_local_bins(non_local_bins, bins, doublings)
        self.base_shape = (base_bins, base_frames, 16 * channels)
        policy = self.dtype_policy
        self.dense = keras.layers.Dense(
            math.prod(self.base_shape), kernel_initializer="orthogonal", dtype=policy
        )
        self.blocks = []
        for i, filters in enumerate(up_channels(channels, doublings, width_schedule), start=1):
            self.blocks.append(UpBlock(filters, classes, class_biases=class_biases, dtype=policy))
            if base_bins << i == non_local_bins:
                self.blocks.append(NonLocalBlock(dtype=policy))
        self.norm = BatchNormalization(dtype=policy)
        self.to_spectrogram = keras.layers.Conv2D(
            1, 3, padding="same", kernel_initializer="orthogonal", dtype=policy
        )
        self.build()

    def build(self, input_shape=None):
        """Creates all weights; all sizes are known from the arguments."""
        self.dense.build((None, self.style_dim))
        shape = (None, *self.base_shape)
        for block in self.blocks:
            block.build(shape)
            if isinstance(block, UpBlock):
                shape = (None, 2 * shape[1], 2 * shape[2], block.filters)
        self.norm.build(shape)
        self.to_spectrogram.build(shape)
        self.built = True

    def call(self, style, condition=None, training=False):
        """[batch, style_dim], [batch, classes] -> float32 [batch, bins, frames, 1] in [-1, 1]."""
        x = ops.reshape(self.dense(style), (-1, *self.base_shape))
        for block in self.blocks:
            if isinstance(block, UpBlock):
                x = block(x, condition, training=training)
            else:
                x = block(x, training=training)
        if self.frequency_axis == "log":
            x = to_linear_axis(x)
        x = ops.relu(self.norm(x, training=training))
        return ops.tanh(ops.cast(self.to_spectrogram(x), "float32"))

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.style_dim,), *(() if self.classes is None else ((self.classes,),)))
