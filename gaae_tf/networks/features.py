"""BiGAN's feature network, GGAN's too, and its joint discriminator.

Source: paper Tables XVIII and XIX; METHOD §4. Both have GAAE's tower. Departure: the joint
discriminator is spectrally normalised as S is, of which the table says nothing.
"""

from __future__ import annotations

import keras
from keras import ops

from gaae_tf.networks.saving import Saved
from gaae_tf.networks.spectral_norm import SpectralDense
from gaae_tf.networks.tower import Tower

_HIDDEN = 128


class FeatureNetwork(Saved, keras.Model):
    """F(x): tower and one dense layer, spectrogram to one code.

    Args:
        bins, frames: size of the spectrogram.
        channels: ch.
        non_local_bins: bins at which the non-local block stands, 0 for none.
        style_dim: length of the code, that of a generator's z.
    """

    def __init__(
        self,
        bins: int,
        frames: int,
        channels: int = 16,
        non_local_bins: int = 0,
        style_dim: int = 128,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.bins = bins
        self.frames = frames
        self.channels = channels
        self.non_local_bins = non_local_bins
        self.style_dim = style_dim
        self.tower = Tower(bins, frames, channels, non_local_bins, dtype=self.dtype_policy)
        self.code = keras.layers.Dense(style_dim, kernel_initializer="orthogonal", dtype="float32")
        self.build()

    def build(self, input_shape=None):
        """Creates all weights; the spectrogram's size is known from the arguments."""
        self.tower.build((None, self.bins, self.frames, 1))
        self.code.build((None, 16 * self.channels))
        self.built = True

    def call(self, spectrograms, training=False):
        """[batch, bins, frames, 1] in [-1, 1] -> float32 [batch, style_dim]."""
        return self.code(self.tower(spectrograms, training=training))

    @property
    def code_layers(self) -> tuple[keras.layers.Dense, ...]:
        """The layer that gives the code."""
        return (self.code,)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.bins, self.frames, 1),)


class JointDiscriminator(Saved, keras.Model):
    """J(x, z): the tower's pooled features beside a code, then dense 128-ReLU-1.

    Args:
        bins, frames: size of the spectrogram.
        channels: ch.
        non_local_bins: bins at which the non-local block stands, 0 for none.
        style_dim: length of the code.
    """

    def __init__(
        self,
        bins: int,
        frames: int,
        channels: int = 16,
        non_local_bins: int = 0,
        style_dim: int = 128,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.bins = bins
        self.frames = frames
        self.channels = channels
        self.non_local_bins = non_local_bins
        self.style_dim = style_dim
        self.tower = Tower(
            bins, frames, channels, non_local_bins, spectral_norm=True, dtype=self.dtype_policy
        )
        self.hidden = SpectralDense(_HIDDEN, dtype="float32")
        self.score = SpectralDense(1, dtype="float32")
        self.build()

    def build(self, input_shape=None):
        """Creates all weights; all sizes are known from the arguments."""
        self.tower.build((None, self.bins, self.frames, 1))
        self.hidden.build((None, 16 * self.channels + self.style_dim))
        self.score.build((None, _HIDDEN))
        self.built = True

    def call(self, spectrograms, codes, training=False):
        """[batch, bins, frames, 1] and [batch, style_dim] -> float32 scores [batch, 1]."""
        features = self.tower(spectrograms, training=training)
        both = ops.concatenate([features, ops.cast(codes, "float32")], axis=-1)
        return self.score(ops.relu(self.hidden(both, training=training)), training=training)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.bins, self.frames, 1), (self.style_dim,))
