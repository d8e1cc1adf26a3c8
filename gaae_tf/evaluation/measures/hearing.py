"""What is heard of sounds: pitch, periodicity and mean spectra, and figures of the first two."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gaae_tf.data.pipeline import evaluation_batches
from gaae_tf.metrics.pitch import (
    harmonicity,
    harmonics_to_noise_db,
    semitones,
    strongest_harmonic_hz,
)
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.scores.figure import absent, share, spread

# Whose harmonicity is measured: 3 ms of a core for a second of sound at 16 kHz.
MOST_SOUNDS = 2_000
_PITCH_RULE = (
    "share of clips whose strongest harmonic lies within one semitone of the real clip's; real "
    "clips without one, such as silent ones, are left out"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Heard:
    """What is heard of each clip.

    Attributes:
        strongest_hz: of the strongest harmonic, float64 [clips]; NaN where there is none.
        spectra: as `mean_spectra` gives them, float32 [clips, 2 * bins].
    """

    strongest_hz: np.ndarray
    spectra: np.ndarray

    def subset(self, indices: np.ndarray) -> Heard:
        """What is heard of the clips at `indices`, in that order."""
        return Heard(self.strongest_hz[indices], self.spectra[indices])


def heard(audio: np.ndarray, sample_rate_hz: float, path: SignalPath) -> Heard:
    """Listens to clips.

    Args:
        audio: float32 [clips, samples] in [-1, 1].
        sample_rate_hz: of it.
        path: whose spectrograms give the spectra.
    """
    return Heard(strongest_harmonic_hz(audio, sample_rate_hz), mean_spectra(audio, path))


def mean_spectra(audio: np.ndarray, path: SignalPath) -> np.ndarray:
    """Means and deviations over frames of clips' spectrograms, float32 [clips, 2 * bins]."""
    spectrograms = path.spectrogram(audio).numpy()[..., 0]
    return np.concatenate([spectrograms.mean(axis=2), spectrograms.std(axis=2)], axis=1)


def joined(parts: list[Heard]) -> Heard:
    """What is heard of the clips of all parts, one after another; of one part at least."""
    return Heard(
        np.concatenate([part.strongest_hz for part in parts]),
        np.concatenate([part.spectra for part in parts]),
    )


def within_a_semitone(hz: np.ndarray, real_hz: np.ndarray) -> dict[str, Any]:
    """Figure of how often the strongest harmonic is that of the real clip.

    Args:
        hz: strongest harmonics, [clips]; NaN counts as another.
        real_hz: of the real clips, [clips]; where it is NaN, the clip is left out.

    Returns:
        `value` with `interval_95` (Wilson) and `clips`, or `value` None and a `reason`.
    """
    known = ~np.isnan(real_hz)
    if not known.any():
        return absent("no real test clip has a strongest harmonic")
    right = np.abs(semitones(hz[known], real_hz[known])) <= 1.0  # NaN is not
    return share(right) | {"rule": _PITCH_RULE}


def harmonicity_of_clips(audio: np.ndarray, sample_rate_hz: float) -> dict[str, Any]:
    """Figure of how periodic int16 clips [clips, samples] are, of `MOST_SOUNDS` at most."""
    return harmonicity_figure(
        np.concatenate(
            [
                harmonicity(batch, sample_rate_hz)
                for batch in evaluation_batches(audio[:MOST_SOUNDS], 64)
            ]
        )
    )


def harmonicity_figure(values: np.ndarray) -> dict[str, Any]:
    """Mean over clips of what `metrics.pitch.harmonicity` gave, [clips], NaN where silent.

    Returns:
        `value` with `deviation`, `standard_error`, `clips` and, where it has one, its
        `harmonics_to_noise_db`; `silent` clips are left out. Or `value` None and a `reason`.
    """
    sounding = values[~np.isnan(values)]
    known = {"clips": len(sounding), "silent": len(values) - len(sounding)}
    if not len(sounding):
        return absent("every clip is silent", **known)
    mean, several = float(sounding.mean()), len(sounding) > 1
    error = float(sounding.std(ddof=1) / np.sqrt(len(sounding))) if several else None
    over = "standard deviation over the clips"
    figure = spread(mean, float(sounding.std()), over, standard_error=error)
    if 0.0 < mean < 1.0:
        figure["harmonics_to_noise_db"] = harmonics_to_noise_db(mean)
    rule = (
        "mean over frames, weighted by energy, of the highest peak of the normalised "
        "autocorrelation at lags of 0.5 to 20 ms; 1 is periodic, white noise has 0.1 to 0.2"
    )
    return figure | known | {"rule": rule}
