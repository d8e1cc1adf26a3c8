"""The ten digits of Speech Commands, v0.01 or v0.02: S09, or SC09.

P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", 2018,
arXiv:1804.03209. 16 kHz, at most 1 s a recording. The whole of v0.01 has 23,666 recordings of
digits.
"""

from __future__ import annotations

import dataclasses
import re
from typing import ClassVar

from gaae_tf.data.corpora.recording import (
    Corpus,
    Reader,
    Recording,
    found,
    is_licence,
    licence_text,
)
from gaae_tf.data.sources import Source
from gaae_tf.data.terms import DataError, Skipped

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LICENCE = "Speech Commands, Google: Creative Commons Attribution 4.0 International (CC BY 4.0)."

_LISTS = {"valid": "validation_list.txt", "test": "testing_list.txt"}
_NAME = re.compile(r"([0-9a-f]+)_nohash_\d+\.wav")


@dataclasses.dataclass(frozen=True)
class SpeechCommandsReader(Reader):
    """Reads `DIGIT/SPEAKER_nohash_NUMBER.wav` beside the publisher's two lists.

    The lists say what is for validation and testing; the rest is for training. Classes are zero to
    nine in the order of their value. Other words and the background noises are ignored.
    """

    corpus: ClassVar[str] = "s09"
    expects: ClassVar[str] = "speech_commands_v0.01.tar.gz, or the folder unpacked"

    def wanted(self, name: str) -> bool:
        """Whether it is a digit, a list or the licence."""
        folder, _, file = name.rpartition("/")
        word = folder.rpartition("/")[2]
        digit = word in DIGITS and file.endswith(".wav")
        return digit or file in _LISTS.values() or is_licence(name)

    def read(self, source: Source) -> Corpus:
        """The digits in `source`.

        Raises:
            DataError: a list is missing, or names a recording that the other names too.
        """
        names = {split: _list_name(source, file) for split, file in _LISTS.items()}
        root = names["valid"].removesuffix(_LISTS["valid"])
        split_of: dict[str, str] = {}
        for split, name in names.items():
            for entry in source.read_bytes(name).decode("utf-8", errors="replace").split():
                if split_of.setdefault(entry, split) != split:
                    raise DataError(f"{entry} is in both {' and '.join(_LISTS.values())}")
        recordings, skipped = [], []
        absent = {entry for entry in split_of if entry.partition("/")[0] in DIGITS}
        for name in source.names:
            path = name.removeprefix(root)
            word, _, file = path.partition("/")
            if not name.startswith(root) or word not in DIGITS or "/" in file:
                continue
            absent.discard(path)
            if match := _NAME.fullmatch(file):
                split = split_of.get(path, "train")
                recordings.append(Recording(name, path, word, match[1], split))
            else:
                skipped.append(Skipped(path, "name is not SPEAKER_nohash_NUMBER.wav"))
        return Corpus(
            name=self.corpus,
            classes=DIGITS,
            recordings=tuple(recordings),
            own_splits=True,
            ignored_files=source.other_files + len(source.names) - len(recordings) - len(skipped),
            licence=licence_text(source, names["valid"], LICENCE),
            skipped=tuple(skipped),
            absent=tuple(sorted(absent)),
        )


def _list_name(source: Source, file: str) -> str:
    names = [name for name in source.names if name.rpartition("/")[2] == file]
    if len(names) == 1:
        return names[0]
    if names:
        raise DataError(f"{source.name} has several {file}: {' and '.join(names)}; prepare one")
    raise DataError(
        f"{source.name} has no {file}; looked for zero/ to nine/ beside it, as Speech Commands "
        f"v0.01 and v0.02 have them, found {found(source)}"
    )
