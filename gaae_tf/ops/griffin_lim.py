"""Griffin-Lim and its fast variant: from STFT magnitudes to sound by alternating projections.

Griffin and Lim, "Signal estimation from modified short-time Fourier transform", 1984; Perraudin,
Balazs and Søndergaard, "A fast Griffin-Lim algorithm", 2013. Graph operations throughout, so that
they travel in a SavedModel.
"""

import numpy as np
import tensorflow as tf

from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.stft import inverse_stft_frames, stft, stft_frames

_TINY = 1e-20  # keeps the phase of an exact zero defined


def griffin_lim(
    magnitude: tf.Tensor,
    settings: StftSettings,
    phase: tf.Tensor,
    iterations: int,
    momentum: float = 0.99,
) -> tf.Tensor:
    """Sound whose STFT magnitudes come near the given ones.

    Args:
        magnitude: float32 [batch, fft_size // 2 + 1, frames], not negative.
        settings: the transform that `magnitude` belongs to.
        phase: where to start, radians, same shape as `magnitude` (from `pghi`, say), counted from
            the window's left edge as `stft` does.
        iterations: projections; 0 inverts the starting phase as it is. May be a scalar tensor.
        momentum: α of the fast variant, below 1 for convergence; 0 is the classic algorithm.

    Returns:
        float32 audio [batch, frames * hop_samples].

    Raises:
        ValueError: `iterations` or `momentum` is negative, or the bins do not fit `fft_size`.
    """
    magnitude = tf.convert_to_tensor(magnitude)
    bins = settings.fft_size // 2 + 1
    if magnitude.shape.rank != 3 or magnitude.shape[1] not in {None, bins}:
        raise ValueError(f"magnitude must be [batch, {bins}, frames], not {magnitude.shape}")
    if not tf.is_tensor(iterations) and iterations < 0:
        raise ValueError(f"iterations must be 0 or more, not {iterations!r}")
    if momentum < 0.0:
        raise ValueError(f"momentum must be 0 or more, not {momentum!r}")
    magnitude = tf.linalg.matrix_transpose(tf.cast(magnitude, tf.float32))
    phase = tf.linalg.matrix_transpose(tf.cast(phase, tf.float32))
    start = tf.complex(magnitude * tf.cos(phase), magnitude * tf.sin(phase))

    def with_magnitude(spectrum):
        gain = magnitude / tf.maximum(tf.abs(spectrum), _TINY)
        return spectrum * tf.cast(gain, spectrum.dtype)

    def project(step, accelerated, consistent):
        audio = inverse_stft_frames(with_magnitude(accelerated), settings)
        nearer = tf.ensure_shape(stft_frames(audio, settings), consistent.shape)
        # Perraudin et al., algorithm 2: t_n = c_n + α (c_n - c_{n-1}).
        return step + 1, nearer + momentum * (nearer - consistent), nearer

    _, accelerated, _ = tf.while_loop(
        lambda step, *_: step < iterations,
        project,
        (tf.constant(0), start, start),
        parallel_iterations=1,
    )
    return inverse_stft_frames(with_magnitude(accelerated), settings)


def spectral_convergence_db(
    audio: np.ndarray, magnitude: np.ndarray, settings: StftSettings
) -> np.ndarray:
    """How far a sound's STFT magnitudes are from given ones: 20 log10(‖|STFT(y)| - S‖ / ‖S‖).

    Args:
        audio: float32 [batch, samples].
        magnitude: [batch, fft_size // 2 + 1, frames], S.
        settings: the transform.

    Returns:
        float64 [batch], dB; 0 for silence in place of sound, lower is better, NaN where S is all
        zero.
    """
    difference = tf.abs(stft(audio, settings)).numpy() - np.asarray(magnitude)
    error = np.linalg.norm(difference.reshape(len(difference), -1).astype(np.float64), axis=1)
    size = np.linalg.norm(np.asarray(magnitude, np.float64).reshape(len(error), -1), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 20.0 * np.log10(error / size)
