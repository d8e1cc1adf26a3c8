"""What zip and tar archives have in common: names, limits, damage."""

from __future__ import annotations

import contextlib
import errno
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from gaae_tf.data.sources.part import Part
from gaae_tf.data.terms import DataError

_LARGEST_BYTES = 2**30  # of a file in an archive
_LONGEST_NAME = 4096  # characters: no path that the system takes is longer
_DEEPEST_NAME = 64  # folders, all of which are remembered by their full names
_SUFFIX = re.compile(r"(\.tar)?\.(gz|bz2|xz)$|\.(zip|tar|tgz|tbz2?|txz)$", re.IGNORECASE)
# Of the decompressors, and of seeking to where a broken header says; others are the disk's.
DAMAGE_ERRNOS = (None, errno.EINVAL)
DAMAGE = (
    EOFError,
    NotImplementedError,  # of zipfile
    ValueError,  # numbers and names in broken headers
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class Archive(Part):
    """An archive, whose entries subclasses list with `_add`."""

    def __init__(self, path: Path):
        super().__init__(path)
        self.name = _SUFFIX.sub("", path.name) or path.name

    def _check_size(self, name: str, size: int) -> None:
        if size > _LARGEST_BYTES:
            raise DataError(
                f"{name} in {self.path} has {size:,} bytes, and no file in an archive may have "
                f"more than {_LARGEST_BYTES:,}; unpack the archive and give the folder"
            )

    def _add(self, entry: str, is_folder: bool, is_file: bool) -> str:
        """Takes an entry in, by its name in the archive, all but what `files` shall tell of it.

        Returns:
            Its name if it is a file that counts, else "".
        """
        if len(entry) > _LONGEST_NAME or entry.count("/") > _DEEPEST_NAME:
            raise DataError(
                f"{entry[:80]}… in {self.path} is a name of {len(entry)} characters and "
                f"{entry.count('/')} folders, and none may have more than {_LONGEST_NAME} and "
                f"{_DEEPEST_NAME}; unpack the archive and give the folder"
            )
        parts = [part for part in entry.split("/") if part not in ("", ".")]
        hidden = [part.startswith(".") or part == "__MACOSX" for part in parts]
        name = "/".join(parts)
        if ".." in parts:
            self.others += 1
        elif not parts or any(hidden[:-1]) or (is_folder and any(hidden)):
            return ""
        elif is_folder:
            self._add_folder(name)
        else:
            if self.files.pop(name, None):  # the last one of a name counts, as for tar
                self.others += 1
            if is_file and not any(hidden):
                self._add_folder(name.rpartition("/")[0])
                return name
            self.others += 1
        return ""

    def _add_folder(self, name: str) -> None:
        """Adds a folder and those that it lies in; "" for none."""
        self.tops.add(name.partition("/")[0])
        while name and name not in self.folders:
            self.folders.add(name)
            name = name.rpartition("/")[0]


@contextlib.contextmanager
def damage_of(path: Path) -> Iterator[None]:
    """Turns what is raised about a damaged archive into a DataError that names it."""
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        if error.errno not in DAMAGE_ERRNOS:
            raise
        raise DataError(f"archive {path} is damaged: {error}; fetch it again") from error
    except DAMAGE as error:
        raise DataError(f"archive {path} is damaged or cut off: {error}; fetch it again") from error
