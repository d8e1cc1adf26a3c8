"""How much of real test clips their reconstructions keep: error, magnitudes, pitch, periodicity."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from gaae_tf.data.pipeline import evaluation_batches
from gaae_tf.data.progress import Progress
from gaae_tf.data.shards import Dataset
from gaae_tf.evaluation.encoded import Encoded
from gaae_tf.evaluation.measures.hearing import (
    Heard,
    harmonicity_figure,
    heard,
    joined,
    within_a_semitone,
)
from gaae_tf.metrics.pitch import harmonicity, strongest_harmonic_hz
from gaae_tf.ops.griffin_lim import spectral_convergence_db
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.ops.stft import stft
from gaae_tf.scores.figure import absent, spread

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context

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

    Spectrograms are float32 [clips, bins, frames, 1] in [-1, 1].
    """

    sample_rate_hz: int
    signal_path: SignalPath

    def decode(self, codes: Mapping[str, np.ndarray]) -> np.ndarray:
        """Gives spectrograms decoded from codes and the class that these predict."""

    def to_audio(self, spectrograms: np.ndarray) -> np.ndarray:
        """Gives the vocoder's sound of spectrograms, float32 [clips, clip_samples] in [-1, 1]."""


def applies(context: Context) -> bool:
    """The run makes recordings again from their codes."""
    return context.can("reconstruct")


def phase(context: Context) -> str:
    """What is done."""
    return "reconstructions of test clips"


def measure(context: Context) -> dict[str, Any]:
    """Figures of the test clips of the run's own data set, as `reconstruction`."""
    dataset, audio = context.dataset, context.own_test.audio
    figures, context.heard = reconstruction(
        context.run, audio, context.encoded_test(dataset), dataset, dataset_path(dataset)
    )
    context.phases.count(len(audio))
    return {"reconstruction": figures}


def dataset_path(dataset: Dataset) -> SignalPath:
    """The transform that a data set was prepared with, whatever a run's own is."""
    return SignalPath(dataset.stft, LogMagnitudeScaling(statistics=dataset.statistics))


def reconstruction(
    run: Autoencoder, test: np.ndarray, encoded: Encoded, dataset: Dataset, path: SignalPath
) -> tuple[dict[str, Any], Heard | None]:
    """Measures reconstructions of test clips, each made once.

    Args:
        run: what reconstructs.
        test: int16 [clips, clip_samples].
        encoded: the clips' codes.
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
        reason = f"{dataset.path} has no test clip"
        figures = {name: absent(reason, unit=unit) for name, unit in _UNITS.items()}
        return figures | {name: absent(reason) for name in _HEARD} | {"test_clips": 0}, None
    shown = Progress(len(test), "clips reconstructed")
    batches = []
    for number, audio in enumerate(evaluation_batches(test, _BATCH)):
        rows = slice(number * _BATCH, number * _BATCH + len(audio))
        batches.append(_batch(run, audio, encoded.subset(rows).codes, path))
        shown.step(len(audio))
    shown.close()
    sounds = joined([batch.heard for batch in batches])

    def of_all(name: str) -> np.ndarray:
        return np.concatenate([getattr(batch, name) for batch in batches])

    result = {name: _mean(of_all(name), unit) for name, unit in _UNITS.items()}
    heard_figures = (
        within_a_semitone(sounds.strongest_hz, of_all("real_hz")),
        within_a_semitone(of_all("vocoded_hz"), of_all("real_hz")),
        harmonicity_figure(of_all("harmonicity")),
    )
    result |= dict(zip(_HEARD, heard_figures, strict=True))
    return result | {"test_clips": len(test)}, sounds


@dataclasses.dataclass(frozen=True, eq=False)
class _Batch:
    """What was measured of each clip of a batch, float [clips], and what is heard of its sounds."""

    mse: np.ndarray
    spectral_convergence_db: np.ndarray
    harmonicity: np.ndarray
    real_hz: np.ndarray
    vocoded_hz: np.ndarray
    heard: Heard


def _batch(
    run: Autoencoder, audio: np.ndarray, codes: Mapping[str, np.ndarray], path: SignalPath
) -> _Batch:
    settings, rate_hz = run.signal_path.stft, run.sample_rate_hz
    spectrograms = run.signal_path.spectrogram(audio).numpy()
    decoded = np.asarray(run.decode(codes))
    mse = np.mean((decoded.astype(np.float64) - spectrograms) ** 2, axis=(1, 2, 3))
    magnitude = tf.abs(stft(audio, settings)).numpy()
    sound = np.asarray(run.to_audio(decoded))
    convergence_db = spectral_convergence_db(sound, magnitude, settings)
    if not (np.isfinite(mse).all() and np.isfinite(convergence_db).all()):
        raise ValueError("The run's reconstructions of test clips are not finite; train it anew.")
    return _Batch(
        mse,
        convergence_db,
        harmonicity(sound, rate_hz),
        strongest_harmonic_hz(audio, rate_hz),
        strongest_harmonic_hz(np.asarray(run.to_audio(spectrograms)), rate_hz),
        heard(sound, rate_hz, path),
    )


def _mean(values: np.ndarray, unit: str) -> dict[str, Any]:
    several = len(values) > 1
    return spread(
        float(values.mean()),
        float(values.std()),
        "standard deviation over the test clips",
        standard_error=float(values.std(ddof=1) / np.sqrt(len(values))) if several else None,
        unit=unit,
    )
