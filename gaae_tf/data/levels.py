"""Levels of clips in dB relative to full scale (dBFS): a constant of full scale has 0."""

from __future__ import annotations

import numpy as np

_SHORT_S = 0.05


def levels_dbfs(audio: np.ndarray, sample_rate_hz: int) -> tuple[float, float]:
    """RMS level of a clip, and that of its loudest 50 ms.

    The second tells a near-silent clip from a short sound in a long pause.

    Args:
        audio: int16 [samples], not all zero.
        sample_rate_hz: of the clip.
    """
    power = np.square(audio / 32768.0)
    length = max(1, min(len(power), round(_SHORT_S * sample_rate_hz)))
    whole = power[: len(power) // length * length].reshape(-1, length)
    return _db(power.mean()), _db(max(whole.mean(axis=1).max(), power.mean()))


def _db(power: float) -> float:
    return 10.0 * float(np.log10(max(power, 1e-12)))
