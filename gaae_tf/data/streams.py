"""Recordings as encoders write them to a pipe, whose headers do not tell how long they are.

An encoder that cannot go back leaves the length out (FLAC), writes zeros or the largest number
(WAV, AIFF), or has no first frame that tells it (MP3). libsndfile reads FLAC and the largest number
to the end of the file. Of an MP3 it guesses the length from the first frame's bit rate and stops
there, and a WAV of length zero is empty to it; `mended` has it read these to the end as well.
"""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

import soundfile

UNKNOWN_FRAMES = 2**62  # what libsndfile counts where a FLAC stream's header does not
_UNKNOWN_BYTES = 0x7FFF_0000  # sizes from here on are those of streams, which did not know theirs
# libsndfile takes a cut-off WAV, AIFF, AU or SVX file for a shorter one and tells only its log.
_SIZES = re.compile(r"(?:data|SSND|Data Size|BODY)\s*: (\d+) \(should be (\d+)\)")

_LAYER_3 = 1
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)  # and MPEG 2.5
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_DECODER_DELAY = 529  # samples that mpg123 drops at the beginning of a file that has information
_SEARCHED_BYTES = 2**16  # for the first frame, behind the tag
_MOST_FRAMES = 2**31 - 1  # claimed: mpg123 takes it, and no file has as many
_CHUNKS = 64  # of a WAV file searched for its data


class Length(NamedTuple):
    """How long a recording is.

    Attributes:
        seconds: by its header, or to where it was read if that does not tell; None if it does not
            and the end was not met.
        is_told: whether the header tells. Else nobody knows if the recording was cut off.
    """

    seconds: float | None
    is_told: bool

    def __str__(self) -> str:
        told = "" if self.seconds is None else f"lasts {self.seconds:.3f} s"
        if self.is_told:
            return told
        return f"{told} to where it was read; its header does not tell if it was cut off there"


def opened(source: Path | bytes) -> BinaryIO:
    """The bytes of a file by its path, or those given."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def promised_frames(file: soundfile.SoundFile) -> int | None:
    """Frames by the file's header, also where libsndfile knows that they are not there.

    Returns:
        None where the header does not tell; `mended` knows of other MP3s.
    """
    if file.frames >= UNKNOWN_FRAMES or file.subtype in ("MPEG_LAYER_I", "MPEG_LAYER_II"):
        return None
    sizes = _SIZES.search(file.extra_info)
    if sizes is None:
        return file.frames
    promised, there = int(sizes[1]), int(sizes[2])
    if promised >= _UNKNOWN_BYTES or promised == 0:
        return None
    if there >= promised:
        return file.frames
    return file.frames * promised // max(there, 1)


def may_mislead(file: soundfile.SoundFile) -> bool:
    """Whether a file must be looked at by `mended`."""
    return file.format == "MP3" or (file.format in ("WAV", "WAVEX") and not file.frames)


def mended(file: soundfile.SoundFile, content: BinaryIO) -> BinaryIO | None:
    """What has libsndfile read to its end a file whose header does not tell the length.

    Args:
        file: as it was opened.
        content: the same file's bytes; taken over by what is returned.

    Returns:
        A file to open in its place; None where it is read to its end already.
    """
    return _mended_mp3(content) if file.format == "MP3" else _mended_wav(content)


def frames_begun(content: BinaryIO) -> int:
    """Samples a channel of an MP3's frames, the last one's too where it is cut off; 0 if it is not.

    Args:
        content: the file, as `mended` returned it; stays where it is.
    """
    before = content.tell()
    end = content.seek(0, io.SEEK_END)
    place, samples = 0, -_DECODER_DELAY
    while place < end:
        content.seek(place)
        frame = _frame(content.read(4))
        if frame is None:  # a tag as a rule
            break
        samples += frame.samples if place else 0  # the first one is ours
        place += frame.bytes
    content.seek(before)
    return samples if place > end else 0


class _Frame(NamedTuple):
    """An MP3 frame by its header: MPEG version 1 or not, channels, length, samples a channel."""

    is_mpeg_1: bool
    channels: int
    bytes: int
    samples: int


def _frame(header: bytes) -> _Frame | None:
    """What a frame's header of four bytes says; None if it is none of layer III."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, sample_rate = header[2] >> 4, header[2] >> 2 & 3
    if version not in _RATES_HZ or layer != _LAYER_3 or bit_rate in (0, 15) or sample_rate == 3:
        return None
    is_mpeg_1 = version == 3
    samples = 1152 if is_mpeg_1 else 576
    kbits = (_KBITS_1 if is_mpeg_1 else _KBITS_2)[bit_rate]
    size = samples * kbits * 125 // _RATES_HZ[version][sample_rate] + (header[2] >> 1 & 1)
    return _Frame(is_mpeg_1, 1 if header[3] >> 6 == 3 else 2, size, samples)


def _information_at(frame: _Frame) -> int:
    """Where in a frame its information may stand: behind the header and the side information."""
    if frame.is_mpeg_1:
        return 4 + (17 if frame.channels == 1 else 32)
    return 4 + (9 if frame.channels == 1 else 17)


def _mended_mp3(content: BinaryIO) -> BinaryIO | None:
    """The MP3 behind a first frame that claims more frames than there are, unless one tells."""
    first = _first_frame(content)
    if first is None:
        return None
    content.seek(first)
    begin = content.read(4096)
    at = _information_at(_frame(begin[:4]))
    mark, told = begin[at : at + 4], begin[at + 4 : at + 12]
    if mark in (b"Xing", b"Info") and len(told) == 8 and told[3] & 1 and any(told[4:]):
        return None
    # Version, rate and channels of the first frame; no checksum, the largest bit rate, no padding.
    header = bytes([begin[0], begin[1] | 1, begin[2] & 0x0D | 14 << 4, begin[3]])
    frame = header.ljust(at, b"\0") + b"Info" + struct.pack(">II", 1, _MOST_FRAMES)
    return _Joined(frame.ljust(_frame(header).bytes, b"\0"), content, first)


def _first_frame(content: BinaryIO) -> int | None:
    """Where an MP3's first frame begins, behind an ID3 tag."""
    content.seek(0)
    head = content.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        start = 10 + size + (10 if head[5] & 0x10 else 0)
    content.seek(start)
    block = content.read(_SEARCHED_BYTES)
    place = block.find(b"\xff")
    while place >= 0:
        frame = _frame(block[place : place + 4])
        if frame is not None:
            following = block[place + frame.bytes :][:4]
            if not following or _frame(following) is not None:
                return start + place
        place = block.find(b"\xff", place + 1)
    return None


def _mended_wav(content: BinaryIO) -> BinaryIO | None:
    """The WAV with the largest size in place of its data's zero, unless it really is empty."""
    end = content.seek(0, io.SEEK_END)
    place = 12
    for _ in range(_CHUNKS):
        content.seek(place)
        chunk = content.read(8)
        if len(chunk) < 8:
            return None
        size = int.from_bytes(chunk[4:], "little")
        place += 8
        if chunk[:4] == b"data":
            if size or _are_chunks(content, place, end):
                return None
            content.seek(0)
            return _Joined(content.read(place - 4) + b"\xff" * 4, content, place)
        place += size + size % 2
    return None


def _are_chunks(content: BinaryIO, place: int, end: int) -> bool:
    """Whether nothing but whole chunks lies between `place` and the end."""
    for _ in range(_CHUNKS):
        if place >= end:
            return place == end
        content.seek(place)
        size = int.from_bytes(content.read(8)[4:], "little")
        place += 8 + size + size % 2
    return False


class _Joined(io.RawIOBase):
    """Some bytes, and then a file from `start` on."""

    def __init__(self, head: bytes, tail: BinaryIO, start: int):
        super().__init__()
        self._head, self._tail, self._start = head, tail, start
        self._end = len(head) + max(tail.seek(0, io.SEEK_END) - start, 0)
        self._place = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a place; returns it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._end}[whence]
        self._place = max(base + offset, 0)
        return self._place

    def readinto(self, buffer: memoryview) -> int:
        """Fills the buffer as far as there is something; returns how far."""
        if self._place < len(self._head):
            some = self._head[self._place :][: len(buffer)]
        else:
            self._tail.seek(self._place - len(self._head) + self._start)
            some = self._tail.read(len(buffer))
        buffer[: len(some)] = some
        self._place += len(some)
        return len(some)

    def close(self) -> None:
        """Closes the file too."""
        self._tail.close()
        super().close()
