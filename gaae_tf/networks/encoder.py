"""Encoder E: spectrogram to guided code z and style code z′.

Source: paper Table XX; METHOD §4. Parameters at 256×128, ch = 16, codes of 128: see
`tests/test_networks.py`.
"""

from __future__ import annotations

import keras

from gaae_tf.networks.tower import Tower


class Encoder(keras.Model):
    """Tower and two dense layers, one for each code.

    Args:
        bins, frames: size of the spectrogram.
        channels: ch.
        non_local_bins: bins at which the non-local block stands, 0 for none.
        guided_dim, style_dim: lengths of z and z′.
    """

    def __init__(
        self,
        bins: int,
        frames: int,
        channels: int = 16,
        non_local_bins: int = 0,
        guided_dim: int = 128,
        style_dim: int = 128,
        **kwargs,
    ):
        super().__init__(**kwargs)
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
        self.guided.build((None, 16 * self.channels))
        self.style.build((None, 16 * self.channels))
        self.built = True

    def call(self, spectrograms, training=False):
        """[batch, bins, frames, 1] in [-1, 1] -> z [batch, guided_dim], z′ [batch, style_dim]."""
        features = self.tower(spectrograms, training=training)
        return self.guided(features), self.style(features)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.bins, self.frames, 1),)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "name": self.name,
            "dtype": self.dtype_policy.name,
            "bins": self.bins,
            "frames": self.frames,
            "channels": self.channels,
            "non_local_bins": self.non_local_bins,
            "guided_dim": self.guided_dim,
            "style_dim": self.style_dim,
        }
