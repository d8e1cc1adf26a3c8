"""The convolutional tower that encoder and sample discriminator share.

Source: paper Tables XIII, XVIII, XX; METHOD §4. Down blocks to the base size, a block without
shortcut, ReLU, and the sum over all positions: 256×128 and ch = 16 give 256 features. The non-local
block follows the block whose output has `non_local_bins` bins (paper: the first, 128×64).
"""

from __future__ import annotations

import keras
from keras import ops

from gaae_tf.networks.attention import NonLocalBlock
from gaae_tf.networks.blocks import DownBlock, PlainBlock
from gaae_tf.networks.geometry import base_size, check_non_local_bins, down_channels
from gaae_tf.networks.saving import Saved


class Tower(Saved, keras.layers.Layer):
    """Spectrogram to pooled features.

    Args:
        bins, frames: size of the spectrogram.
        channels: ch; the output has 16·ch features.
        non_local_bins: bins at which the non-local block stands, 0 for none.
        spectral_norm: whether all convolutions are spectrally normalised.

    Raises:
        ValueError: the size does not double up from a base, or `non_local_bins` is no block's
            height.
    """

    def __init__(
        self,
        bins: int,
        frames: int,
        channels: int,
        non_local_bins: int,
        spectral_norm: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.bins = bins
        self.frames = frames
        self.channels = channels
        self.non_local_bins = non_local_bins
        self.spectral_norm = spectral_norm
        _, _, doublings = base_size(bins, frames)
        check_non_local_bins(non_local_bins, bins, doublings)
        self.layers = []
        for i, filters in enumerate(down_channels(channels, doublings), start=1):
            self.layers.append(DownBlock(filters, spectral_norm, dtype=self.dtype_policy))
            if bins >> i == non_local_bins:
                self.layers.append(NonLocalBlock(spectral_norm, dtype=self.dtype_policy))
        self.layers.append(PlainBlock(filters, spectral_norm, dtype=self.dtype_policy))

    def build(self, input_shape):
        """Builds the blocks for [batch, bins, frames, 1]."""
        shape = tuple(input_shape)
        for layer in self.layers:
            layer.build(shape)
            if isinstance(layer, DownBlock):
                shape = (shape[0], shape[1] // 2, shape[2] // 2, layer.filters)

    def call(self, spectrograms, training=False):
        """[batch, bins, frames, 1] -> float32 [batch, 16·ch]."""
        return ops.sum(self.maps(spectrograms, training=training), axis=(1, 2))

    def maps(self, spectrograms, training=False):
        """What `call` sums: float32 [batch, base bins, base frames, 16·ch], not negative."""
        x = spectrograms
        for layer in self.layers:
            x = layer(x, training=training)
        return ops.cast(ops.relu(x), "float32")
