"""Discriminators: S of spectrograms with a class projection, L of style codes.

Source: paper Tables XIII, XXIII; METHOD §4.
"""

from __future__ import annotations

import keras
from keras import ops

from gaae_tf.networks.initializers import orthogonal_for_relu
from gaae_tf.networks.saving import Saved
from gaae_tf.networks.spectral_norm import SpectralDense
from gaae_tf.networks.tower import Tower

_HIDDEN = 128


class SampleDiscriminator(Saved, keras.Model):
    """S(x, y) = Σ(embed(y)·h(x)) + dense(h(x)), spectrally normalised throughout.

    Without classes it is the unsupervised BigGAN's: S(x) = dense(h(x)).

    Args:
        bins, frames: size of the spectrogram.
        classes: length of the class vector, or None for none.
        channels: ch.
        non_local_bins: bins at which the non-local block stands, 0 for none.
    """

    def __init__(
        self,
        bins: int,
        frames: int,
        classes: int | None,
        channels: int = 16,
        non_local_bins: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.bins = bins
        self.frames = frames
        self.classes = classes
        self.channels = channels
        self.non_local_bins = non_local_bins
        self.tower = Tower(
            bins, frames, channels, non_local_bins, spectral_norm=True, dtype=self.dtype_policy
        )
        self.embed = None
        if classes is not None:
            self.embed = SpectralDense(16 * channels, use_bias=False, dtype="float32")
        self.score = SpectralDense(1, dtype="float32")
        self.build()

    def build(self, input_shape=None):
        """Creates all weights; all sizes are known from the arguments."""
        self.tower.build((None, self.bins, self.frames, 1))
        if self.embed is not None:
            self.embed.build((None, self.classes))
        self.score.build((None, 16 * self.channels))
        self.built = True

    def call(self, spectrograms, condition=None, training=False):
        """[batch, bins, frames, 1] and [batch, classes] -> float32 scores [batch, 1]."""
        features = self.tower(spectrograms, training=training)
        score = self.score(features, training=training)
        if self.embed is None:
            return score
        embedded = self.embed(ops.cast(condition, "float32"), training=training)
        return ops.sum(embedded * features, axis=-1, keepdims=True) + score

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        spectrogram = (self.bins, self.frames, 1)
        return (spectrogram, *(() if self.classes is None else ((self.classes,),)))


class LatentDiscriminator(Saved, keras.Model):
    """L(z): is a style code a draw from N(0, I)? 128-ReLU-128-ReLU-1, float32.

    With `classes`, L(z, y): does z look like a draw from N(0, I) that has nothing to do with y? The
    class vector is put beside the code. A departure from the paper.

    Args:
        style_dim: length of the style code.
        classes: length of the class vector, or None for none.
        spectral_norm: whether the layers are spectrally normalised, as those of S are.
    """

    def __init__(
        self,
        style_dim: int = 128,
        classes: int | None = None,
        spectral_norm: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs | {"dtype": "float32"})
        self.style_dim = style_dim
        self.classes = classes
        self.spectral_norm = spectral_norm
        if spectral_norm:
            self.hidden = [SpectralDense(_HIDDEN, dtype="float32") for _ in range(2)]
            self.score = SpectralDense(1, dtype="float32")
        else:
            self.hidden = [
                keras.layers.Dense(
                    _HIDDEN, kernel_initializer=orthogonal_for_relu(), dtype="float32"
                )
                for _ in range(2)
            ]
            self.score = keras.layers.Dense(1, kernel_initializer="orthogonal", dtype="float32")
        self.build()

    def build(self, input_shape=None):
        """Creates all weights."""
        size = self.style_dim + (self.classes or 0)
        for layer in self.hidden:
            layer.build((None, size))
            size = _HIDDEN
        self.score.build((None, size))
        self.built = True

    def call(self, style, condition=None, training=False):
        """[batch, style_dim] and, with classes, [batch, classes] -> scores [batch, 1]."""
        x = style
        if self.classes is not None:
            x = ops.concatenate([x, ops.cast(condition, "float32")], axis=-1)
        training = {"training": training} if self.spectral_norm else {}
        for layer in self.hidden:
            x = ops.relu(layer(x, **training))
        return self.score(x, **training)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.style_dim,), *(() if self.classes is None else ((self.classes,),)))
