import types

import numpy as np
import pytest

from gaae_tf.evaluation.measures.interpolations import interpolation

RATE_HZ = 8000


class _Spectra:
    """Instead of a trained run's signal path: magnitudes."""

    def spectrogram(self, audio):
        return types.SimpleNamespace(numpy=lambda: np.abs(np.fft.rfft(audio)))


class _Scorer:
    """Its features are the sounds themselves."""

    def score(self, audio, sample_rate_hz):
        assert sample_rate_hz == RATE_HZ
        return None, audio


class _Tones:
    """Goes from one tone to another: a glide in semitones, which a cross-fade is not."""

    classes = ()
    sample_rate_hz = RATE_HZ
    signal_path = _Spectra()

    def __init__(self, *pairs_hz):
        self.pairs_hz = iter(pairs_hz)

    def interpolate(self, first, second, count):
        low, high = next(self.pairs_hz)
        time_s = np.arange(4096) / RATE_HZ
        hz = low * (high / low) ** np.linspace(0.0, 1.0, count)
        return np.sin(2.0 * np.pi * hz[:, np.newaxis] * time_s).astype(np.float32)


def test_a_gliding_pitch_is_straight_and_even_where_a_cross_fade_jumps():
    found = interpolation(_Tones((200.0, 400.0), (600.0, 300.0)), _Scorer(), pairs_a_class=2)
    paths, faded = found["pitch"], found["pitch"]["cross_fade"]
    assert paths["path_length_ratio"]["value"] == pytest.approx(1.0, abs=0.01)
    assert paths["largest_step_share"]["value"] == pytest.approx(1.0 / 8.0, abs=0.01)
    assert faded["largest_step_share"]["value"] == pytest.approx(1.0, abs=0.02)
    assert paths["largest_step_share"]["pairs"] == 2


def test_ends_of_one_pitch_have_no_glide():
    found = interpolation(_Tones((200.0, 202.0), (300.0, 500.0)), _Scorer(), pairs_a_class=2)
    share = found["pitch"]["largest_step_share"]
    assert (share["pairs"], share["left_out"]) == (1, 1)
    found = interpolation(_Tones((200.0, 202.0)), _Scorer(), pairs_a_class=1)
    assert found["pitch"]["path_length_ratio"]["reason"] == "the ends are less than 1 apart"
