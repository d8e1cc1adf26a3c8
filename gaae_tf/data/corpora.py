"""Corpora as their publishers lay them out: files to (path, label, speaker, split)."""

import dataclasses
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from gaae_tf.data.audio import EXTENSIONS
from gaae_tf.data.shards import SPLITS, DataError

NOTES = Path(__file__).parent / "notes"
UNLABELLED_FOLDER = "unlabelled"

_LICENCE_NAMES = ("license", "license.txt", "license.md", "licence", "licence.txt", "copying")


@dataclasses.dataclass(frozen=True)
class Recording:
    """A recording of a corpus.

    Attributes:
        path: the file.
        source: its path below the corpus's folder, with "/".
        label: name of its class, or None without a label.
        speaker: "" where unknown.
        split: one of `SPLITS`.
    """

    path: Path
    source: str
    label: str | None
    speaker: str
    split: str


class FolderCorpus:
    """A folder of audio files with one subfolder a class, at any depth below it.

    Either `DIR/{train,valid,test}/CLASS/...`, where a folder `train` exists, or `DIR/CLASS/...`,
    which is split class by class in the order of a seeded hash of the relative path: each class
    keeps at least one recording for training, and the draw does not depend on the machine. An
    `unlabelled` folder beside the classes, or beside train/, always belongs to train. Files whose
    extension is not audio's, and all hidden ones, are ignored and counted.

    Args:
        source: the folder.
        valid_percent: share of each class for validation, where the folder itself has no splits.
        test_percent: the same for testing.
        seed: of the split.

    Attributes:
        name: the folder's.
        classes: names, sorted.
        recordings: train, valid, test, each sorted by path.
        own_splits: whether the folder itself has train, valid and test.
        ignored_files: number of files passed over.
        licence: text of a LICENSE file in the folder, "" without one.

    Raises:
        DataError: no such folder, or another layout.
    """

    def __init__(
        self,
        source: str | Path,
        valid_percent: float = 10.0,
        test_percent: float = 10.0,
        seed: int = 0,
    ):
        self.source = Path(source)
        self.name = self.source.resolve().name
        self.ignored_files = 0
        if not self.source.is_dir():
            found = "is a file" if self.source.exists() else "does not exist"
            raise DataError(f"source folder {self.source} {found}")
        folders = self._open(self.source)
        self.own_splits = any(folder.name in SPLITS for folder in folders)
        if self.own_splits:
            recordings = self._read_splits(folders)
        else:
            recordings = self._read_classes(folders)
            recordings = _draw_splits(recordings, valid_percent, test_percent, seed)
        order = {split: index for index, split in enumerate(SPLITS)}
        self.recordings = sorted(recordings, key=lambda r: (order[r.split], r.source))
        self.classes = tuple(sorted({r.label for r in recordings if r.label is not None}))
        trained = {r.label for r in recordings if r.split == "train"}
        if absent := [label for label in self.classes if label not in trained]:
            raise DataError(f"{self.source}/train has no audio of {_listed(absent)}")
        self.licence = self._licence()

    def _read_splits(self, folders: list[Path]) -> list[Recording]:
        names = [folder.name for folder in folders]
        if "train" not in names:
            raise DataError(
                f"{self.source} has {_listed(names)} but no train; looked for "
                "train/CLASS, valid/CLASS, test/CLASS"
            )
        if others := [name for name in names if name not in {*SPLITS, UNLABELLED_FOLDER}]:
            raise DataError(
                f"{self.source} has {_listed(others)} beside train; looked for train, valid, test "
                f"and {UNLABELLED_FOLDER} alone (a class cannot be called train, valid or test)"
            )
        recordings = []
        for folder in folders:
            if folder.name == UNLABELLED_FOLDER:
                recordings += self._recordings(folder, None, "train")
                continue
            for recording in self._read_classes(self._open(folder), folder):
                if recording.label is None and folder.name != "train":
                    raise DataError(
                        f"{folder / UNLABELLED_FOLDER}: unlabelled recordings belong to train; "
                        f"move it to {self.source / UNLABELLED_FOLDER}"
                    )
                recordings.append(dataclasses.replace(recording, split=folder.name))
        return recordings

    def _read_classes(self, folders: list[Path], parent: Path | None = None) -> list[Recording]:
        parent = parent or self.source
        recordings = []
        for folder in folders:
            label = None if folder.name == UNLABELLED_FOLDER else folder.name
            found = self._recordings(folder, label, "train")
            if label is not None and not found:
                raise DataError(f"class folder {folder} has no audio files")
            recordings += found
        if not recordings:
            raise DataError(
                f"{parent} has no class folder; looked for {parent}/CLASS/*.wav (or .flac, .ogg, "
                f".mp3, ...), found {_listed([f.name for f in folders]) or 'no folder'}"
            )
        return recordings

    def _open(self, parent: Path) -> list[Path]:
        """The folders in `parent`, sorted; ignores its files, but no audio among them."""
        entries = sorted(entry for entry in parent.iterdir() if not entry.name.startswith("."))
        folders = [entry for entry in entries if entry.is_dir()]
        loose = [e.name for e in entries if not e.is_dir() and e.suffix.lower() in EXTENSIONS]
        if loose:
            raise DataError(
                f"{parent} has {len(loose)} audio files outside of any class folder "
                f"({_listed(loose)}); move them to {parent}/CLASS or {parent}/{UNLABELLED_FOLDER}"
            )
        self.ignored_files += sum(not entry.is_dir() for entry in parent.iterdir())
        return folders

    def _recordings(self, folder: Path, label: str | None, split: str) -> list[Recording]:
        paths = []
        for path in _files(folder):
            if path.suffix.lower() in EXTENSIONS and not path.name.startswith("."):
                paths.append(path)
            else:
                self.ignored_files += 1
        return [
            Recording(path, path.relative_to(self.source).as_posix(), label, "", split)
            for path in paths
        ]

    def _licence(self) -> str:
        for path in sorted(self.source.iterdir()):
            if path.name.lower() in _LICENCE_NAMES and path.is_file():
                return path.read_text(encoding="utf-8", errors="replace")
        return ""


def notes_corpus() -> FolderCorpus:
    """The embedded notes of guitars, strings and mallet instruments, checked against SHA256SUMS.

    Raises:
        DataError: a file is missing or damaged.
    """
    verify_sums(NOTES)
    return FolderCorpus(NOTES)


def verify_sums(folder: Path) -> None:
    """Compares files with the folder's SHA256SUMS, as `sha256sum --check` does.

    Raises:
        DataError: the list or a file is missing, or a file differs.
    """
    sums = folder / "SHA256SUMS"
    if not sums.is_file():
        raise DataError(f"{sums} is missing")
    for line in sums.read_text(encoding="utf-8").splitlines():
        expected, name = line.split("  ", 1)
        path = folder / name
        if not path.is_file():
            raise DataError(f"{path}, which {sums} lists, is missing")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise DataError(f"{path} is damaged: SHA-256 is {found}, {sums} says {expected}")


def _files(folder: Path) -> Iterator[Path]:
    """All files below `folder`; follows links to folders, each folder once; no hidden folder."""
    visited = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in names)


def _draw_splits(
    recordings: list[Recording], valid_percent: float, test_percent: float, seed: int
) -> list[Recording]:
    """Moves a share of each class's recordings to valid and test."""
    by_label = defaultdict(list)
    for recording in recordings:
        by_label[recording.label].append(recording)
    drawn = by_label.pop(None, [])
    for group in by_label.values():
        group.sort(key=lambda r: hashlib.sha256(os.fsencode(f"{seed}/{r.source}")).digest())
        test = round(len(group) * test_percent / 100)
        valid = round(len(group) * valid_percent / 100)
        test = min(test, len(group) - 1)
        valid = min(valid, len(group) - 1 - test)
        splits = ["test"] * test + ["valid"] * valid
        splits += ["train"] * (len(group) - len(splits))
        drawn += [
            dataclasses.replace(recording, split=split)
            for recording, split in zip(group, splits, strict=True)
        ]
    return drawn


def _listed(names: list[str], most: int = 5) -> str:
    """Some names for an error message."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
