"""Any folder or archive of audio files with one subfolder a class."""

from __future__ import annotations

import dataclasses
from pathlib import PurePosixPath
from typing import ClassVar

from gaae_tf.data.audio import EXTENSIONS
from gaae_tf.data.corpora.recording import (
    Corpus,
    Reader,
    Recording,
    check_percents,
    draw_splits,
    is_licence,
    licence_text,
    listed,
)
from gaae_tf.data.sources import Source
from gaae_tf.data.terms import SPLITS, DataError

UNLABELLED_FOLDER = "unlabelled"


@dataclasses.dataclass(frozen=True)
class FolderReader(Reader):
    """Reads audio files that lie in one subfolder a class, at any depth below it.

    Either `{train,valid,test}/CLASS/...`, where a folder `train` exists, or `CLASS/...`, which is
    split class by class in the order of a seeded hash of the path: each class keeps at least one
    recording for training, and the draw does not depend on the machine. An `unlabelled` folder
    beside the classes, or beside train/, always belongs to train. Files whose extension is not
    audio's, and all hidden ones, are ignored and counted. Classes are in alphabetical order.

    Attributes:
        valid_percent: share of each class for validation, where the source has no splits itself.
        test_percent: the same for testing; both together below 100.
        seed: of that split.

    Raises:
        DataError: a share is out of range.
    """

    corpus: ClassVar[str] = "folder"
    expects: ClassVar[str] = "DIR, a .zip or .tar.gz with one subfolder a class"

    valid_percent: float = 10.0
    test_percent: float = 10.0
    seed: int = 0

    def __post_init__(self):
        check_percents(self.valid_percent, self.test_percent)

    def wanted(self, name: str) -> bool:
        """Whether it is audio, or the licence at the top."""
        return _is_audio(name) or ("/" not in name and is_licence(name))

    def read(self, source: Source) -> Corpus:
        """The corpus in `source`.

        Raises:
            DataError: another layout.
        """
        top = _subfolders(source, "")
        own_splits = any(split in top for split in SPLITS)
        if own_splits:
            recordings = _read_splits(source, top)
        else:
            recordings = _read_classes(source, "", top)
            recordings = draw_splits(recordings, self.valid_percent, self.test_percent, self.seed)
        return Corpus(
            name=source.name,
            classes=tuple(sorted({r.label for r in recordings if r.label is not None})),
            recordings=tuple(recordings),
            own_splits=own_splits,
            ignored_files=source.other_files + len(source.names) - len(recordings),
            licence=licence_text(source, recordings[0].file),
        )


def _read_splits(source: Source, top: dict[str, list[str]]) -> list[Recording]:
    if "train" not in top:
        raise DataError(
            f"{source.name} has {listed(list(top))} but no train; looked for "
            "train/CLASS, valid/CLASS, test/CLASS"
        )
    if others := [folder for folder in top if folder not in {*SPLITS, UNLABELLED_FOLDER}]:
        raise DataError(
            f"{source.name} has {listed(others)} beside train; looked for train, valid, test and "
            f"{UNLABELLED_FOLDER} alone (a class cannot be called train, valid or test)"
        )
    recordings = [_recording(name, None) for name in top.get(UNLABELLED_FOLDER, ())]
    for split in SPLITS:
        if split not in top:
            continue
        classes = _subfolders(source, f"{split}/")
        if UNLABELLED_FOLDER in classes and split != "train":
            raise DataError(
                f"{source.name}/{split}/{UNLABELLED_FOLDER}: unlabelled recordings belong to "
                f"train; move it to {source.name}/{UNLABELLED_FOLDER}"
            )
        recordings += _read_classes(source, f"{split}/", classes, split)
    return recordings


def _read_classes(
    source: Source, below: str, classes: dict[str, list[str]], split: str = "train"
) -> list[Recording]:
    parent = f"{source.name}/{below}".rstrip("/")
    recordings = []
    for folder, names in classes.items():
        label = None if folder == UNLABELLED_FOLDER else folder
        if label is not None and not names:
            raise DataError(f"class folder {parent}/{folder} has no audio files")
        recordings += [_recording(name, label, split) for name in names]
    if not recordings:
        raise DataError(
            f"{parent} has no class folder; looked for {parent}/CLASS/*.wav (or .flac, .ogg, "
            f".mp3, ...), found {listed(list(classes)) or 'no folder'}"
        )
    return recordings


def _subfolders(source: Source, below: str) -> dict[str, list[str]]:
    """The folders directly in the folder `below`, each with all audio files in it, at any depth."""
    folders: dict[str, list[str]] = {}
    for name in source.folders:
        if name.startswith(below) and "/" not in name.removeprefix(below):
            folders[name.removeprefix(below)] = []
    loose = []
    for name in filter(_is_audio, source.names):
        if not name.startswith(below):
            continue
        folder, slash, _ = name.removeprefix(below).partition("/")
        if slash:
            folders[folder].append(name)
        else:
            loose.append(folder)
    if loose:
        parent = f"{source.name}/{below}".rstrip("/")
        raise DataError(
            f"{parent} has {len(loose)} audio files outside of any class folder "
            f"({listed(loose)}); move them to {parent}/CLASS or {parent}/{UNLABELLED_FOLDER}"
        )
    return folders


def _recording(name: str, label: str | None, split: str = "train") -> Recording:
    return Recording(name, name, label, "", split)


def _is_audio(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in EXTENSIONS
