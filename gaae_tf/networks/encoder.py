"""Encoder E: spectrogram to guided code z and style code z′.

Source: paper Table XX; METHOD §4. Parameters at 256×128, ch = 16, codes of 128: see
`tests/test_networks.py`.
"""

from __future__ import annotations

import keras
from keras import ops

from gaae_tf.networks.frequency_axis import to_log_axis
from gaae_tf.networks.geometry import AXES, POOLINGS, base_size
from gaae_tf.networks.saving import Saved
from gaae_tf.networks.tower import Tower


class Encoder(Saved, keras.Model):
    """Tower and two dense layers, one for each code.

    Args:
        bins, frames: size of the spectrogram.
        channels: ch.
        non_local_bins: bins at which the non-local block stands, 0 for none.
        guided_dim, style_dim: lengths of z and z′.
        style_pooling: what z′ is read from: "sum", the tower's sum over all places, as z is (the
            paper's); or "frames", its sum over frames alone, which keeps the base's rows of bins,
            and so where on the frequency axis a feature was.
        frequency_axis: of what the tower sees, "linear" (the paper's) or "log".

    Raises:
        ValueError: unknown pooling or axis, or as in `Tower`.
    """

    def __init__(
        self,
        bins: int,
        frames: int,
        channels: int = 16,
        non_local_bins: int = 0,
        guided_dim: int = 128,
        style_dim: int = 128,
        style_pooling: str = "sum",
        frequency_axis: str = "linear",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if style_pooling not in POOLINGS:
            raise ValueError(
                f"style_pooling must be one of {', '.join(POOLINGS)}, got {style_pooling!r}"
            )
        if frequency_axis not in AXES:
            raise ValueError(
                f"frequency_axis must be one of {', '.join(AXES)}, got {frequency_axis!r}"
            )
        self.style_pooling = style_pooling
        self.frequency_axis = frequency_axis
        self.bins = bins
        self.frames = frames
        self.channels = channels
        self.non_local_bins = non_local_bins
        self.guided_dim = guided_dim
        self.style_dim = style_dim
        self.tower = Tower(bins, frames, channels, non_local_bins, dtype=self.dtype_policy)
        self.guided = keras.layers.Dense(
            guided_dim, kernel_initializer="orthogonal", dtype="float32"
        )
        self.style = keras.layers.Dense(style_dim, kernel_initializer="orthogonal", dtype="float32")
        self.build()

    def build(self, input_shape=None):
        """Creates all weights; the spectrogram's size is known from the arguments."""
        self.tower.build((None, self.bins, self.frames, 1))
        features = 16 * self.channels
        self.guided.build((None, features))
        rows = base_size(self.bins, self.frames)[0] if self.style_pooling == "frames" else 1
        self.style.build((None, rows * features))
        self.built = True

    def call(self, spectrograms, training=False):
        """[batch, bins, frames, 1] in [-1, 1] -> z [batch, guided_dim], z′ [batch, style_dim]."""
        if self.frequency_axis == "log":
            spectrograms = to_log_axis(spectrograms)
        rows = ops.sum(self.tower.maps(spectrograms, training=training), axis=2)
        features = ops.sum(rows, axis=1)
        if self.style_pooling == "frames":
            rows = ops.reshape(rows, (-1, rows.shape[1] * rows.shape[2]))
            return self.guided(features), self.style(rows)
        return self.guided(features), self.style(features)

    @property
    def code_layers(self) -> tuple[keras.layers.Dense, ...]:
        """The layers that give the codes, in the order of `call`."""
        return (self.guided, self.style)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.bins, self.frames, 1),)
