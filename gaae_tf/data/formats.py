"""Formats of sound files: those that libsndfile reads, and others that people have."""

from __future__ import annotations

from pathlib import Path

from gaae_tf.data.streams import opened

# What libsndfile calls its formats by. Left out: .raw has no header, and .mat is rarely sound.
# fmt: off
EXTENSIONS = frozenset({
    ".8svx", ".aif", ".aifc", ".aiff", ".au", ".avr", ".caf", ".flac", ".htk", ".iff", ".ircam",
    ".mp3", ".nist", ".oga", ".ogg", ".opus", ".paf", ".pvf", ".rf64", ".sd2", ".sds", ".sf",
    ".snd", ".sph", ".svx", ".voc", ".w64", ".wav", ".wave", ".wve", ".xi",
})
# Sound that it does not read: such files are named and counted, not passed over.
FOREIGN_EXTENSIONS = frozenset({
    ".3gp", ".aac", ".ac3", ".amr", ".ape", ".dsf", ".m4a", ".m4b", ".mka", ".mp4", ".mpc",
    ".tta", ".webm", ".wma", ".wv",
})
# fmt: on
_MARKS = (
    (4, b"ftyp", "MPEG-4 (.m4a, .mp4)"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf9", "AAC"),
    (0, b"\x30\x26\xb2\x75", "Windows Media (.wma)"),
    (0, b"#!AMR", "AMR"),
    (0, b"MAC ", "Monkey's Audio (.ape)"),
    (0, b"wvpk", "WavPack"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska (.mka, .webm)"),
)


def foreign_format(source: Path | bytes) -> str | None:
    """The format of a file that libsndfile does not read, by its first bytes; None if unknown.

    Args:
        source: the file's path, or its bytes.
    """
    try:
        with opened(source) as content:
            head = content.read(12)
    except OSError:  # then it is unreadable, not of another format
        return None
    for place, mark, name in _MARKS:
        if head[place:].startswith(mark):
            return name
    return None
