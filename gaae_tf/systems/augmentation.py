"""Altered spectrograms for the augmented classifier of Tables VII and VIII.

Source: paper VII, "adding random noise, rotation of the spectrogram, multiplication with random
zero patches, etc."; Park et al. 2019 (SpecAugment, arXiv 1904.08779) for the masks; Nam et al. 2021
(FilterAugment, arXiv 2110.03282) for the gains. The paper tells no sizes: these are ours, in shares
of the spectrogram. Rotation is along time, where the transform is circular. Masks and patches are
0, the middle of [-1, 1], as a product with zeros is. Gains and a floor are asked for apart: they
are what another microphone and room make of a digit, but the timbre of a note is its gains.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

LARGEST_NOISE = 0.2  # deviation, in units of [-1, 1]
LARGEST_SHIFT = 0.125  # of the frames, either way
LARGEST_MASK = 0.125  # of bins, and of frames
LARGEST_PATCH = 0.25  # of bins, and of frames of one patch
LARGEST_GAIN = 0.2  # either way, in units of [-1, 1]
GAIN_POINTS = 5  # evenly over frequency, between which the gain is linear
LARGEST_FLOOR = 0.6  # above -1

# Streams of `drawn`; System has 0 and 1 for codes and labels.
_NOISE, _SHARES = 2, 3

# Columns of the uniform shares that decide all but the noise; a channel's are drawn with it alone.
_COLUMNS = (
    "deviation",
    "shift",
    "bins_masked",
    "bins_from",
    "frames_masked",
    "frames_from",
    "patch_bins",
    "patch_bins_from",
    "patch_frames",
    "patch_frames_from",
)
_GAINS = tuple(f"gain_{point}" for point in range(GAIN_POINTS))
_CHANNEL_COLUMNS = ("floor", *_GAINS)


def augmented(spectrograms: tf.Tensor, drawn: Callable, channel: bool) -> tf.Tensor:
    """Alters each spectrogram in its own way: shift, noise, one mask a dimension, one patch.

    Args:
        spectrograms: float32 [batch, bins, frames, 1] in [-1, 1].
        drawn: drawn(stream, sampler) gives this replica's rows of sampler(global batch, key), as
            `System._drawn` does.
        channel: whether gains over frequency and a floor come before these.

    Returns:
        The same shape; noise may leave [-1, 1].
    """
    _, bins, frames, _ = spectrograms.shape
    columns = _COLUMNS + _CHANNEL_COLUMNS if channel else _COLUMNS
    table = drawn(
        _SHARES, lambda batch, key: tf.random.stateless_uniform([batch, len(columns)], key)
    )
    shares = dict(zip(columns, tf.unstack(table, axis=1), strict=True))
    noise = drawn(
        _NOISE, lambda batch, key: tf.random.stateless_normal([batch, bins, frames, 1], key)
    )
    x = _through_channel(spectrograms, shares) if channel else spectrograms
    x = shifted(x, _whole(2.0 * shares["shift"] - 1.0, LARGEST_SHIFT * frames))
    x += LARGEST_NOISE * shares["deviation"][:, None, None, None] * noise
    in_bins = _band(bins, LARGEST_MASK, shares["bins_masked"], shares["bins_from"])
    in_frames = _band(frames, LARGEST_MASK, shares["frames_masked"], shares["frames_from"])
    patch_bins = _band(bins, LARGEST_PATCH, shares["patch_bins"], shares["patch_bins_from"])
    patch_frames = _band(frames, LARGEST_PATCH, shares["patch_frames"], shares["patch_frames_from"])
    covered = (
        in_bins[:, :, None]
        | in_frames[:, None, :]
        | (patch_bins[:, :, None] & patch_frames[:, None, :])
    )
    return tf.where(covered[..., None], 0.0, x)


def _through_channel(spectrograms, shares):
    """As another microphone and room would give them: gains over frequency, and a floor."""
    gains = LARGEST_GAIN * (2.0 * tf.stack([shares[name] for name in _GAINS], axis=1) - 1.0)
    floor = LARGEST_FLOOR * shares["floor"] - 1.0
    return tf.maximum(coloured(spectrograms, gains), floor[:, None, None, None])


def coloured(spectrograms: tf.Tensor, gains: tf.Tensor) -> tf.Tensor:
    """Adds gains to log-magnitudes that are linear over frequency between their points.

    Args:
        spectrograms: [batch, bins, frames, 1].
        gains: at points evenly from the first bin to the last, [batch, points].
    """
    bins, points = spectrograms.shape[1], gains.shape[1]
    places = np.linspace(0.0, points - 1.0, bins)
    shares = np.maximum(0.0, 1.0 - np.abs(places - np.arange(points)[:, None]))
    return spectrograms + tf.matmul(gains, tf.constant(shares, tf.float32))[:, :, None, None]


def shifted(spectrograms: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
    """Rolls each spectrogram along time by its own number of frames, int32 [batch]."""
    count = spectrograms.shape[2]
    places = (tf.range(count)[None, :] - frames[:, None]) % count
    return tf.gather(spectrograms, places, axis=2, batch_dims=1)


def _band(size, largest, width, start):
    """Whether each of `size` places is in an example's band, bool [batch, size].

    `width` and `start` are shares in [0, 1) of the widest band, and of the places where one of its
    width can begin.
    """
    width = _whole(width, largest * size + 1.0)  # 0 to the widest, all alike
    first = _whole(start, tf.cast(size - width + 1, tf.float32))
    places = tf.range(size)[None, :]
    return (places >= first[:, None]) & (places < (first + width)[:, None])


def _whole(share, size):
    return tf.cast(share * size, tf.int32)
