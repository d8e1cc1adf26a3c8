"""A CSV file that names recordings: labels, splits and speakers of any audio on this machine."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import math
import os
import stat
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from gaae_tf.data.corpora.recording import (
    Corpus,
    Reader,
    Recording,
    check_percents,
    clip_source,
    draw_splits,
    listed,
)
from gaae_tf.data.sources import Source
from gaae_tf.data.terms import SPLITS, DataError, Skipped

COLUMNS = ("path", "label", "split", "speaker", "start_s")


@dataclasses.dataclass(frozen=True)
class _Row:
    recording: Recording  # of train, if its split is not given
    split_given: bool


class TableSource(Source):
    """A table and the files that it names, by their paths from the table's folder.

    Args:
        table: the CSV file.

    Attributes:
        rows: in the table's order.
        extra_labels: names of the columns that `COLUMNS` lacks.
        unusable: why, for each file that is not there.

    Raises:
        DataError: the table cannot be read or says what it must not.
    """

    def __init__(self, table: Path):
        self.table = Path(table)
        self.name = self.table.stem
        self.rows, self.extra_labels = _parse(self.table)
        self.folders: tuple[str, ...] = ()
        self.other_files = 0
        self.unusable: dict[str, str] = {}
        self._stats: dict[str, os.stat_result] = {}
        for name in sorted({row.recording.file for row in self.rows}):
            try:
                found = os.stat(self._path(name))
            except OSError as error:
                self.unusable[name] = f"unreadable: {error.strerror}"
                continue
            if stat.S_ISREG(found.st_mode):
                self._stats[name] = found
            else:
                self.unusable[name] = "no regular file"
        self.names = tuple(self._stats)

    def audio(self, name: str) -> Path:
        """Path of the file."""
        return self._path(name)

    def read_bytes(self, name: str) -> bytes:
        """Content of the file.

        Raises:
            DataError: it cannot be read.
        """
        try:
            return self._path(name).read_bytes()
        except OSError as error:
            raise DataError(f"{self._path(name)} cannot be read: {error.strerror}") from error

    def size(self, name: str) -> int:
        """Its bytes."""
        return self._stats[name].st_size

    def fingerprint(self) -> str:
        """Digest of the table, and of the files' names, sizes and times."""
        digest = hashlib.sha256(self.table.read_bytes())
        for name, found in self._stats.items():
            digest.update(os.fsencode(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0"))
        return digest.hexdigest()

    def _path(self, name: str) -> Path:
        return self.table.parent / name  # an absolute name stays what it is


@dataclasses.dataclass(frozen=True)
class TableReader(Reader):
    """Reads a CSV file with the header `path,label,split,speaker,start_s`.

    Only `path` is required, in any order of columns; values are separated by commas, spaces
    around them are dropped, and empty rows are passed over. UTF-8, with a byte order mark or not.

    - path: of an audio file, absolute or relative to the table's folder. A file that is not there
      is skipped. Several rows may name one file if they begin at different times.
    - label: name of the class, in whichever way its accents are encoded; a row without one is
      unlabelled and belongs to train.
    - split: train, valid or test; labelled rows without one are split like `FolderReader`'s class
      folders, row by row. Rows of one file may land in different splits: name the split where
      they must not.
    - speaker: "" where unknown.
    - start_s: where the clip begins, 0 without; rounded to whole microseconds.

    Other columns are kept as further labels under their names. Classes are in alphabetical order.

    Attributes:
        valid_percent: share of each class's rows without a split for validation.
        test_percent: the same for testing; both together below 100.
        seed: of that split.

    Raises:
        DataError: a share is out of range.
    """

    corpus: ClassVar[str] = "csv"
    expects: ClassVar[str] = "TABLE.csv with a column path, and label, split, speaker, start_s"

    valid_percent: float = 10.0
    test_percent: float = 10.0
    seed: int = 0

    def __post_init__(self):
        check_percents(self.valid_percent, self.test_percent)

    def open(self, paths: Sequence[Path], scratch: Path) -> TableSource:
        """The table at `paths[0]` and the files that it names; `scratch` is not used.

        Raises:
            DataError: more than one path, no such file, or no such table.
        """
        if len(paths) != 1:
            raise DataError(f"corpus csv takes one table, not {listed([str(p) for p in paths])}")
        return TableSource(paths[0])

    def wanted(self, name: str) -> bool:
        """True: a table names no other files."""
        return True

    def read(self, source: TableSource) -> Corpus:
        """The rows of the table.

        Raises:
            DataError: a class has no training recording.
        """
        rows = source.rows
        undecided = [row.recording for row in rows if row.recording.label and not row.split_given]
        recordings = [row.recording for row in rows if not row.recording.label or row.split_given]
        recordings += draw_splits(undecided, self.valid_percent, self.test_percent, self.seed)
        return Corpus(
            name=source.name,
            classes=tuple(sorted({r.label for r in recordings if r.label is not None})),
            recordings=tuple(r for r in recordings if r.file not in source.unusable),
            own_splits=not undecided,
            ignored_files=0,
            licence="",
            extra_labels=source.extra_labels,
            skipped=tuple(
                Skipped(r.source, source.unusable[r.file])
                for r in recordings
                if r.file in source.unusable
            ),
        )


def _parse(table: Path) -> tuple[tuple[_Row, ...], tuple[str, ...]]:
    """The table's rows and the names of its other columns."""
    lines = csv.reader(io.StringIO(_text(table), newline=""), strict=True, skipinitialspace=True)
    rows: list[_Row] = []
    header: list[str] = []
    line_of: dict[tuple[str, float], int] = {}
    try:
        for values in lines:
            values = [value.strip() for value in values]
            where = f"{table}:{lines.line_num}"
            if not any(values):
                continue
            if not header:
                header = _checked_header(values, where)
                continue
            if len(values) != len(header):
                raise DataError(f"{where} has {len(values)} values, the header {len(header)}")
            row = _row(dict(zip(header, values, strict=True)), table, where)
            clip = row.recording.file, row.recording.start_s
            if (other := line_of.setdefault(clip, lines.line_num)) != lines.line_num:
                raise DataError(f"{where} names {row.recording.source} again, as line {other} does")
            rows.append(row)
    except csv.Error as error:
        raise DataError(f"{table}:{lines.line_num} is no CSV: {error}") from error
    if not rows:
        raise DataError(f"{table} names no recording; looked for a header with path, then rows")
    return tuple(rows), tuple(column for column in header if column not in COLUMNS)


def _text(table: Path) -> str:
    try:
        content = table.read_bytes()
    except OSError as error:
        raise DataError(f"table {table} cannot be read: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{table}:{line} is not UTF-8: {error.reason}") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{table}:{line} has a NUL byte; save the table as plain text in UTF-8")
    return text


def _checked_header(header: list[str], where: str) -> list[str]:
    if "path" not in header:
        raise DataError(
            f"{where} has no column path; looked for a header like {','.join(COLUMNS)}, "
            f"found {','.join(header)}"
        )
    if "" in header:
        raise DataError(f"{where}: column {header.index('') + 1} has no name")
    if twice := sorted({column for column in header if header.count(column) > 1}):
        raise DataError(f"{where} has {listed(twice)} more than once")
    return header


def _row(values: dict[str, str], table: Path, where: str) -> _Row:
    path, label = values.pop("path"), values.pop("label", "")
    split, speaker = values.pop("split", ""), values.pop("speaker", "")
    start = values.pop("start_s", "") or "0"
    if not path:
        raise DataError(f"{where} has no path")
    if split not in ("", *SPLITS):
        raise DataError(f"{where}: split must be {', '.join(SPLITS)} or empty, not {split!r}")
    if not label and split not in ("", "train"):
        raise DataError(f"{where} has no label, so it belongs to train, not {split}")
    try:
        start_s = float(start)
    except ValueError:
        start_s = math.nan
    if not 0.0 <= start_s < math.inf:
        raise DataError(f"{where}: start_s must be seconds from 0 on, not {start!r}")
    start_s = round(start_s, 6)
    file = os.path.normpath(path)
    if os.path.isabs(file):
        below = os.path.relpath(file, os.path.abspath(table.parent))
        file = file if below.startswith(os.pardir) else below
    recording = Recording(
        file=file,
        source=clip_source(file, start_s),
        label=unicodedata.normalize("NFC", label) or None,
        speaker=speaker,
        split=split or "train",
        start_s=start_s,
        extra=tuple(values.values()),
    )
    return _Row(recording, bool(split))
