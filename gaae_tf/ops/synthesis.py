"""Seeds to style codes, and spectrograms to sound: the one place that knows the vocoder.

Every sound depends on its own spectrogram and the seed alone, never on its neighbours in a batch.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from gaae_tf.ops.griffin_lim import griffin_lim
from gaae_tf.ops.pghi import pghi
from gaae_tf.ops.settings import VOCODERS, StftSettings
from gaae_tf.ops.signal_path import SignalPath

PRIORS = ("normal", "uniform", "truncated_normal")

_TRUNCATED_AT = 2.5  # of "truncated_normal", TiFGAN's
_FAST_MOMENTUM = 0.99  # of fast Griffin-Lim, METHOD §5
_CLIPS_AT_ONCE = 16  # bounds what Griffin-Lim holds: some 20 MB a clip at the paper's size
_STYLE_STREAM = (
    0x5354594C45  # keeps codes apart from the noise of training, drawn from small numbers
)

_griffin_lim = tf.function(griffin_lim, autograph=False, reduce_retracing=True)


def to_audio(
    spectrograms: np.ndarray,
    signal_path: SignalPath,
    vocoder: str = "pghi_fgla",
    refine: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Sound of spectrograms, a few clips at a time.

    Args:
        spectrograms: float32 [clips, bins, frames, 1] in [-1, 1].
        signal_path: the one that they belong to.
        vocoder: as in `vocode`.
        refine: as in `vocode`.
        seed: as in `vocode`.

    Returns:
        float32 [clips, frames * hop_samples].

    Raises:
        ValueError: the shape does not fit, or as in `vocode`.
    """
    spectrograms = np.asarray(spectrograms)
    bins = signal_path.stft.bins
    if spectrograms.ndim != 4 or spectrograms.shape[1] != bins or spectrograms.shape[3] != 1:
        raise ValueError(
            f"spectrograms must be [clips, {bins}, frames, 1], got {spectrograms.shape}"
        )
    if not len(spectrograms):
        raise ValueError("spectrograms must hold at least one clip, got none")
    return np.concatenate(
        [
            vocode(
                signal_path.magnitude(spectrograms[start : start + _CLIPS_AT_ONCE]).numpy(),
                signal_path.stft,
                vocoder,
                refine,
                seed,
            )
            for start in range(0, len(spectrograms), _CLIPS_AT_ONCE)
        ]
    )


def vocode(
    magnitude: np.ndarray,
    settings: StftSettings,
    vocoder: str = "pghi_fgla",
    refine: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Sound of STFT magnitudes, all clips at once.

    Args:
        magnitude: float [clips, fft_size // 2 + 1, frames], finite, not negative.
        settings: the transform that they belong to.
        vocoder: "pghi" (`refine` has no effect); "pghi_fgla", PGHI and then `refine` iterations of
            fast Griffin-Lim; "griffin_lim", `refine` iterations of the classic algorithm from
            random phase.
        refine: iterations; None means 32 after PGHI, 100 from random phase.
        seed: of random phase, in [0, 2⁶³).

    Returns:
        float32 [clips, frames * hop_samples].

    Raises:
        ValueError: an argument is out of range, or a magnitude negative or not finite.
    """
    refine = iterations(vocoder, refine)
    check_seed(seed)
    if vocoder == "griffin_lim":
        phase = np.broadcast_to(
            random_phase(settings, magnitude.shape[-1], seed).numpy(), magnitude.shape
        )
    else:
        phase = pghi(magnitude, settings, seed)
    momentum = _FAST_MOMENTUM if vocoder == "pghi_fgla" else 0.0
    return _griffin_lim(magnitude, settings, phase, refine, momentum).numpy()


def iterations(vocoder: str, refine: int | None) -> int:
    """Iterations of Griffin-Lim that a vocoder makes.

    Raises:
        ValueError: there is no such vocoder, or `refine` is negative.
    """
    if vocoder not in VOCODERS:
        raise ValueError(f"vocoder must be one of {', '.join(VOCODERS)}, got {vocoder!r}")
    if refine is not None and refine < 0:
        raise ValueError(f"refine must be 0 or more, got {refine!r}")
    if vocoder == "pghi":
        return 0
    if refine is None:
        return 100 if vocoder == "griffin_lim" else 32
    return refine


def graph_to_audio(
    spectrograms: tf.Tensor, signal_path: SignalPath, refine: int, seed
) -> tf.Tensor:
    """Sound of spectrograms in graph operations alone: fast Griffin-Lim from random phase.

    What a SavedModel can hold; `to_audio` starts from PGHI and is better.

    Args:
        spectrograms: float32 [clips, bins, frames, 1] in [-1, 1], frames known.
        signal_path: the one that they belong to.
        refine: iterations.
        seed: of the random phase, int64 scalar.

    Returns:
        float32 [clips, frames * hop_samples].
    """
    magnitude = signal_path.magnitude(spectrograms)
    phase = random_phase(signal_path.stft, magnitude.shape[-1], seed)
    phase = tf.broadcast_to(phase, tf.shape(magnitude))
    return griffin_lim(magnitude, signal_path.stft, phase, refine, _FAST_MOMENTUM)


def random_phase(settings: StftSettings, frames: int, seed) -> tf.Tensor:
    """Uniform phase for any clip, float32 [1, fft_size // 2 + 1, frames] in [0, 2π)."""
    key = tf.stack([tf.cast(seed, tf.int64), tf.constant(0, tf.int64)])
    shape = [1, settings.fft_size // 2 + 1, frames]
    return tf.random.stateless_uniform(shape, key, maxval=2.0 * math.pi, alg="philox")


def style_codes(seed, indices: tf.Tensor, style_dim: int, prior: str = "normal") -> tf.Tensor:
    """Style codes z′, each a function of (seed, index) alone. Graph operations.

    Args:
        seed: int64 scalar.
        indices: int64 [n], which samples of the seed.
        style_dim: length of a code.
        prior: "normal", N(0, I); "uniform", U(-1, 1) in every dimension; or "truncated_normal",
            N(0, 1) in every dimension, given that it is within ±2.5.

    Returns:
        float32 [n, style_dim].

    Raises:
        ValueError: there is no such prior.
    """
    if prior not in PRIORS:
        raise ValueError(f"prior must be one of {', '.join(PRIORS)}, got {prior!r}")
    fold_in = tf.random.experimental.stateless_fold_in
    key = tf.stack([tf.cast(seed, tf.int64), tf.constant(_STYLE_STREAM, tf.int64)])
    return tf.map_fn(
        lambda index: _code(prior, style_dim, fold_in(key, index, alg="philox")),
        tf.cast(indices, tf.int64),
        fn_output_signature=tf.TensorSpec([style_dim], tf.float32),
    )


def _code(prior, style_dim, key):
    if prior == "uniform":
        return tf.random.stateless_uniform([style_dim], key, -1.0, 1.0, alg="philox")
    if prior == "truncated_normal":
        below = tf.constant(0.5 * math.erfc(_TRUNCATED_AT / math.sqrt(2.0)))  # Φ(-2.5)
        share = tf.random.stateless_uniform([style_dim], key, alg="philox")
        return tf.math.ndtri(below + share * (1.0 - 2.0 * below))
    return tf.random.stateless_normal([style_dim], key, alg="philox")


def check_seed(seed: int) -> None:
    """Raises ValueError unless `seed` is an integer in [0, 2⁶³)."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise ValueError(f"seed must be an integer from 0 to 2^63 - 1, got {seed!r}")
