"""Recordings that are given to a loaded system."""

from __future__ import annotations

import numpy as np

_MOST_CHANNELS = 32  # of a recording as soundfile reads it, [samples, channels]
_LARGEST_PEAK = 64.0  # 36 dB beyond full scale: sounds of no recorder, integers taken for floats


def checked_audio(audio):
    """Recordings float32 [n, samples] of one or several. Raises ValueError for what is no audio."""
    audio = np.asarray(audio)
    if not np.issubdtype(audio.dtype, np.floating):
        raise ValueError(f"audio must be floating-point in [-1, 1], got {audio.dtype}")
    if audio.ndim not in (1, 2) or not audio.size:
        raise ValueError(
            f"audio must be [samples] or [recordings, samples] and not empty, got {audio.shape}"
        )
    if not np.all(np.isfinite(audio)):
        raise ValueError("audio must be finite, and holds infinities or NaN")
    if audio.ndim == 2 and audio.shape[1] <= _MOST_CHANNELS < audio.shape[0]:
        raise ValueError(
            f"audio must be [samples] or [recordings, samples], got {audio.shape}, "
            f"{audio.shape[0]} recordings of {audio.shape[1]} samples each; if these are channels, "
            "mix them first: audio.mean(axis=1)"
        )
    peak = np.abs(audio).max()
    if peak > _LARGEST_PEAK:
        raise ValueError(
            f"audio must be in [-1, 1], got values up to {peak:.6g}; divide 16-bit samples by "
            "32,768 first"
        )
    return np.atleast_2d(audio).astype(np.float32)
