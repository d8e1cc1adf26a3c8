"""How much of real test clips their reconstructions keep: error, magnitudes, pitch, periodicity."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from gaae_tf.data.pipeline import evaluation_batches
from gaae_tf.data.shards import Dataset
from gaae_tf.evaluation.measures.hearing import (
    Heard,
    harmonicity_figure,
    heard,
    joined,
    within_a_semitone,
)
from gaae_tf.metrics.pitch import harmonicity, strongest_harmonic_hz
from gaae_tf.ops.griffin_lim import spectral_convergence_db
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.ops.stft import stft

_BATCH = 64
_UNITS = {
    "mse": "squared units of spectrograms in [-1, 1], decoded against real test",
    "spectral_convergence_db": (
        "dB, STFT magnitudes of the reconstructed sound against the real clip's"
    ),
}
_HEARD = ("pitch_within_a_semitone", "pitch_within_a_semitone_of_vocoder", "harmonicity")


class Autoencoder(Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it.

    Audio is float32 [clips, clip_samples] in [-1, 1]; spectrograms are float32
    [clips, bins, frames, 1] in [-1, 1].
    """

    sample_rate_hz: int
    signal_path: SignalPath

    def reconstruct_spectrograms(self, spectrograms: np.ndarray) -> np.ndarray:
        """Gives decoded codes of spectrograms."""

    def reconstruct(self, audio: np.ndarray) -> np.ndarray:
        """Gives the sound of decoded codes of audio."""

    def to_audio(self, spectrograms: np.ndarray) -> np.ndarray:
        """Gives the vocoder's sound of spectrograms."""


def reconstruction(
    run: Autoencoder, test: np.ndarray, dataset: Dataset, path: SignalPath
) -> tuple[dict[str, Any], Heard | None]:
    """Measures reconstructions of test clips, each made once.

    Args:
        run: what reconstructs.
        test: int16 [clips, clip_samples].
        dataset: which they are from.
        path: whose spectrograms give the spectra that are heard.

    Returns:
        Figures by name, and `test_clips`; and what is heard of the reconstructions, None without
        clips. `pitch_within_a_semitone_of_vocoder` is of the real clips' own spectrograms through
        the vocoder: no reconstruction is to be expected above it.

    Raises:
        ValueError: reconstructions are not finite.
    """
    if not len(test):
        nothing = {"value": None, "reason": f"{dataset.path} has no test clip"}
        figures = {name: nothing | {"unit": unit} for name, unit in _UNITS.items()}
        return figures | {name: dict(nothing) for name in _HEARD} | {"test_clips": 0}, None
    errors: dict[str, list[np.ndarray]] = {name: [] for name in _UNITS}
    sounds, real_hz, vocoded_hz, periodic = [], [], [], []
    settings, rate_hz = run.signal_path.stft, run.sample_rate_hz
    for audio in evaluation_batches(test, _BATCH):
        spectrograms = run.signal_path.spectrogram(audio).numpy()
        decoded = np.asarray(run.reconstruct_spectrograms(spectrograms), np.float64)
        errors["mse"].append(np.mean((decoded - spectrograms) ** 2, axis=(1, 2, 3)))
        magnitude = tf.abs(stft(audio, settings)).numpy()
        sound = np.asarray(run.reconstruct(audio))
        convergence_db = spectral_convergence_db(sound, magnitude, settings)
        errors["spectral_convergence_db"].append(convergence_db)
        if not all(np.isfinite(values[-1]).all() for values in errors.values()):
            raise ValueError(
                "The run's reconstructions of test clips are not finite; train it anew."
            )
        sounds.append(heard(sound, rate_hz, path))
        periodic.append(harmonicity(sound, rate_hz))
        real_hz.append(strongest_harmonic_hz(audio, rate_hz))
        vocoded_hz.append(strongest_harmonic_hz(np.asarray(run.to_audio(spectrograms)), rate_hz))
    result = {name: _mean(np.concatenate(errors[name]), unit) for name, unit in _UNITS.items()}
    of_sounds, real = joined(sounds), np.concatenate(real_hz)
    heard_figures = (
        within_a_semitone(of_sounds.strongest_hz, real),
        within_a_semitone(np.concatenate(vocoded_hz), real),
        harmonicity_figure(np.concatenate(periodic)),
    )
    result |= dict(zip(_HEARD, heard_figures, strict=True))
    return result | {"test_clips": len(test)}, of_sounds


def _mean(values: np.ndarray, unit: str) -> dict[str, Any]:
    several = len(values) > 1
    return {
        "value": float(values.mean()),
        "deviation": float(values.std()),
        "deviation_is": "standard deviation over the test clips",
        "standard_error": float(values.std(ddof=1) / np.sqrt(len(values))) if several else None,
        "unit": unit,
    }
