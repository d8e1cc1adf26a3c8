"""The non-local (self-attention) block of SAGAN and BigGAN.

Source: METHOD §4 ("Non-local block"): θ, φ (C/8) and g (C/2) by 1×1 convolutions, φ and g
max-pooled 2×2, softmax, 1×1 back to C, learned gain from 0. Departure: the softmax runs in float32,
over a bounded number of queries at a time, and each such part is computed again in the backward
pass, so that the whole map (8,192 × 2,048 a sample at the paper's 128×64) is never held.
"""

from __future__ import annotations

import keras
from keras import ops

from gaae_tf.networks.saving import Saved
from gaae_tf.networks.spectral_norm import SpectralConv2D


class NonLocalBlock(Saved, keras.layers.Layer):
    """Adds to each position a learned mixture of all positions; the identity at initialisation.

    Args:
        spectral_norm: whether the four 1×1 convolutions are spectrally normalised.
        query_chunk: queries handled at a time; more use more memory.
    """

    def __init__(self, spectral_norm: bool = False, query_chunk: int = 1024, **kwargs):
        super().__init__(**kwargs)
        self.spectral_norm = spectral_norm
        self.query_chunk = query_chunk

    def build(self, input_shape):
        """Creates the projections for [batch, bins, frames, channels], even in bins and frames."""
        channels = input_shape[-1]
        inner = max(1, channels // 8)
        value = max(1, channels // 2)

        def projection(units, name):
            if self.spectral_norm:
                return SpectralConv2D(units, 1, use_bias=False, name=name, dtype=self.dtype_policy)
            return keras.layers.Conv2D(
                units,
                1,
                use_bias=False,
                kernel_initializer="orthogonal",
                name=name,
                dtype=self.dtype_policy,
            )

        self.theta = projection(inner, "theta")
        self.phi = projection(inner, "phi")
        self.g = projection(value, "g")
        self.out = projection(channels, "out")
        for layer in (self.theta, self.phi, self.g):
            layer.build(input_shape)
        self.out.build((*input_shape[:-1], value))
        self.gain = self.add_weight(name="gain", shape=(), initializer="zeros")

    def call(self, x, training=False):
        """[batch, bins, frames, channels] -> same shape."""
        spectral = {"training": training} if self.spectral_norm else {}
        bins, frames = x.shape[1:3]
        queries, keys = bins * frames, bins * frames // 4
        theta = ops.reshape(self.theta(x, **spectral), (-1, queries, self.theta_size(x)))
        phi = ops.max_pool(self.phi(x, **spectral), 2, strides=2)
        phi = ops.reshape(phi, (-1, keys, theta.shape[-1]))
        g = ops.max_pool(self.g(x, **spectral), 2, strides=2)
        g = ops.reshape(g, (-1, keys, g.shape[-1]))
        if queries <= self.query_chunk:
            mixture = _attend(theta, phi, g)
        else:
            part = keras.remat(_attend)
            mixture = ops.concatenate(
                [
                    part(theta[:, start : start + self.query_chunk], phi, g)
                    for start in range(0, queries, self.query_chunk)
                ],
                axis=1,
            )
        mixture = ops.reshape(mixture, (-1, bins, frames, g.shape[-1]))
        return x + self.gain * self.out(mixture, **spectral)

    @staticmethod
    def theta_size(x) -> int:
        """Channels of θ and φ for input x: an eighth, at least one."""
        return max(1, x.shape[-1] // 8)


def _attend(theta, phi, g):
    """Softmax(θ·φᵀ)·g, from [batch, queries, d], [batch, keys, d] and [batch, keys, v]."""
    scores = ops.matmul(theta, ops.transpose(phi, (0, 2, 1)))
    weights = ops.softmax(ops.cast(scores, "float32"), axis=-1)
    return ops.matmul(ops.cast(weights, g.dtype), g)
