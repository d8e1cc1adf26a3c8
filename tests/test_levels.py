"""Levels against sines of known power."""

import numpy as np
import pytest

from gaae_tf.data.levels import levels_dbfs


def test_a_sine_of_half_the_full_scale_has_minus_nine_decibels():
    audio = 16384 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    level, loudest = levels_dbfs(audio.astype(np.int16), 16_000)
    assert level == pytest.approx(20 * np.log10(0.5) - 10 * np.log10(2), abs=0.01)
    assert loudest == pytest.approx(level, abs=0.01)


def test_a_short_sound_in_a_long_pause_is_not_quiet():
    audio = np.zeros(16_000, np.int16)
    audio[8_000:8_800] = 16384
    level, loudest = levels_dbfs(audio, 16_000)
    assert loudest == pytest.approx(-6.02, abs=0.01)
    assert level == pytest.approx(-6.02 - 10 * np.log10(20), abs=0.01)


def test_a_clip_shorter_than_fifty_milliseconds_has_one_level():
    level, loudest = levels_dbfs(np.full(100, 3277, np.int16), 16_000)
    assert level == loudest == pytest.approx(-20.0, abs=0.01)
