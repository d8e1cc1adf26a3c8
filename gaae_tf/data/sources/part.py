"""A folder or an archive, of which a source may have several."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from pathlib import Path

from gaae_tf.data.audio import BadAudio
from gaae_tf.data.terms import DataError


class Part(abc.ABC):
    """A folder or an archive.

    Attributes:
        path: of it.
        name: its own, without an archive's extension.
        tops: names at the top of an archive, "" for a file's.
        files: all regular files but hidden ones, by name.
        folders: names of all folders but hidden ones.
        others: number of hidden files, links and devices.
    """

    def __init__(self, path: Path):
        self.path = path
        # Through links, so that "." has a name; but an archive keeps the name that it is given.
        name = path.resolve().name if path.is_dir() else path.name
        self.name = name
        self.tops: set[str] = set()
        self.files: dict = {}
        self.folders: set[str] = set()
        self.others = 0

    @property
    def top(self) -> str:
        """The one folder that holds all of an archive, "" without one."""
        return next(iter(self.tops)) if len(self.tops) == 1 else ""

    @property
    def root(self) -> str:
        """`top`, or else `name`."""
        return self.top or self.name

    @abc.abstractmethod
    def audio(self, name: str) -> Path | bytes:
        """As of `Source`."""

    @abc.abstractmethod
    def size(self, name: str) -> int:
        """As of `Source`."""

    @abc.abstractmethod
    def identity(self, name: str) -> tuple[int, int]:
        """Size of a file, and its time or checksum."""

    def check(self, names: Sequence[str]) -> None:  # noqa: B027 (archives check)
        """Raises DataError unless the files can be read, as far as that is known before."""

    def close(self) -> None:  # noqa: B027 (most have nothing to close)
        """Closes what is open."""

    def __enter__(self) -> Part:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def read_bytes_of(part: Part, inner: str) -> bytes:
    """Content of a part's file; raises DataError if it cannot be read."""
    try:
        content = part.audio(inner)
        return content if isinstance(content, bytes) else content.read_bytes()
    except (BadAudio, OSError) as error:
        raise DataError(f"{inner} of {part.path} cannot be read: {error}") from error
