"""Recordings to clips: decode, mix to mono, resample, cut or zero-pad.

Everything that libsndfile reads is taken, at any rate and channel count. Decoding and resampling
release Python's global lock, so threads run them side by side.
"""

import contextlib
import io
import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

from gaae_tf.data import streams
from gaae_tf.data.formats import foreign_format
from gaae_tf.data.streams import Length

# Decoded before and after a clip that is resampled, in samples of the slower rate: longer than
# soxr's filter.
_FILTER_SAMPLES = 512
# Where libsndfile seeks to the very sample, FLAC included. Vorbis and ALAC land elsewhere, MP3 and
# Opus sound slightly different then, some ADPCM cannot be sought in at all.
_SEEKABLE = re.compile(r"PCM_\w+|FLOAT|DOUBLE|[UA]LAW")
_BLOCK_FRAMES = 2**16  # decoded at once
# No recorder has less or more; a header that says so is broken, and its seconds fill any memory.
_LOWEST_RATE_HZ, _HIGHEST_RATE_HZ = 500, 10_000_000
_MOST_SAMPLES = 2**29  # of a whole recording in memory, all channels: 2 GiB
_LOUDEST = 100.0  # times full scale: beyond, a floating-point file holds something else


class BadAudio(ValueError):
    """A recording that no clip can be made of; the message is the reason, without the path."""


class Whole(NamedTuple):
    """A whole recording.

    Attributes:
        audio: float32 [samples, channels].
        sample_rate_hz: of it.
        subtype: its sample format, as soundfile calls it.
        length: of it.
    """

    audio: np.ndarray
    sample_rate_hz: int
    subtype: str
    length: Length


def decode_clip(
    source: Path | bytes, sample_rate_hz: int, clip_samples: int, start_s: float = 0.0
) -> np.ndarray:
    """A stretch of a recording as a clip.

    Channels are averaged, the rate is converted by soxr ("HQ"), longer recordings are cut and
    shorter ones zero-padded at the end. Only what the clip needs is decoded, so damage further
    back in a long recording goes unnoticed.

    Args:
        source: an audio file's path or its bytes.
        sample_rate_hz: the clip's rate.
        clip_samples: the clip's length.
        start_s: where in the recording the clip begins, to the nearest sample at
            `sample_rate_hz`: the clip is the same as if it were cut out of the whole recording
            after resampling.

    Returns:
        float32 [clip_samples], in [-1, 1] unless a floating-point file itself goes beyond.

    Raises:
        BadAudio: broken, truncated, empty, silent or non-finite, or shorter than `start_s`.
    """
    (clip,) = decode_clips(source, sample_rate_hz, clip_samples, [start_s])
    if isinstance(clip, BadAudio):
        raise clip
    return clip


def decode_clips(
    source: Path | bytes,
    sample_rate_hz: int,
    clip_samples: int,
    starts_s: Sequence[float],
    told: Callable[[Length], None] | None = None,
) -> list[np.ndarray | BadAudio]:
    """Several clips of one recording, each as `decode_clip` gives it, decoding no stretch twice.

    Beside the clips, no more than one clip's stretch is held.

    Args:
        source: an audio file's path or its bytes.
        sample_rate_hz: the clips' rate.
        clip_samples: the clips' length.
        starts_s: where in the recording they begin, in any order.
        told: receives the recording's length, unless nothing of it can be read.

    Returns:
        For each start the clip, float32 [clip_samples], or why there is none.
    """
    clips: dict[int, np.ndarray | BadAudio] = {}
    try:
        with contextlib.closing(_Recording(source)) as recording:
            for index in sorted(range(len(starts_s)), key=starts_s.__getitem__):
                try:
                    clips[index] = recording.clip(sample_rate_hz, clip_samples, starts_s[index])
                except BadAudio as error:
                    clips[index] = error
            if told:
                told(recording.length)
    except BadAudio as error:  # not one can be read
        return [error] * len(starts_s)
    return [clips[index] for index in range(len(starts_s))]


def duration_s(source: Path | bytes) -> float:
    """Length of a recording in seconds, by its header, or counted where that does not tell.

    Raises:
        BadAudio: empty or broken. What is truncated has the length of what is there, if it tells.
    """
    with contextlib.closing(_Recording(source)) as recording:
        return recording.count() / recording.file.samplerate


def decode_mono(source: Path | bytes, sample_rate_hz: int) -> tuple[np.ndarray, Length]:
    """A recording from its beginning to its end, otherwise as `decode_clip` gives a clip.

    Returns:
        float32 [samples], and the recording's length.

    Raises:
        BadAudio: as for `decode_clip`, or too long for memory.
    """
    with contextlib.closing(_Recording(source)) as recording:
        frames, rate_hz = recording.count(), recording.file.samplerate
        samples = max(1, round(frames * sample_rate_hz / rate_hz))
        recording.check_room(max(frames, samples))
        audio = recording.clip(sample_rate_hz, samples, 0.0)
        recording.is_at_end = True
        return audio, recording.length


def decode_whole(source: Path | bytes) -> Whole:
    """A recording from its beginning to its end, as it is: at its own rate, with all channels.

    Raises:
        BadAudio: broken, truncated, empty, non-finite or too long for memory.
    """
    with contextlib.closing(_Recording(source)) as recording:
        frames = recording.count()
        recording.check_room(frames)
        audio = recording.read(0, frames + 1)
        return Whole(audio, recording.file.samplerate, recording.file.subtype, recording.length)


def to_int16(audio: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as 16-bit integers: times 32,768, rounded, saturated, no dither."""
    scaled = audio * np.float32(32768.0)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32768.0, 32767.0, out=scaled)
    return scaled.astype(np.int16)


def from_int16(audio: np.ndarray) -> np.ndarray:
    """16-bit samples as float32 in [-1, 1): value / 32,768, exactly undone by `to_int16`."""
    return audio.astype(np.float32) * np.float32(1.0 / 32768.0)


class _File(soundfile.SoundFile):
    """A sound file that is read onwards."""

    def seekable(self) -> bool:
        """False, else soundfile would seek after each read to where it stands already.

        In FLAC that costs a third of what decoding a second does, and in Vorbis it lands elsewhere.
        """
        return False


class _Recording:
    """An open file that clips are taken out of, in the order of their starts."""

    def __init__(self, source: Path | bytes):
        self.source = source
        self.broken: BadAudio | None = None  # why nothing more can be read
        self._open()

    def _open(self) -> None:
        source = self.source
        if (len(source) if isinstance(source, bytes) else _size(source)) == 0:
            raise BadAudio("empty file")
        try:
            # soundfile encodes paths strictly, and names may be of any bytes.
            self.file = _File(
                streams.opened(source) if isinstance(source, bytes) else os.fsencode(source)
            )
            self.mended = None
            if streams.may_mislead(self.file):
                content = streams.opened(source)
                self.mended = streams.mended(self.file, content)
                if self.mended is None:
                    content.close()
                else:
                    self.file.close()
                    self.file = _File(io.BufferedReader(self.mended))
        except soundfile.LibsndfileError as error:
            if foreign := foreign_format(source):
                raise BadAudio(
                    f"{foreign} cannot be read; convert it, say with `ffmpeg -i IN OUT.flac`"
                ) from error
            raise BadAudio(f"broken: {error.error_string}") from error
        except OSError as error:
            raise BadAudio(f"unreadable: {error.strerror}") from error
        if not _LOWEST_RATE_HZ <= self.file.samplerate <= _HIGHEST_RATE_HZ:
            rate_hz = self.file.samplerate
            self.file.close()
            raise BadAudio(
                f"broken: a sample rate of {rate_hz} Hz, where recordings have "
                f"{_LOWEST_RATE_HZ} to {_HIGHEST_RATE_HZ} Hz"
            )
        self.kept = np.empty([0, self.file.channels], np.float32)  # what was decoded last
        self.end = 0  # the frame after it, where the file stands
        self.is_at_end = False  # whether all was read
        self.peak = 0.0  # of what was read last, whichever its sign

    def close(self) -> None:
        """Closes the file."""
        self.file.close()
        if self.mended is not None:
            self.mended.close()

    @property
    def frames(self) -> int | None:
        """How many there are by the header; None if it does not tell."""
        known = self.mended is None and self.file.frames < streams.UNKNOWN_FRAMES
        return self.file.frames if known else None

    @property
    def length(self) -> Length:
        """The recording's length, as far as it is known by now."""
        frames = self.end if self.frames is None and self.is_at_end else self.frames
        seconds = None if frames is None else frames / self.file.samplerate
        # Only where the end was met does it matter, and only then the log of the header is read.
        return Length(seconds, not self.is_at_end or self._promised is not None)

    @property
    def _promised(self) -> int | None:
        """Frames that there should be; None if nothing tells."""
        return None if self.mended is not None else streams.promised_frames(self.file)

    def count(self) -> int:
        """Frames, by the header, or else all are decoded once; stands at the beginning then."""
        if self.frames is not None:
            return self.frames
        try:
            self.skip(streams.UNKNOWN_FRAMES)
        except soundfile.LibsndfileError as error:
            raise BadAudio(f"broken: {error.error_string}") from error
        end = self.end
        self.close()
        self._open()
        self.is_at_end = True
        return end

    def check_room(self, frames: int) -> None:
        """Raises BadAudio if so many frames are too many to be held at once."""
        if frames * self.file.channels > _MOST_SAMPLES:
            hours = _MOST_SAMPLES / self.file.channels / self.file.samplerate / 3600
            raise BadAudio(f"longer than the {hours:.1f} h that can be worked on; cut it up")

    def clip(self, sample_rate_hz: int, clip_samples: int, start_s: float) -> np.ndarray:
        """One clip, float32 [clip_samples]; see `decode_clip`."""
        if not 0.0 <= start_s < math.inf:
            raise ValueError(f"start_s must be 0 or more, not {start_s}")
        rate_hz = self.file.samplerate
        start = round(start_s * sample_rate_hz)
        if rate_hz == sample_rate_hz:
            before, clip = 0, self._mono(start, clip_samples)
        else:
            # Begin where a sample of the new rate falls on a frame, so that all the others fall
            # where they would if the recording were resampled from its beginning.
            margin_s = _FILTER_SAMPLES / min(sample_rate_hz, rate_hz)
            grid = sample_rate_hz // math.gcd(rate_hz, sample_rate_hz)
            begin = max(start - math.ceil(margin_s * sample_rate_hz), 0) // grid * grid
            before = start - begin
            seconds = (before + clip_samples) / sample_rate_hz + margin_s
            mono = self._mono(begin * rate_hz // sample_rate_hz, math.ceil(seconds * rate_hz))
            if mono.size:
                mono = soxr.resample(mono, rate_hz, sample_rate_hz, quality="HQ")
            clip = mono[before : before + clip_samples]
        if not clip.size:
            if start == 0:
                raise BadAudio("empty: shorter than one sample")
            there_s = self.end / rate_hz
            raise BadAudio(f"starts at {start_s:.3f} s, the recording has {there_s:.3f} s")
        quietest, loudest = to_int16(np.array([clip.min(), clip.max()]))
        if quietest == loudest:
            if self.file.channels > 1 and np.ptp(to_int16(self.kept)):
                raise BadAudio("silent in mono: its channels cancel each other out")
            seconds = clip.size / sample_rate_hz
            which = (
                f"{seconds:.3f} s from {start_s:.3f} s on" if start else f"first {seconds:.3f} s"
            )
            raise BadAudio(f"silent: all samples of the {which} are equal at 16 bits")
        if clip.size == clip_samples:
            return clip
        return np.pad(clip, (0, clip_samples - clip.size))

    def skip(self, frames: int) -> None:
        """Decodes and drops so many frames, or as many as there are."""
        self.kept = self.kept[:0]
        block = np.empty([min(frames, _BLOCK_FRAMES), self.file.channels], np.float32)
        while frames and (read := len(self.file.read(out=block[:frames]))):
            frames -= read
            self.end += read
        self.is_at_end = self.is_at_end or frames > 0

    def _mono(self, first: int, wanted: int) -> np.ndarray:
        """Channel mean of `wanted` frames from `first` on, float32 [frames]; fewer at the end."""
        samples = self.read(first, wanted)
        if self.peak > _LOUDEST:
            raise BadAudio(f"samples up to {self.peak:.3g}, full scale is 1")
        return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)

    def read(self, first: int, wanted: int) -> np.ndarray:
        """`wanted` frames from `first` on, float32 [frames, channels]; fewer at the end.

        Raises:
            BadAudio: broken, truncated, empty or non-finite.
        """
        if self.broken:
            raise self.broken
        try:
            samples = self._frames(first, wanted)
        except soundfile.LibsndfileError as error:
            self.broken = BadAudio(f"broken: {error.error_string}")
            if not self._seekable:
                raise self.broken from error
            self.close()
            self._open()  # later clips may lie behind the damage, but this decoder is stuck
            broken, self.broken = self.broken, None
            raise broken from error
        if len(samples) < wanted:
            self.is_at_end = True
            promised = self._promised
            if promised is None and self.file.format == "MP3":
                promised = streams.frames_begun(self.mended)
            promised = min(first + wanted, promised or 0)
            if self.end < promised:
                raise BadAudio(f"truncated: {self.end} of at least {promised} frames are there")
            if not self.end:
                raise BadAudio("empty: no samples")
        self.peak = max(samples.max(), -samples.min()) if len(samples) else 0.0
        if not np.isfinite(self.peak):
            raise BadAudio("non-finite samples")
        return samples

    def _frames(self, first: int, wanted: int) -> np.ndarray:
        """Frames from `first` on, float32 [frames, channels]."""
        if first > self.end:
            if self._seekable:
                self.kept = self.kept[:0]
                self.end = self.file.seek(min(first, self.file.frames))
            else:
                self.skip(first - self.end)
            if first > self.end:
                return self.kept
        self.kept = self.kept[len(self.kept) - (self.end - first) :]
        if len(self.kept) < wanted:
            parts = [self.kept] if len(self.kept) else []
            missing = wanted - len(self.kept)
            while missing > 0:
                # In blocks: room is made before the file shows how much it has.
                asked = min(missing, _BLOCK_FRAMES)
                parts.append(self.file.read(asked, dtype="float32", always_2d=True))
                self.end += len(parts[-1])
                if len(parts[-1]) < asked:
                    break
                missing -= asked
            self.kept = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return self.kept[:wanted]

    @property
    def _seekable(self) -> bool:
        return self.frames is not None and bool(_SEEKABLE.fullmatch(self.file.subtype))


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError as error:
        raise BadAudio(f"unreadable: {error.strerror}") from error
