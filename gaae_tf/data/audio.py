"""One recording to one clip: decode, mix to mono, resample, cut or zero-pad.

Everything that libsndfile reads is taken, at any rate and channel count. Decoding and resampling
release Python's global lock, so threads run them side by side.
"""

import io
import math
import os
import re
from pathlib import Path

import numpy as np
import soundfile
import soxr

# What libsndfile calls its formats by. Left out: .raw has no header, and .mat is rarely sound.
# fmt: off
EXTENSIONS = frozenset({
    ".8svx", ".aif", ".aifc", ".aiff", ".au", ".avr", ".caf", ".flac", ".htk", ".iff", ".ircam",
    ".mp3", ".nist", ".oga", ".ogg", ".opus", ".paf", ".pvf", ".rf64", ".sd2", ".sds", ".sf",
    ".snd", ".sph", ".svx", ".voc", ".w64", ".wav", ".wave", ".wve", ".xi",
})
# fmt: on

# Decoded beyond the clip's end, in samples of the slower rate: longer than soxr's filter.
_FILTER_TAIL_SAMPLES = 512
# libsndfile takes a cut-off WAV, AIFF, AU or SVX file for a shorter one and tells only its log.
_CUT_OFF = re.compile(r"(?:data|SSND|Data Size|BODY)\s*: (\d+) \(should be (\d+)\)")
_UNKNOWN_BYTES = 0x7FFF_0000  # sizes from here on are those of streams, which did not know theirs
_LOUDEST = 100.0  # times full scale: beyond, a floating-point file holds something else


class BadAudio(ValueError):
    """A recording that no clip can be made of; the message is the reason, without the path."""


def decode_clip(source: Path | bytes, sample_rate_hz: int, clip_samples: int) -> np.ndarray:
    """The beginning of a recording as a clip.

    Channels are averaged, the rate is converted by soxr ("HQ"), longer recordings are cut and
    shorter ones zero-padded at the end. Only what the clip needs is decoded, so damage further
    back in a long recording goes unnoticed.

    Args:
        source: an audio file's path or its bytes.
        sample_rate_hz: the clip's rate.
        clip_samples: the clip's length.

    Returns:
        float32 [clip_samples], in [-1, 1] unless a floating-point file itself goes beyond.

    Raises:
        BadAudio: broken, truncated, empty, silent or non-finite.
    """
    mono, rate_hz = _read_mono(source, sample_rate_hz, clip_samples)
    if rate_hz != sample_rate_hz:
        mono = soxr.resample(mono, rate_hz, sample_rate_hz, quality="HQ")
    clip = mono[:clip_samples]
    if not clip.size:
        raise BadAudio("empty: shorter than one sample")
    rounded = to_int16(clip)
    if rounded.min() == rounded.max():
        seconds = clip.size / sample_rate_hz
        raise BadAudio(f"silent: all samples of the first {seconds:.3f} s are equal at 16 bits")
    return np.pad(clip, (0, clip_samples - clip.size))


def to_int16(audio: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as 16-bit integers: times 32,768, rounded, saturated, no dither."""
    scaled = np.rint(np.clip(audio, -1.0, 1.0) * np.float32(32768.0))
    return np.minimum(scaled, 32767).astype(np.int16)


def from_int16(audio: np.ndarray) -> np.ndarray:
    """16-bit samples as float32 in [-1, 1): value / 32,768, exactly undone by `to_int16`."""
    return audio.astype(np.float32) * np.float32(1.0 / 32768.0)


def _read_mono(
    source: Path | bytes, sample_rate_hz: int, clip_samples: int
) -> tuple[np.ndarray, int]:
    """Channel mean of what a clip needs, float32 [samples], at the recording's rate in Hz."""
    if (len(source) if isinstance(source, bytes) else _size(source)) == 0:
        raise BadAudio("empty file")
    try:
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else source) as f:
            seconds = clip_samples / sample_rate_hz
            seconds += _FILTER_TAIL_SAMPLES / min(sample_rate_hz, f.samplerate)
            wanted = math.ceil(seconds * f.samplerate)
            samples = f.read(wanted, dtype="float32", always_2d=True)
            promised, rate_hz = min(wanted, _promised_frames(f)), f.samplerate
    except soundfile.LibsndfileError as error:
        raise BadAudio(f"broken: {error.error_string}") from error
    if len(samples) < promised:
        raise BadAudio(f"truncated: {len(samples)} of at least {promised} frames are there")
    if not len(samples):
        raise BadAudio("empty: no samples")
    peak = max(samples.max(), -samples.min())
    if not np.isfinite(peak):
        raise BadAudio("non-finite samples")
    if peak > _LOUDEST:
        raise BadAudio(f"samples up to {peak:.3g}, full scale is 1")
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1), rate_hz


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError as error:
        raise BadAudio(f"unreadable: {error.strerror}") from error


def _promised_frames(file: soundfile.SoundFile) -> int:
    """Frames by the file's header, also where libsndfile knows that they are not there."""
    cut_off = _CUT_OFF.search(file.extra_info)
    if cut_off is None:
        return file.frames
    promised, there = int(cut_off[1]), int(cut_off[2])
    if there >= promised or promised >= _UNKNOWN_BYTES:
        return file.frames
    return file.frames * promised // max(there, 1)
