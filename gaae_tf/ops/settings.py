"""What the signal path can be asked for: windows and transforms, scalings, vocoders. NumPy alone.

Source: METHOD section 5, paper IV-B.
"""

from __future__ import annotations

import dataclasses

import numpy as np

WINDOWS = ("hamming", "hann", "blackman", "gauss")
SCALINGS = ("dataset_peak", "clip_peak", "standardised", "per_bin")
VOCODERS = ("pghi", "pghi_fgla", "griffin_lim")

# Cosine series a0 - a1 cos + a2 cos, and PGHI's C_g with γ = C_g window_samples²: METHOD section 5.
_COSINES = {"hamming": (0.54, 0.46, 0.0), "hann": (0.5, 0.5, 0.0), "blackman": (0.42, 0.5, 0.08)}
_LARGEST_FFT = 2**20  # more is a broken file's, and its window alone would fill the memory
_GAMMA_FACTOR = {"hamming": 0.29794, "hann": 0.25645, "blackman": 0.17954}


@dataclasses.dataclass(frozen=True)
class StftSettings:
    """Window, hop and transform length of a circular STFT; the defaults are the paper's.

    Attributes:
        window: one of `WINDOWS`; "gauss" is the Gaussian that PGHI is exact for, truncated.
        window_samples: length of the window, even, at most `fft_size`.
        hop_samples: samples between frames, at most `window_samples`.
        fft_size: length of the transform, even, at most 2^20; shorter windows are zero-padded to
            it.

    Raises:
        ValueError: a field is out of range, or no dual window exists.
    """

    window: str = "hamming"
    window_samples: int = 512
    hop_samples: int = 128
    fft_size: int = 512

    def __post_init__(self):
        if self.window not in _COSINES and self.window != "gauss":
            raise ValueError(f"window must be one of {', '.join(WINDOWS)}, not {self.window!r}")
        for name in ("window_samples", "hop_samples", "fft_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, not {value!r}")
        for name in ("window_samples", "fft_size"):
            if getattr(self, name) % 2:
                raise ValueError(f"{name} must be even, not {getattr(self, name)}")
        if self.fft_size > _LARGEST_FFT:
            raise ValueError(f"fft_size must be at most {_LARGEST_FFT}, not {self.fft_size}")
        if self.window_samples > self.fft_size:
            raise ValueError(
                f"window_samples must be at most fft_size ({self.fft_size}), "
                f"not {self.window_samples}"
            )
        if self.hop_samples > self.window_samples:
            raise ValueError(
                f"hop_samples must be at most window_samples ({self.window_samples}), "
                f"not {self.hop_samples}"
            )
        energy = _overlapped_energy(self)
        if energy.min() < 1e-4 * energy.max():
            raise ValueError(
                f"hop_samples={self.hop_samples} leaves gaps between {self.window} windows of "
                f"{self.window_samples} samples, so the transform has no inverse; "
                f"{self.window_samples // 4} would do"
            )

    @property
    def bins(self) -> int:
        """Frequency bins of a network's spectrogram: `fft_size / 2`, the Nyquist bin dropped."""
        return self.fft_size // 2

    @property
    def gamma(self) -> float:
        """γ in samples² of the Gaussian exp(-π t² / γ) nearest to the window: PGHI's constant."""
        if self.window == "gauss":
            return float(self.hop_samples * self.fft_size)
        return _GAMMA_FACTOR[self.window] * self.window_samples**2

    def frames(self, samples: int) -> int:
        """Frames of a clip of `samples` samples.

        Raises:
            ValueError: `samples` is not a positive multiple of `hop_samples`.
        """
        if samples < 1 or samples % self.hop_samples:
            raise ValueError(
                f"samples must be a positive multiple of hop_samples ({self.hop_samples}), "
                f"not {samples}"
            )
        return samples // self.hop_samples


def analysis_window(settings: StftSettings) -> np.ndarray:
    """Periodic analysis window, float64 [window_samples], its peak of 1 at window_samples / 2."""
    position = np.arange(settings.window_samples)
    if settings.window == "gauss":
        return np.exp(-np.pi * (position - settings.window_samples // 2) ** 2 / settings.gamma)
    angle = 2.0 * np.pi * position / settings.window_samples
    a0, a1, a2 = _COSINES[settings.window]
    return a0 - a1 * np.cos(angle) + a2 * np.cos(2.0 * angle)


def dual_window(settings: StftSettings) -> np.ndarray:
    """Canonical dual of the analysis window, float64 [window_samples].

    Overlap-adding the inverse-transformed frames times this window gives the signal back; since
    the window fits in `fft_size`, it is the window over the energy of all its overlaps.
    """
    energy = np.resize(_overlapped_energy(settings), settings.window_samples)
    return analysis_window(settings) / energy


def _overlapped_energy(settings: StftSettings) -> np.ndarray:
    """Sum over all frames of the squared window at each sample; it repeats every hop."""
    energy = analysis_window(settings) ** 2
    padded = np.pad(energy, (0, -settings.window_samples % settings.hop_samples))
    return padded.reshape(-1, settings.hop_samples).sum(axis=0)
