"""Recordings rebuilt from their STFT magnitudes alone; `commands.resynthesize` is the command."""

import sys
from pathlib import Path

import numpy as np
import soundfile as sf
import tensorflow as tf

from gaae_tf.data.audio import BadAudio, decode_whole
from gaae_tf.files import written_whole
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.stft import stft
from gaae_tf.ops.synthesis import iterations, vocode

# Subtypes that any rate and length fit in without loss; others become the format's own default.
_PLAIN_SUBTYPES = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")


def resynthesize(
    audio: np.ndarray,
    settings: StftSettings,
    vocoder: str = "pghi",
    refine: int | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, float]:
    """Rebuilds a recording from its STFT magnitudes.

    Args:
        audio: float32 [channels, samples], any length from 1 sample.
        settings: the transform whose magnitudes are kept.
        vocoder: one of `synthesis.VOCODERS`; `synthesis.vocode` tells what they do.
        refine: iterations of Griffin-Lim; None means 32 after PGHI, 100 from random phase.
        seed: of random phase.

    Returns:
        float32 [channels, samples], and the spectral convergence over all channels in dB.

    Raises:
        ValueError: the audio is empty, silent or not finite, or an argument is out of range.
    """
    iterations(vocoder, refine)  # raises
    if audio.ndim != 2 or not audio.size:
        raise ValueError(f"audio must be [channels, samples] and not empty, not {audio.shape}")
    if not np.all(np.isfinite(audio)):
        raise ValueError("audio must be finite everywhere, and holds infinities or NaN")
    if not np.any(audio):
        raise ValueError("audio must not be silent, and is zero throughout")
    peak = np.abs(audio).max()
    audio = audio / peak  # float files may hold any scale; squares below must not overflow
    samples = audio.shape[1]
    # The transform is circular: a window's length of silence keeps the end from the beginning.
    silence = settings.window_samples
    silence += -(samples + silence) % settings.hop_samples

    def magnitude_of(line):
        return tf.abs(stft(np.pad(line, (0, silence))[np.newaxis], settings)).numpy()

    rebuilt = np.empty_like(audio)
    error = energy = 0.0
    for channel, line in enumerate(audio):  # one by one, for memory's sake
        magnitude = magnitude_of(line)
        sound = vocode(magnitude, settings, vocoder, refine, seed)
        rebuilt[channel] = sound[0, :samples]
        error += np.sum(np.square(magnitude_of(rebuilt[channel]) - magnitude), dtype=np.float64)
        energy += np.sum(np.square(magnitude), dtype=np.float64)
    return peak * rebuilt, 10.0 * np.log10(max(error / energy, np.finfo(np.float64).tiny))


def resynthesize_file(
    source: Path,
    target: Path,
    settings: StftSettings,
    vocoder: str = "pghi",
    refine: int | None = None,
    seed: int = 0,
) -> float:
    """`resynthesize` from an audio file to another; returns the spectral convergence in dB.

    The target gets the source's rate, length and channels, and its sample format where that is
    plain PCM or float and fits the suffix. It is written beside its place and renamed.

    Raises:
        ValueError: the source holds no usable sound, or the target's suffix names no format.
        OSError: a file or folder is missing or cannot be read or written.
    """
    container = target.suffix[1:].upper()
    if container not in sf.available_formats() or container == "RAW":
        raise ValueError(
            f"{target}: the suffix must name an audio format (.wav, .flac, .ogg, ...), "
            f"not {target.suffix!r}"
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: there is no folder {target.parent}")
    try:
        # The content, not a path: libsndfile then never looks at the suffix.
        whole = decode_whole(source.read_bytes())
    except BadAudio as error:
        raise ValueError(f"{source}: not readable as audio: {error}") from error
    if not whole.length.is_told:
        print(f"note: {source} {whole.length}", file=sys.stderr)
    rate_hz, subtype = whole.sample_rate_hz, whole.subtype
    try:
        rebuilt, convergence_db = resynthesize(whole.audio.T, settings, vocoder, refine, seed)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    if subtype not in _PLAIN_SUBTYPES or not sf.check_format(container, subtype):
        subtype = sf.default_subtype(container)
    if subtype not in ("FLOAT", "DOUBLE") and np.abs(rebuilt).max() > 1.0:
        over = np.count_nonzero(np.abs(rebuilt) > 1.0)
        print(f"note: {over} samples beyond full scale were clipped", file=sys.stderr)
    try:
        with written_whole(target) as temporary:
            sf.write(temporary, rebuilt.T, rate_hz, subtype=subtype, format=container)
    except sf.LibsndfileError as error:
        raise OSError(f"{target}: cannot be written: {error.error_string}") from error
    return convergence_db
