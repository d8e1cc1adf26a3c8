"""LibriSpeech by the readers' gender: English audiobooks, 16 kHz, up to 35 s a recording.

V. Panayotov and others, "LibriSpeech: an ASR corpus based on public domain audio books", ICASSP
2015; https://www.openslr.org/12.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import re
from pathlib import Path
from typing import ClassVar

from gaae_tf.data.audio import BadAudio
from gaae_tf.data.corpora.chunks import CHUNKS, lengths_s, starts_s
from gaae_tf.data.corpora.recording import (
    Corpus,
    Reader,
    Recording,
    check_percents,
    clip_source,
    draw_splits,
    found,
    is_licence,
    licence_text,
    listed,
)
from gaae_tf.data.sources import Source
from gaae_tf.data.terms import DataError, Skipped

GENDERS = {"F": "female", "M": "male"}
LICENCE = "LibriSpeech: Creative Commons Attribution 4.0 International (CC BY 4.0)."

_SPEAKERS = "SPEAKERS.TXT"
_SPLITS = {"train": "train", "dev": "valid", "test": "test"}
_SUBSET = r"(?:train|dev|test)-(?:clean|other)(?:-\d+)?"
_BOOK = r"(\d+)/(\d+)/\2-\3-\d+\.flac"  # reader, chapter, utterance
_FILE = re.compile(rf"(?:.*/)?({_SUBSET})/{_BOOK}")
_FILE_OF_SUBSET = re.compile(rf"(?:(?:.*/)?({_SUBSET})/)?{_BOOK}")


@dataclasses.dataclass(frozen=True)
class LibriSpeechReader(Reader):
    """Reads `LibriSpeech/SUBSET/READER/CHAPTER/READER-CHAPTER-UTTERANCE.flac` and SPEAKERS.TXT.

    train-* is for training, dev-* for validation, test-* for testing; a split may be empty. Where
    all subsets are of one kind, valid and test are drawn from them reader by reader, so that no
    reader is in two splits. Recordings shorter than a clip begin at 0 and are padded later.

    Attributes:
        subsets: those to take; all that are there without any.
        chunks: "one" takes one clip a recording, which begins anywhere in it, evenly spread by a
            hash of `draw` and the path, at a whole microsecond; "all" takes clip after clip and
            drops the remainder.
        draw: other numbers give other clips where `chunks` is "one".
        clip_s: length of a clip.
        valid_percent: share of each gender's readers for validation, where splits are drawn.
        test_percent: the same for testing; both together below 100.
        seed: of the splits' draw.

    Raises:
        DataError: a setting is out of range.
    """

    corpus: ClassVar[str] = "librispeech"
    expects: ClassVar[str] = "train-clean-100.tar.gz and so on, or the folder LibriSpeech"

    subsets: tuple[str, ...] = ()
    chunks: str = "one"
    draw: int = 0
    clip_s: float = 1.024
    valid_percent: float = 10.0
    test_percent: float = 10.0
    seed: int = 0

    def __post_init__(self):
        if wrong := [subset for subset in self.subsets if not re.fullmatch(_SUBSET, subset)]:
            raise DataError(
                f"subsets must be names like train-clean-100, dev-other or test-clean, "
                f"not {listed(wrong)}"
            )
        if self.chunks not in CHUNKS:
            raise DataError(f"chunks must be {' or '.join(CHUNKS)}, not {self.chunks!r}")
        if not 0.0 < self.clip_s < math.inf:
            raise DataError(f"clip_s must be a length above 0, not {self.clip_s}")
        check_percents(self.valid_percent, self.test_percent)

    def wanted(self, name: str) -> bool:
        """Whether it is a recording of the subsets, the list of readers or the licence."""
        if match := _FILE_OF_SUBSET.fullmatch(name):
            return not self.subsets or match[1] is None or match[1] in self.subsets
        return name.rpartition("/")[2] == _SPEAKERS or is_licence(name)

    def read(self, source: Source) -> Corpus:
        """The recordings in `source`.

        Raises:
            DataError: another layout, a subset is missing, or there is no training subset.
        """
        files: dict[str, tuple[str, str, str]] = {}  # file -> subset, path, reader
        for name in source.names:
            # The source may be the subset itself.
            if match := _FILE.fullmatch(f"{source.name}/{name}"):
                subset, reader, _ = match.groups()
                if not self.subsets or subset in self.subsets:
                    files[name] = subset, match[0][match.start(1) :], reader
        splits = self._check_subsets(source, {subset for subset, _, _ in files.values()})
        genders = _genders(source, next(iter(files)))
        recordings, skipped = [], []
        for name, length_s in lengths_s(source, list(files)):
            subset, path, reader = files[name]
            if isinstance(length_s, BadAudio):
                skipped.append(Skipped(path, str(length_s)))
            elif reader not in genders:
                skipped.append(Skipped(path, f"reader {reader} is not in {_SPEAKERS}"))
            else:
                split = _SPLITS[subset.partition("-")[0]] if len(splits) > 1 else "train"
                recordings += [
                    Recording(
                        name, clip_source(path, start_s), genders[reader], reader, split, start_s
                    )
                    for start_s in self._starts_s(path, length_s)
                ]
        if len(splits) == 1:
            recordings = draw_splits(
                recordings,
                self.valid_percent,
                self.test_percent,
                self.seed,
                unit=lambda recording: recording.speaker,
            )
        return Corpus(
            name=self.corpus,
            classes=tuple(GENDERS.values()),
            recordings=tuple(recordings),
            own_splits=len(splits) > 1,
            ignored_files=source.other_files + len(source.names) - len(files),
            licence=licence_text(source, next(iter(files)), LICENCE),
            skipped=tuple(skipped),
        )

    def _check_subsets(self, source: Source, present: set[str]) -> set[str]:
        """The splits that the subsets belong to."""
        if not present:
            raise DataError(
                f"{source.name} has no recording of LibriSpeech; looked for "
                f"{' or '.join(self.subsets) or 'train-clean-100'}/READER/CHAPTER/*.flac, "
                f"found {found(source)}"
            )
        if absent := [subset for subset in self.subsets if subset not in present]:
            raise DataError(
                f"subsets: {source.name} has no recording of {listed(absent)}, "
                f"found {found(source)}"
            )
        splits = {_SPLITS[subset.partition("-")[0]] for subset in present}
        if len(splits) > 1 and "train" not in splits:
            raise DataError(
                f"{source.name} has {listed(sorted(present))} but no train-* to train with; add "
                "one, or choose subsets of one kind, of which splits are drawn"
            )
        return splits

    def _starts_s(self, path: str, length_s: float) -> list[float]:
        """Where clips begin in a recording, seconds."""
        room_s = length_s - self.clip_s
        if room_s <= 0.0:
            return [0.0]
        if self.chunks == "all":
            return starts_s(length_s, self.clip_s)
        digest = hashlib.sha256(os.fsencode(f"{self.draw}/{path}")).digest()
        uniform = int.from_bytes(digest[:8], "big") / 2**64
        return [math.floor(uniform * room_s * 1e6) / 1e6]


def _genders(source: Source, recording: str) -> dict[str, str]:
    """Gender of each reader by SPEAKERS.TXT; `recording` is the name of one."""
    lists = {
        name: source.read_bytes(name)
        for name in source.names
        if name.rpartition("/")[2] == _SPEAKERS
    }
    if not lists:
        # It lies beside the subset where the source is a subset's folder: SUBSET/READER/CHAPTER/.
        file = source.audio(recording)
        beside = file.resolve().parents[3] / _SPEAKERS if isinstance(file, Path) else None
        if beside is None or not beside.is_file():
            raise DataError(
                f"{source.name} has no {_SPEAKERS}, which says who is female or male; "
                "it belongs in the folder LibriSpeech, beside the subsets"
            )
        lists[str(beside)] = beside.read_bytes()
    genders = {}
    for name, content in lists.items():
        for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), 1):
            if not line.strip() or line.lstrip().startswith(";"):
                continue
            reader, *rest = (value.strip() for value in line.split("|"))
            if not rest or rest[0] not in GENDERS or not reader.isdecimal():
                raise DataError(
                    f"{name}:{number} must begin with 'ID | F' or 'ID | M', not {line!r}"
                )
            genders[reader] = GENDERS[rest[0]]
    return genders
