"""The non-local (self-attention) block of SAGAN and BigGAN.

Source: METHOD §4 ("Non-local block"): θ, φ (C/8) and g (C/2) by 1×1 convolutions, φ and g
max-pooled 2×2, softmax, 1×1 back to C, learned gain from 0. Departure: the softmax is in float32,
and its map of samples × queries × keys (8,192 × 2,048 a sample at the paper's 128×64, 64 MiB) is
made in parts, one after another, and made again in the backward pass, as FlashAttention does (Dao
et al. 2022, arXiv 2205.14135). So memory does not grow with the map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import ops

from gaae_tf.networks.saving import Saved
from gaae_tf.networks.spectral_norm import SpectralConv2D

# 16 MiB in float32, about what a processor's cache holds: parts of four times the size took twice
# as long on a CPU.
LARGEST_PART = 2**22


class NonLocalBlock(Saved, keras.layers.Layer):
    """Adds to each position a learned mixture of all positions; the identity at initialisation.

    Args:
        spectral_norm: whether the four 1×1 convolutions are spectrally normalised.
        largest_part: how many elements of the map of samples × queries × keys are made at a time.
    """

    def __init__(self, spectral_norm: bool = False, largest_part: int = LARGEST_PART, **kwargs):
        super().__init__(**kwargs)
        self.spectral_norm = spectral_norm
        self.largest_part = largest_part

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
        mixture = attend(theta, phi, g, self.largest_part)
        mixture = ops.reshape(mixture, (-1, bins, frames, g.shape[-1]))
        return x + self.gain * self.out(mixture, **spectral)

    @staticmethod
    def theta_size(x) -> int:
        """Channels of θ and φ for input x: an eighth, at least one."""
        return max(1, x.shape[-1] // 8)


def attend(theta, phi, g, largest_part: int = LARGEST_PART):
    """Softmax(θ·φᵀ)·g of every sample, computed in float32.

    Args:
        theta: [batch, queries, d].
        phi: [batch, keys, d].
        g: [batch, keys, v].
        largest_part: how many elements of the map of batch × queries × keys are made at a time,
            forward and backward; of one sample's map that is larger, a whole number of queries, at
            least one.

    Returns:
        [batch, queries, v] in the dtype of g.
    """
    queries, keys, d, v = *theta.shape[1:2], *phi.shape[1:], g.shape[-1]
    # Either whole samples or an equal share of one's queries.
    groups = -(-ops.shape(theta)[0] // max(1, largest_part // (queries * keys)))
    possible = [n for n in range(1, queries + 1) if queries % n == 0 and n * keys <= largest_part]
    rows = max(possible, default=1)

    def mixtures(theta, phi, g):
        parts = [_cut(theta, rows)]
        (made,) = _in_sequence(lambda theta: (_mixture(theta, phi, g),), parts, [(rows, v)])
        return (_joined(made),)

    def gradients(theta, phi, g, mixture, upstream):
        to_theta, to_phi, to_g = _in_sequence(
            lambda theta, *others: _gradients(theta, phi, g, *others),
            [_cut(x, rows) for x in (theta, mixture, upstream)],
            [(rows, d), (keys, d), (keys, v)],
        )
        return _joined(to_theta), ops.sum(to_phi, axis=0), ops.sum(to_g, axis=0)

    @ops.custom_gradient
    def attention(*inputs):
        (mixture,) = _in_groups(mixtures, inputs, groups, [(queries, v)])

        def gradient(*upstream, **named):
            # PyTorch alone gives the inputs too.
            known = (*inputs, mixture, named.get("upstream", upstream[0]))
            return _in_groups(gradients, known, groups, [(queries, d), (keys, d), (keys, v)])

        return mixture, gradient

    return ops.cast(attention(*(ops.cast(x, "float32") for x in (theta, phi, g))), g.dtype)


def _mixture(theta, phi, g):
    """Softmax(θ·φᵀ)·g of a part: [n, rows, v]."""
    return ops.matmul(_weights(theta, phi), g)


def _gradients(theta, phi, g, mixture, upstream):
    """What the gradient `upstream` of a part's mixture, both [n, rows, v], is of θ, φ and g."""
    weights = _weights(theta, phi)
    # Of a weight it is upstream·g, and of a score weight·(upstream·g − upstream·mixture).
    felt = ops.sum(upstream * mixture, axis=-1, keepdims=True)
    to_scores = weights * _products(
        ops.concatenate([upstream, -felt], axis=-1),
        ops.concatenate([g, ops.ones_like(g[..., :1])], axis=-1),
    )
    return ops.matmul(to_scores, phi), _sums(to_scores, theta), _sums(weights, upstream)


def _weights(theta, phi):
    """Each query's weights of the keys, float32 [n, rows, keys]."""
    return ops.softmax(_products(theta, phi), axis=-1)


def _products(a, b):
    """Products of each row with each: [n, i, d] and [n, j, d] -> [n, i, j]."""
    return ops.matmul(a, ops.transpose(b, (0, 2, 1)))


def _sums(weights, rows):
    """Sums over queries: [n, rows, keys] and [n, rows, d] -> [n, keys, d]."""
    # The smaller array is transposed, twice, and not the map.
    sums = ops.matmul(ops.transpose(rows, (0, 2, 1)), weights)
    return ops.transpose(sums, (0, 2, 1))


def _in_groups(function: Callable, arrays: Sequence, groups, results: Sequence[tuple]) -> tuple:
    """Applies a function to groups of samples, one after another.

    Args:
        function: of as many arrays as `arrays` are, to as many as `results`, all of a group.
        arrays: [batch, …] each.
        groups: how many groups; a tensor if the batch's size is not known before.
        results: shapes of the results without their batch.

    Returns:
        The results of all samples, [batch, …] each.
    """
    batch = ops.shape(arrays[0])[0]
    samples = -(-batch // groups)

    def grouped(x):
        x = ops.pad(x, [[0, groups * samples - batch], [0, 0], [0, 0]])
        return ops.reshape(x, (groups, samples, *x.shape[1:]))

    made = _in_sequence(function, [grouped(x) for x in arrays], results)
    return tuple(ops.reshape(x, (-1, *x.shape[2:]))[:batch] for x in made)


def _in_sequence(function: Callable, arrays: Sequence, results: Sequence[tuple]) -> tuple:
    """What a function gives of slices along the first axis, made one after another and stacked.

    Arrays are [parts, n, …], results [parts, n, *shape] for each shape of `results`.
    """
    if arrays[0].shape[0] == 1:
        return tuple(x[None] for x in function(*(x[0] for x in arrays)))
    parts, samples = ops.shape(arrays[0])[:2]

    # Nothing is carried on. But TensorFlow makes ten elements of a map at a time, and takes what a
    # scan gives to be like what it carries.
    def step(_, i):
        made = function(*(x[i] for x in arrays))
        return made, made

    unread = tuple(ops.zeros((samples, *shape), "float32") for shape in results)
    return ops.scan(step, unread, ops.arange(parts))[1]


def _cut(x, rows: int):
    """Parts of so many queries: [n, queries, d] -> [parts, n, rows, d]."""
    queries, d = x.shape[1:]
    return ops.transpose(ops.reshape(x, (-1, queries // rows, rows, d)), (1, 0, 2, 3))


def _joined(parts):
    """The opposite of `_cut`."""
    count, _, rows, d = parts.shape
    return ops.reshape(ops.transpose(parts, (1, 0, 2, 3)), (-1, count * rows, d))
