"""Circular short-time Fourier transform and its exact inverse (METHOD section 5, paper IV-B).

The transform wraps around the clip's end, so `samples` samples give exactly
`samples // hop_samples` frames and the dual window inverts it without an edge.

Phase convention: a frame's phase counts from the window's *left edge*, which lies
`window_samples / 2` samples before the frame's centre (that of `tf.signal`).
"""

import tensorflow as tf

from gaae_tf.ops.settings import StftSettings, analysis_window, dual_window


def stft(audio: tf.Tensor, settings: StftSettings) -> tf.Tensor:
    """Circular STFT, frame n centred at sample n * hop_samples.

    Args:
        audio: float32 [..., samples], samples a multiple of `hop_samples`. float64 works too and
            gives complex128.
        settings: the transform.

    Returns:
        complex64 [..., fft_size // 2 + 1, frames].

    Raises:
        ValueError: the length is known and no multiple of `hop_samples`
            (tf.errors.InvalidArgumentError where it is known only at run time).
    """
    return tf.linalg.matrix_transpose(stft_frames(audio, settings))


def inverse_stft(spectrum: tf.Tensor, settings: StftSettings) -> tf.Tensor:
    """Exact inverse of `stft`; the least-squares signal where no signal has that spectrum.

    Args:
        spectrum: complex64 (or complex128) [..., fft_size // 2 + 1, frames].
        settings: the transform.

    Returns:
        float32 (or float64) audio [..., frames * hop_samples].

    Raises:
        ValueError: the bins do not fit `fft_size`.
    """
    spectrum = tf.convert_to_tensor(spectrum)
    bins = settings.fft_size // 2 + 1
    if spectrum.shape[-2] not in {None, bins}:
        raise ValueError(f"spectrum must be [..., {bins}, frames], not {spectrum.shape}")
    return inverse_stft_frames(tf.linalg.matrix_transpose(spectrum), settings)


def stft_frames(audio: tf.Tensor, settings: StftSettings) -> tf.Tensor:
    """`stft` in the order that it is computed in, [..., frames, bins], which spares a transpose."""
    audio = tf.convert_to_tensor(audio)
    samples = audio.shape[-1]
    if samples is not None:
        settings.frames(samples)  # raises
    else:
        samples = tf.shape(audio)[-1]
        tf.debugging.assert_equal(
            samples % settings.hop_samples,
            0,
            f"samples must be a multiple of hop_samples ({settings.hop_samples})",
        )
    # Where hops are longer than half a window, the last frame ends inside the clip: no tail.
    before = settings.window_samples // 2
    after = max(settings.window_samples // 2 - settings.hop_samples, 0)
    head = tf.gather(audio, tf.range(-before, 0) % samples, axis=-1)
    tail = tf.gather(audio, tf.range(after) % samples, axis=-1)
    frames = tf.signal.frame(
        tf.concat([head, audio, tail], axis=-1), settings.window_samples, settings.hop_samples
    )
    window = tf.constant(analysis_window(settings), audio.dtype)
    return tf.signal.rfft(frames * window, [settings.fft_size])


def inverse_stft_frames(frames: tf.Tensor, settings: StftSettings) -> tf.Tensor:
    """`inverse_stft` of a spectrum in the order of `stft_frames`, [..., frames, bins]."""
    pieces = tf.signal.irfft(frames, [settings.fft_size])[..., : settings.window_samples]
    pieces *= tf.constant(dual_window(settings), pieces.dtype)
    line = tf.signal.overlap_and_add(pieces, settings.hop_samples)
    # The line starts half a window before the clip and ends after it. Wrap it around: whole clips,
    # one below the other, summed.
    count, length = frames.shape[-2], line.shape[-1]
    samples = (tf.shape(frames)[-2] if count is None else count) * settings.hop_samples
    length = tf.shape(line)[-1] if length is None else length
    before = -(settings.window_samples // 2) % samples
    after = -(before + length) % samples
    paddings = [[0, 0]] * (line.shape.rank - 1) + [[before, after]]
    leading = tf.shape(line)[:-1]
    clips = tf.reshape(tf.pad(line, paddings), tf.concat([leading, [-1, samples]], axis=0))
    audio = tf.reduce_sum(clips, axis=-2)
    audio.set_shape([*frames.shape[:-2], None if count is None else samples])
    return audio
