"""How high a sound is, and how periodic: its strongest harmonic, and its autocorrelation's peak.

Periodicity follows Boersma (1993, "Accurate short-term analysis of the fundamental frequency and
the harmonics-to-noise ratio of a sampled sound").
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

LOWEST_HZ = 25.0  # of a strongest harmonic
SPECTRUM_WINDOW_S = 0.256  # 4,096 samples at 16 kHz
_PADDING = 4  # zero-padded length of a spectrum, in windows, at least

LOWEST_PERIODIC_HZ, HIGHEST_PERIODIC_HZ = 50.0, 2000.0
PERIODICITY_WINDOW_S = 0.1
# Points a sample between which the autocorrelation is interpolated: bright low tones have peaks
# narrower than a sample.
_POINTS_A_SAMPLE = 4

_CLIPS_AT_ONCE = 32  # bounds what is held of spectra: some 50 MB at 16 kHz


def strongest_harmonic_hz(audio: np.ndarray, sample_rate_hz: float) -> np.ndarray:
    """Gives the frequency of the highest peak of each clip's mean magnitude spectrum.

    The spectra are of Hann windows of 0.256 s, half overlapping, or of the whole clip if it is
    shorter. A parabola through the logarithms of the peak and its two neighbours places it between
    the bins. It is no fundamental frequency: the strongest harmonic may be any of a note's.

    Args:
        audio: Float [clips, samples], finite, at least 8 samples.
        sample_rate_hz: Of the audio.

    Returns:
        Hz, float64 [clips]; NaN where a clip is silent or has no peak above 25 Hz.

    Raises:
        ValueError: Wrong shape, non-finite values, or a rate that is not positive.
    """
    audio = _checked(audio, sample_rate_hz)
    window_samples = min(round(SPECTRUM_WINDOW_S * sample_rate_hz), audio.shape[1])
    window = _hann(window_samples)
    size = _power_of_two(_PADDING * window_samples)
    bin_hz = sample_rate_hz / size
    found = []
    for clips in _parts(audio):
        frames = _frames(clips, window_samples) * window
        magnitude = np.abs(np.fft.rfft(frames, size)).mean(axis=1)
        found += [_peak_bin(spectrum, LOWEST_HZ / bin_hz) * bin_hz for spectrum in magnitude]
    return np.array(found, np.float64)


def harmonicity(audio: np.ndarray, sample_rate_hz: float) -> np.ndarray:
    """Gives how periodic each clip is, in [0, 1]: r of r·energy periodic and (1 − r)·energy noise.

    Of windows of 0.1 s, half overlapping, each has the highest peak of its normalised
    autocorrelation at lags of 1/2000 to 1/50 s, divided by that of the Hann window itself
    (Boersma 1993, eq. 9). A clip's value is their mean, weighted by energy. Tones, and sums of
    harmonics, have nearly 1. White noise has about 0.1 at 16 kHz and 0.15 at 8 kHz, for the highest
    of many peaks that should be 0 is above 0.

    Args:
        audio: Float [clips, samples], finite, at least 8 samples.
        sample_rate_hz: Of the audio.

    Returns:
        float64 [clips]; NaN where a clip is silent.

    Raises:
        ValueError: Wrong shape, non-finite values, or a rate that is not positive.
    """
    audio = _checked(audio, sample_rate_hz)
    window_samples = min(round(PERIODICITY_WINDOW_S * sample_rate_hz), audio.shape[1])
    # A lag of more than half the window rests on its faint edges.
    longest = min(sample_rate_hz / LOWEST_PERIODIC_HZ, window_samples / 2.0)
    shortest = min(sample_rate_hz / HIGHEST_PERIODIC_HZ, longest)
    lags = slice(
        max(1, int(shortest * _POINTS_A_SAMPLE)) - 1, int(np.ceil(longest * _POINTS_A_SAMPLE)) + 2
    )
    window = _hann(window_samples)
    # No lag in use wraps around.
    size = _power_of_two(window_samples + int(np.ceil(longest)) + 2)
    of_window = _autocorrelation(window, size)
    of_window = of_window / of_window[0]
    found = []
    for clips in _parts(audio):
        frames = _frames(clips, window_samples)
        frames = (frames - frames.mean(axis=2, keepdims=True)) * window
        correlation = _autocorrelation(frames, size)
        energy = correlation[..., 0]
        scale = np.where(energy > 0.0, energy, 1.0)[..., None]
        curve = correlation[..., lags] / scale / of_window[lags]
        inner = curve[..., 1:-1]
        peaks = (inner >= curve[..., :-2]) & (inner > curve[..., 2:])
        best = np.clip(np.where(peaks, inner, 0.0).max(axis=-1), 0.0, 1.0)
        total = energy.sum(axis=1)
        with np.errstate(invalid="ignore"):
            found.append(np.where(total > 0.0, (best * energy).sum(axis=1) / total, np.nan))
    return np.concatenate(found)


def harmonics_to_noise_db(harmonicity: float) -> float:
    """Gives the ratio of periodic to other energy, 10·log10(r / (1 − r)) dB (Boersma 1993, eq. 4).

    Args:
        harmonicity: r, in (0, 1).

    Raises:
        ValueError: It is out of range: pure noise and pure tones have no finite ratio.
    """
    if not 0.0 < harmonicity < 1.0:
        raise ValueError(f"harmonicity must lie in (0, 1); received {harmonicity}.")
    return float(10.0 * np.log10(harmonicity / (1.0 - harmonicity)))


def semitones(hz: np.ndarray, reference_hz: np.ndarray) -> np.ndarray:
    """Gives how many semitones frequencies lie above others, 12·log2(hz / reference_hz).

    Args:
        hz: Positive, or NaN.
        reference_hz: Likewise; of a shape that goes with it.

    Returns:
        float64; negative below, NaN where either is NaN.
    """
    return 12.0 * np.log2(np.asarray(hz, np.float64) / np.asarray(reference_hz, np.float64))


def _peak_bin(spectrum: np.ndarray, lowest: float) -> float:
    """Place of the highest local maximum at `lowest` bins or more; NaN where there is none."""
    inner = spectrum[1:-1]
    peaks = (inner > spectrum[:-2]) & (inner >= spectrum[2:])
    peaks &= np.arange(1, len(spectrum) - 1) >= lowest
    if not peaks.any():
        return np.nan
    at = 1 + int(np.where(peaks, inner, 0.0).argmax())
    floor = np.finfo(np.float64).tiny
    below, here, above = np.log(np.maximum(spectrum[at - 1 : at + 2], floor))
    return at + 0.5 * (below - above) / (below - 2.0 * here + above)


def _autocorrelation(frames: np.ndarray, size: int) -> np.ndarray:
    """Autocorrelation at `_POINTS_A_SAMPLE` lags a sample, exact between samples (sinc)."""
    power = np.square(np.abs(np.fft.rfft(frames, size)))
    power[..., -1] *= 0.5  # Nyquist's bin stands for both its sides in the longer transform
    return np.fft.irfft(power, size * _POINTS_A_SAMPLE) * _POINTS_A_SAMPLE


def _frames(clips: np.ndarray, window_samples: int) -> np.ndarray:
    """Half overlapping windows, [clips, windows, window_samples]; a rest at the end is left out."""
    windows = np.lib.stride_tricks.sliding_window_view(clips, window_samples, axis=1)
    return windows[:, :: max(1, window_samples // 2)]


def _hann(samples: int) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(samples) + 0.5) / samples)


def _power_of_two(least: float) -> int:
    return 1 << int(np.ceil(np.log2(least)))


def _parts(audio: np.ndarray) -> Iterator[np.ndarray]:
    """Some clips at a time, float64 and without their mean."""
    for start in range(0, len(audio), _CLIPS_AT_ONCE):
        clips = audio[start : start + _CLIPS_AT_ONCE].astype(np.float64)
        # A constant clip is silent, and rounding of its mean no sound.
        still = np.ptp(clips, axis=1, keepdims=True) == 0.0
        yield np.where(still, 0.0, clips - clips.mean(axis=1, keepdims=True))


def _checked(audio: np.ndarray, sample_rate_hz: float) -> np.ndarray:
    audio = np.asarray(audio)
    if audio.ndim != 2 or audio.shape[1] < 8 or not len(audio):
        raise ValueError(
            f"audio must be [clips, 8 or more samples], at least one; received {audio.shape}."
        )
    if not np.issubdtype(audio.dtype, np.floating):
        raise ValueError(f"audio must be floating-point; received {audio.dtype} values.")
    if not np.all(np.isfinite(audio)):
        raise ValueError(f"audio must be finite; {np.sum(~np.isfinite(audio))} values are not.")
    if not sample_rate_hz > 0.0:
        raise ValueError(f"sample_rate_hz must be positive; received {sample_rate_hz}.")
    return audio
