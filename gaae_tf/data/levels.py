"""Levels of clips in dB relative to full scale (dBFS): a constant of full scale has 0."""

from __future__ import annotations

import numpy as np

from gaae_tf.ops.compiled import compiled

_SHORT_S = 0.05


def levels_dbfs(audio: np.ndarray, sample_rate_hz: int) -> tuple[float, float]:
    """RMS level of a clip, and that of its loudest 50 ms.

    The second tells a near-silent clip from a short sound in a long pause.

    Args:
        audio: int16 [samples], not all zero.
        sample_rate_hz: of the clip.
    """
    length = max(1, min(len(audio), round(_SHORT_S * sample_rate_hz)))
    total, loudest = _energies(audio, length)
    mean = total / len(audio)
    return _db(mean / 2**30), _db(max(loudest / length, mean) / 2**30)


@compiled
def _energies(audio, length):
    """Sum of squares of all samples, and the largest of a stretch of `length` from the start on."""
    total, loudest = 0, 0
    for start in range(0, audio.size, length):
        energy = 0
        for i in range(start, min(start + length, audio.size)):
            energy += np.int64(audio[i]) * audio[i]
        total += energy
        if start + length <= audio.size:
            loudest = max(loudest, energy)
    return total, loudest


def _db(power: float) -> float:
    return 10.0 * float(np.log10(max(power, 1e-12)))
