"""The embedded notes of guitars, strings and mallet instruments."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.corpora.recording import Corpus, Reader
from gaae_tf.data.sources import Source, open_source
from gaae_tf.data.terms import DataError
from gaae_tf.files import sha256

NOTES = Path(__file__).parents[1] / "notes"


@dataclasses.dataclass(frozen=True)
class NotesReader(Reader):
    """Reads the notes that come with the program, checked against their SHA256SUMS."""

    corpus: ClassVar[str] = "notes"
    expects: ClassVar[str] = ""

    def open(self, paths: Sequence[Path], scratch: Path) -> Source:
        """The embedded folder; `paths` must be empty.

        Raises:
            DataError: a file is missing or damaged.
        """
        if paths:
            raise DataError(f"corpus notes is embedded and takes no source, not {paths[0]}")
        verify_sums(NOTES)
        return open_source([NOTES], self.wanted, scratch)

    def wanted(self, name: str) -> bool:
        """Whether it is audio, or the licence."""
        return FolderReader().wanted(name)

    def read(self, source: Source) -> Corpus:
        """The notes, which have splits of their own."""
        return FolderReader().read(source)


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
        found = sha256(path)
        if found != expected:
            raise DataError(f"{path} is damaged: SHA-256 is {found}, {sums} says {expected}")
