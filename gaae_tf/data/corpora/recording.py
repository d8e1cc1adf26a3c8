"""What a corpus is: recordings with label, speaker and split; and what all readers share."""

from __future__ import annotations

import abc
import dataclasses
import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from gaae_tf.data.sources import Source, open_source
from gaae_tf.data.terms import SPLITS, DataError, Skipped

_LICENCE_NAMES = ("license", "license.txt", "license.md", "licence", "licence.txt", "copying")


@dataclasses.dataclass(frozen=True, slots=True)
class Recording:
    """A clip of a corpus: where it is, and what is known of it.

    Attributes:
        file: its name in the `Source`.
        source: its name in the data set, as `clip_source` makes it.
        label: name of its class, or None without a label.
        speaker: "" where unknown.
        split: one of `SPLITS`.
        start_s: where in the file the clip begins.
        extra: values of the corpus's `extra_labels`, in their order.
    """

    file: str
    source: str
    label: str | None
    speaker: str
    split: str
    start_s: float = 0.0
    extra: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What a reader found, put in order.

    Attributes:
        name: of the corpus, or of the source where the corpus is the user's own.
        classes: names, in the order of the labels.
        recordings: train, valid, test, each sorted by path, then by where the clip begins.
        own_splits: False where recordings were drawn for validation or testing here.
        ignored_files: number of files that are no recording of the corpus.
        licence: text, "" where unknown.
        extra_labels: names of what else is known of each recording: pitch, velocity.
        skipped: recordings of the corpus that cannot be used, sorted by source.
        absent: recordings that the corpus's own lists name and that are not there, sorted; an
            extract of a corpus lacks many.

    Raises:
        DataError: two files are the same recording, or a class has none for training.
    """

    name: str
    classes: tuple[str, ...]
    recordings: tuple[Recording, ...]
    own_splits: bool
    ignored_files: int
    licence: str
    extra_labels: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    absent: tuple[str, ...] = ()

    def __post_init__(self):
        order = {split: index for index, split in enumerate(SPLITS)}

        def place(recording: Recording) -> tuple[int, str, float]:
            path = recording.source.removesuffix(clip_source("", recording.start_s))
            return order[recording.split], path, recording.start_s

        object.__setattr__(self, "recordings", tuple(sorted(self.recordings, key=place)))
        skipped = tuple(sorted(self.skipped, key=lambda skipped: skipped.source))
        object.__setattr__(self, "skipped", skipped)
        files: dict[str, str] = {}
        for recording in self.recordings:
            if (other := files.setdefault(recording.source, recording.file)) != recording.file:
                raise DataError(
                    f"{other} and {recording.file} are both {recording.source} of {self.name}; "
                    "give each recording once"
                )
        trained = {recording.label for recording in self.recordings if recording.split == "train"}
        if absent := [label for label in self.classes if label not in trained]:
            reasons = [f"{skipped.source}: {skipped.reason}" for skipped in self.skipped]
            raise DataError(
                f"{self.name} has no training recording of {listed(absent)}"
                + (f"; skipped were {listed(reasons)}" if reasons else "")
            )


class Reader(abc.ABC):
    """Reads a corpus as its publisher lays it out; subclasses are frozen dataclasses of settings.

    Attributes:
        corpus: name of the kind of corpus.
        expects: what a source of it is.
    """

    corpus: ClassVar[str]
    expects: ClassVar[str]

    def open(self, paths: Sequence[Path], scratch: Path) -> Source:
        """The files at `paths` that the reader wants; archives may be unpacked to `scratch`."""
        return open_source(paths, self.wanted, scratch)

    @abc.abstractmethod
    def wanted(self, name: str) -> bool:
        """Whether the file `name` is needed, for its sound or for what it says."""

    @abc.abstractmethod
    def read(self, source: Source) -> Corpus:
        """The corpus in `source`.

        Raises:
            DataError: it is laid out otherwise, or lacks a part.
        """


def clip_source(path: str, start_s: float) -> str:
    """Name of a clip: its file's path, and where it begins unless at 0: "a/b.flac@3.25"."""
    return f"{path}@{start_s:.6f}".rstrip("0").rstrip(".") if start_s else path


def draw_splits(
    recordings: Iterable[Recording],
    valid_percent: float,
    test_percent: float,
    seed: int,
    unit: Callable[[Recording], str] = lambda recording: recording.source,
) -> list[Recording]:
    """Moves a share of each class's training recordings to valid and test.

    The draw is the order of a hash of the seed and the unit, so it depends on neither the machine
    nor what else is there. Each class keeps at least one unit for training, and recordings without
    a label stay there.

    Args:
        recordings: all of train.
        valid_percent: share of each class's units.
        test_percent: the same.
        seed: of the draw.
        unit: what is moved as one: the recording itself, or its speaker.
    """
    by_label = defaultdict(lambda: defaultdict(list))
    for recording in recordings:
        by_label[recording.label][unit(recording)].append(recording)
    drawn = [recording for group in by_label.pop(None, {}).values() for recording in group]
    for units in by_label.values():
        names = sorted(units, key=lambda n: hashlib.sha256(os.fsencode(f"{seed}/{n}")).digest())
        test = min(round(len(names) * test_percent / 100), len(names) - 1)
        valid = min(round(len(names) * valid_percent / 100), len(names) - 1 - test)
        splits = ["test"] * test + ["valid"] * valid
        splits += ["train"] * (len(names) - len(splits))
        for name, split in zip(names, splits, strict=True):
            if split == "train":
                drawn += units[name]
            else:
                drawn += [dataclasses.replace(recording, split=split) for recording in units[name]]
    return drawn


def check_percents(valid_percent: float, test_percent: float = 0.0) -> None:
    """Raises DataError unless both are shares and leave something to train with."""
    for name, percent in (("valid_percent", valid_percent), ("test_percent", test_percent)):
        if not 0.0 <= percent < 100.0:
            raise DataError(f"{name} must be from 0 to below 100, not {percent}")
    if valid_percent + test_percent >= 100.0:
        raise DataError(
            f"valid_percent and test_percent must leave something to train with, "
            f"not {valid_percent} and {test_percent}"
        )


def is_licence(name: str) -> bool:
    """Whether a file's name is that of a licence."""
    return name.rpartition("/")[2].lower() in _LICENCE_NAMES


def licence_text(source: Source, recording: str, otherwise: str = "") -> str:
    """Text of the licence that lies above the file `recording`, the nearest one."""
    names = [name for name in source.names if is_licence(name)]
    above = [name for name in names if recording.startswith(name[: name.rfind("/") + 1])]
    if not above:
        return otherwise
    nearest = max(above, key=lambda name: name.count("/"))
    return source.read_bytes(nearest).decode("utf-8", errors="replace")


def listed(names: Sequence[str], most: int = 5) -> str:
    """Some names for an error message."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def found(source: Source) -> str:
    """What is at the top of `source`, for an error message."""
    top = [f"{name}/" for name in source.folders if "/" not in name]
    top += [name for name in source.names if "/" not in name]
    if source.other_files:
        top.append(f"{source.other_files} other files")
    return listed(top, most=8) or "nothing"
