"""Files by name, wherever they are."""

from __future__ import annotations

import abc
from pathlib import Path


class Source(abc.ABC):
    """Files by name, wherever they are; a context manager that closes them.

    Names are relative, with "/"; what is not UTF-8 in them is kept as surrogate escapes.

    Attributes:
        name: the folder's or archive's, without the archive's extension; the first one's, if
            several.
        names: of the regular files wanted, sorted.
        folders: names of all folders but hidden ones, sorted; of an archive, those that it lists
            or implies.
        other_files: number of files that are not wanted or hidden; links and devices in an
            archive are among them. What is in hidden folders does not count.
        roots: of several, the folders that their names begin with; none where that is the same.
    """

    name: str
    names: tuple[str, ...]
    folders: tuple[str, ...]
    other_files: int
    roots: tuple[str, ...] = ()

    @abc.abstractmethod
    def audio(self, name: str) -> Path | bytes:
        """What `audio.decode_clip` takes; from any thread.

        Raises:
            BadAudio: the file is damaged in its archive.
        """

    @abc.abstractmethod
    def read_bytes(self, name: str) -> bytes:
        """Content of a file.

        Raises:
            DataError: it cannot be read.
        """

    @abc.abstractmethod
    def size(self, name: str) -> int:
        """Bytes of a file."""

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """Digest of names, sizes and times (in archives: checksums) of all files wanted."""

    def close(self) -> None:  # noqa: B027 (most have nothing to close)
        """Closes what is open."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_) -> None:
        self.close()
