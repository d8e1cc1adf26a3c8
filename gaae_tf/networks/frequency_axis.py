"""Between the linear frequency axis of spectrograms and a logarithmic one inside networks.

A departure from the paper, off by default. On a logarithmic axis a note of another pitch is the
same picture, moved: what a convolution can find and draw anywhere. On the linear one its harmonics
also lie at other distances, and each pitch is a picture of its own.

Both maps are fixed and linear. The axis has as many places as the spectrogram has bins, equally far
apart on a logarithmic scale from `LOWEST_BIN` to the last bin.
"""

from __future__ import annotations

import functools

import numpy as np
from keras import ops

LOWEST_BIN = 1.6  # 50 Hz at 16 kHz and a transform of 512


def to_log_axis(x):
    """[batch, bins, frames, channels] -> the same shape, places along a logarithmic axis.

    Each place takes the bins around it: two, in between, where places are closer than bins, and
    else all within the distance to the next place, the nearer the more.
    """
    return _mapped(_to_log(x.shape[1]), x)


def to_linear_axis(x):
    """[batch, places, frames, channels] -> the same shape, bins; each between two places."""
    return _mapped(_to_linear(x.shape[1]), x)


def _mapped(matrix, x):
    _, bins, frames, channels = x.shape
    flat = ops.reshape(x, (-1, bins, frames * channels))
    mapped = ops.matmul(ops.convert_to_tensor(matrix, dtype=x.dtype), flat)
    return ops.reshape(mapped, (-1, bins, frames, channels))


def places(bins: int) -> np.ndarray:
    """Where the places of the logarithmic axis are, in bins; float64 [bins], rising."""
    return LOWEST_BIN * ((bins - 1) / LOWEST_BIN) ** (np.arange(bins) / (bins - 1))


@functools.cache
def _to_log(bins: int) -> np.ndarray:
    at = places(bins)
    reach = np.maximum(1.0, np.append(np.diff(at), at[-1] - at[-2]))
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(bins) - at[:, None]) / reach[:, None])
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@functools.cache
def _to_linear(bins: int) -> np.ndarray:
    at = places(bins)
    columns = [np.interp(np.arange(bins), at, unit) for unit in np.eye(bins)]
    return np.stack(columns, axis=1).astype(np.float32)
