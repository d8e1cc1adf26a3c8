"""Clips as if they had been played a little lower: more to learn from than was recorded."""

from __future__ import annotations

import numpy as np
import soxr

from gaae_tf.data.audio import from_int16, to_int16

SEMITONES_AN_OCTAVE = 12


def lowered(audio: np.ndarray, semitones: int) -> np.ndarray:
    """Clips played slower, such that every frequency falls by so many semitones.

    Resonances fall with the pitch, and a clip becomes longer: what goes beyond its length is cut.

    Args:
        audio: int16 [clips, samples].
        semitones: 1 or more; an octave has 12.

    Returns:
        int16 of the same shape, of what is left below the Nyquist frequency.
    """
    slower = 2.0 ** (semitones / SEMITONES_AN_OCTAVE)
    result = np.empty_like(audio)
    for clip, made in zip(from_int16(audio), result, strict=True):
        made[:] = to_int16(soxr.resample(clip, 1.0, slower, quality="HQ")[: len(clip)])
    return result
