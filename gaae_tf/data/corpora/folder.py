"""Any folder or archive of audio files with one subfolder a class."""

from __future__ import annotations

import collections
import dataclasses
import math
import posixpath
import re
import unicodedata
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from gaae_tf.data.audio import BadAudio
from gaae_tf.data.corpora.chunks import lengths_s, starts_s
from gaae_tf.data.corpora.recording import (
    Corpus,
    Reader,
    Recording,
    check_percents,
    clip_source,
    draw_splits,
    is_licence,
    licence_text,
    listed,
)
from gaae_tf.data.formats import EXTENSIONS, FOREIGN_EXTENSIONS
from gaae_tf.data.sources import Source
from gaae_tf.data.terms import SPLITS, DataError, Skipped

UNLABELLED_FOLDER = "unlabelled"
_AUDIO = EXTENSIONS | FOREIGN_EXTENSIONS

# What folders are called, by letters alone, and what they mean.
_SPELLINGS = {
    "train": ("train", "training", "trainset", "trainingset"),
    "valid": ("valid", "validation", "val", "dev", "development", "validset", "validationset"),
    "test": ("test", "testing", "eval", "evaluation", "testset"),
    UNLABELLED_FOLDER: (
        *("unlabelled", "unlabeled", "unlabelleddata", "unlabeleddata"),
        *("nolabel", "nolabels", "withoutlabel", "withoutlabels"),
    ),
}
_MEANINGS = {word: meaning for meaning, words in _SPELLINGS.items() for word in words}


@dataclasses.dataclass(frozen=True)
class FolderReader(Reader):
    """Reads audio files that lie in one subfolder a class, at any depth below it.

    Either `{train,valid,test}/CLASS/...`, where a folder `train` exists, or `CLASS/...`, which is
    split class by class in the order of a seeded hash of the path: each class keeps at least one
    recording for training, and the draw does not depend on the machine. An `unlabelled` folder
    beside the classes, or beside train/, always belongs to train. Files whose extension is not
    audio's, and all hidden ones, are ignored and counted. Classes are in alphabetical order.
    Other common spellings of train, valid, test and unlabelled mean the same (`Training`, `val`,
    `unlabeled`). Several sources are classes if files lie in them; if folders do, and some have
    equal names, these are one. A class's name is the same however its accents are encoded (NFC is
    kept). Files of formats that cannot be read are taken too, so that they are named and counted.

    Attributes:
        valid_percent: share of each class for validation, where the source has no splits itself.
        test_percent: the same for testing; both together below 100.
        seed: of that split.
        chunk_s: seconds of the clips that all of a recording is cut into, without the remainder; 0
            takes its beginning alone. A recording's clips stay in one split.

    Raises:
        DataError: a share or a length is out of range.
    """

    corpus: ClassVar[str] = "folder"
    expects: ClassVar[str] = "DIR, a .zip or .tar.gz with one subfolder a class"

    valid_percent: float = 10.0
    test_percent: float = 10.0
    seed: int = 0
    chunk_s: float = 0.0

    def __post_init__(self):
        check_percents(self.valid_percent, self.test_percent)
        if not 0.0 <= self.chunk_s < math.inf:
            raise DataError(f"chunk_s must be a length, or 0, not {self.chunk_s}")

    def wanted(self, name: str) -> bool:
        """Whether it is audio, or the licence at the top."""
        return _is_audio(name) or ("/" not in name and is_licence(name))

    def read(self, source: Source) -> Corpus:
        """The corpus in `source`.

        Raises:
            DataError: another layout.
        """
        tree = _tree(source)
        meant = _meanings(source.name, tree.folders_in(""))
        own_splits = any(split in meant for split in SPLITS)
        if own_splits:
            recordings = _read_splits(tree, meant)
        else:
            recordings = _read_classes(tree, "")
            recordings = draw_splits(recordings, self.valid_percent, self.test_percent, self.seed)
        clips, skipped = recordings, []
        if self.chunk_s:
            clips, skipped = _cut(source, recordings, self.chunk_s)
        return Corpus(
            name=source.name,
            classes=tuple(sorted({r.label for r in recordings if r.label is not None})),
            recordings=tuple(clips),
            own_splits=own_splits,
            ignored_files=source.other_files + len(source.names) - len(recordings),
            licence=licence_text(source, recordings[0].file),
            skipped=tuple(skipped),
        )


class _Tree(NamedTuple):
    """Folders and audio files by where they count; of several sources taken as one, together.

    `places` has a file's place and its name in the source.
    """

    name: str
    folders: tuple[str, ...]
    places: tuple[tuple[str, str], ...]

    def folders_in(self, below: str) -> dict[str, list[str]]:
        """The folders directly in the folder `below`, each with all audio files in it."""
        folders: dict[str, list[str]] = {}
        for name in self.folders:
            if name.startswith(below) and "/" not in name.removeprefix(below):
                folders[name.removeprefix(below)] = []
        loose = []
        for place, name in self.places:
            if not place.startswith(below):
                continue
            folder, slash, _ = place.removeprefix(below).partition("/")
            if slash:
                folders[folder].append(name)
            else:
                loose.append(folder)
        if loose:
            parent = f"{self.name}/{below}".rstrip("/")
            raise DataError(
                f"{parent} has {len(loose)} audio files outside of any class folder "
                f"({listed(loose)}); move them to {parent}/CLASS or {parent}/{UNLABELLED_FOLDER}"
            )
        return folders


def _tree(source: Source) -> _Tree:
    """The source's files; those of several sources with like folders lie in these together.

    Raises:
        DataError: it cannot be seen whether sources are classes, or hold them.
    """
    audio = [name for name in source.names if _is_audio(name)]
    folders = {_composed(folder) for folder in source.folders}
    roots = source.roots
    inside = {root: set() for root in roots}  # folders directly in each
    for folder in source.folders:
        root, slash, rest = folder.partition("/")
        if slash and root in inside and "/" not in rest:
            inside[root].add(_composed(rest))
    hold_files = {name.split("/")[0] for name in audio if name.count("/") == 1}
    if not roots or hold_files & set(roots) or not all(inside.values()):
        places = tuple((_composed(name), name) for name in audio)
        return _Tree(source.name, tuple(sorted(folders)), places)
    counts = collections.Counter(name for names in inside.values() for name in names)
    if max(counts.values()) == 1 and not any(_meaning(name) for name in counts):
        folders = "; ".join(f"{root} holds {listed(sorted(inside[root]))}" for root in roots)
        raise DataError(
            f"are the sources {' and '.join(roots)} classes, or the folders in them? {folders}. "
            "Put the folders of all classes into one folder, and give that as --source"
        )
    places = tuple((_composed(name.partition("/")[2]), name) for name in audio)
    folders = {name.partition("/")[2] for name in folders} - {""}
    return _Tree(source.name, tuple(sorted(folders)), places)


def _meaning(folder: str) -> str | None:
    """The split that a folder's name means, or `UNLABELLED_FOLDER`; None for a class."""
    return _MEANINGS.get(re.sub("[^a-z]", "", folder.casefold()))


def _meanings(parent: str, folders: Iterable[str]) -> dict[str, str]:
    """The folders that mean a split or no label, by that.

    Raises:
        DataError: two mean the same.
    """
    meant: dict[str, str] = {}
    for folder in folders:
        meaning = _meaning(folder)
        if meaning is None:
            continue
        if meaning in meant:
            raise DataError(
                f"{parent} has {meant[meaning]} and {folder}, which mean the same; keep one"
            )
        meant[meaning] = folder
    return meant


def _read_splits(tree: _Tree, meant: dict[str, str]) -> list[Recording]:
    top = tree.folders_in("")
    if "train" not in meant:
        raise DataError(
            f"{tree.name} has {listed(list(top))} but no train; looked for "
            "train/CLASS, valid/CLASS, test/CLASS"
        )
    if others := [folder for folder in top if folder not in meant.values()]:
        raise DataError(
            f"{tree.name} has {listed(others)} beside {meant['train']}; looked for train, valid, "
            f"test and {UNLABELLED_FOLDER} alone (a class cannot be called train, valid or test)"
        )
    unlabelled = top[meant[UNLABELLED_FOLDER]] if UNLABELLED_FOLDER in meant else []
    recordings = [_recording(name, None) for name in unlabelled]
    for split in SPLITS:
        if split not in meant:
            continue
        below = f"{meant[split]}/"
        without = _meanings(f"{tree.name}/{meant[split]}", tree.folders_in(below))
        if UNLABELLED_FOLDER in without and split != "train":
            raise DataError(
                f"{tree.name}/{below}{without[UNLABELLED_FOLDER]}: unlabelled recordings belong to "
                f"train; move it to {tree.name}/{UNLABELLED_FOLDER}"
            )
        recordings += _read_classes(tree, below, split)
    return recordings


def _read_classes(tree: _Tree, below: str, split: str = "train") -> list[Recording]:
    parent = f"{tree.name}/{below}".rstrip("/")
    classes = tree.folders_in(below)
    unlabelled = _meanings(parent, classes).get(UNLABELLED_FOLDER)
    recordings = []
    for folder, names in classes.items():
        label = None if folder == unlabelled else folder
        if label is not None and not names:
            raise DataError(f"class folder {parent}/{folder} has no audio files")
        recordings += [_recording(name, label, split) for name in names]
    if not recordings:
        raise DataError(
            f"{parent} has no class folder; looked for {parent}/CLASS/*.wav (or .flac, .ogg, "
            f".mp3, ...), found {listed(list(classes)) or 'no folder'}"
        )
    return recordings


def _recording(name: str, label: str | None, split: str = "train") -> Recording:
    return Recording(name, name, label, "", split)


def _cut(
    source: Source, recordings: list[Recording], clip_s: float
) -> tuple[list[Recording], list[Skipped]]:
    """All clips of the recordings, and the recordings whose length is unknown."""
    clips, skipped = [], []
    lengths = dict(lengths_s(source, [recording.file for recording in recordings]))
    for recording in recordings:
        length_s = lengths[recording.file]
        if isinstance(length_s, BadAudio):
            skipped.append(Skipped(recording.source, str(length_s)))
            continue
        for start_s in starts_s(length_s, clip_s):
            name = clip_source(recording.source, start_s)
            clips.append(dataclasses.replace(recording, source=name, start_s=start_s))
    return clips, skipped


def _composed(name: str) -> str:
    """The name with each letter and its accents as one sign, where there is one."""
    return unicodedata.normalize("NFC", name)


def _is_audio(name: str) -> bool:
    return posixpath.splitext(name)[1].lower() in _AUDIO
