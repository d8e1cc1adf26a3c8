"""Folders and archives, opened as one source."""

from __future__ import annotations

import contextlib
import hashlib
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from gaae_tf.data.sources.archive import damage_of
from gaae_tf.data.sources.folder import Folder
from gaae_tf.data.sources.part import Part, read_bytes_of
from gaae_tf.data.sources.source import Source
from gaae_tf.data.sources.tar_archive import Tar, compression
from gaae_tf.data.sources.zip_archive import Zip
from gaae_tf.data.terms import DataError

ACCEPTED = "a folder, .zip, .tar, .tar.gz, .tgz, .tar.bz2 or .tar.xz"


def open_source(paths: Sequence[Path], wanted: Callable[[str], bool], scratch: Path) -> Source:
    """Opens folders and archives as one source.

    Names are those below the folder, or below the folder at an archive's top that all of it is in.
    Of several paths, names begin with the name of that folder (or of an archive without one), so
    that nsynth-train.tar.gz and nsynth-valid.tar.gz have `nsynth-train/...` and
    `nsynth-valid/...`, unless it is the same for all paths. A file that two paths hold alike
    is taken once.

    Links to folders are followed, but each folder is entered once. Hidden folders are not entered.

    Args:
        paths: folders and archives; what a file is, its content tells.
        wanted: whether a file is needed, by its name.
        scratch: folder for what must be unpacked, made if needed; a later call finds it there.

    Raises:
        DataError: a path is missing or neither folder nor archive; an archive is damaged, cut off
            or encrypted; paths hold different files of one name; the disk is too small.
    """
    if not paths:
        raise DataError(f"no source is given; a source is {ACCEPTED}")
    with contextlib.ExitStack() as opened:
        parts = [opened.enter_context(_open(Path(path), wanted, scratch)) for path in paths]
        source = _Files(parts, wanted)
        opened.pop_all()
    return source


def _open(path: Path, wanted: Callable[[str], bool], scratch: Path) -> Part:
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        raise DataError(f"source {path} does not exist; give {ACCEPTED}")
    if not path.is_file():
        raise DataError(f"source {path} is no regular file; give {ACCEPTED}")
    with damage_of(path):
        with path.open("rb") as file:
            head = file.read(6)
        if head.startswith(b"PK"):
            return Zip(path)
        if compression(head) or tarfile.is_tarfile(path):
            return Tar(path, wanted, scratch)
        if zipfile.is_zipfile(path):  # with something before it
            return Zip(path)
    raise DataError(f"source {path} is neither a folder nor a known archive; give {ACCEPTED}")


class _Files(Source):
    """The files of several parts."""

    def __init__(self, parts: Sequence[Part], wanted: Callable[[str], bool]):
        self.name = parts[0].name
        self.other_files = sum(part.others for part in parts)
        self._parts = parts
        self._where: dict[str, tuple[Part, str]] = {}  # part, and name in it
        alike = len({part.root for part in parts}) == 1
        if not alike:
            self.roots = tuple(dict.fromkeys(part.root for part in parts))
        folders = set()
        for part in parts:
            before = "" if alike else f"{part.root}/"
            top = f"{part.top}/" if part.top else ""
            if not alike:
                folders.add(part.root)
            below = {folder.removeprefix(top) for folder in part.folders if folder != part.top}
            folders |= {before + folder for folder in below}
            for inner in part.files:
                name = before + inner.removeprefix(top)
                if not wanted(name):
                    self.other_files += 1
                elif name not in self._where:
                    self._where[name] = part, inner
                else:
                    self._check_alike(name, part, inner)
                    self.other_files += 1
        self.names = tuple(sorted(self._where))
        self.folders = tuple(sorted(folders))
        for part in parts:
            part.check([inner for owner, inner in self._where.values() if owner is part])

    def _check_alike(self, name: str, part: Part, inner: str) -> None:
        first, first_inner = self._where[name]
        if first.path.resolve() == part.path.resolve():
            raise DataError(f"source {part.path} is given twice")
        if first.size(first_inner) != part.size(inner) or (
            read_bytes_of(first, first_inner) != read_bytes_of(part, inner)
        ):
            raise DataError(
                f"{first.path} and {part.path} hold different files of the name {name}; "
                "give only one of them, or rename one"
            )

    def audio(self, name: str) -> Path | bytes:
        """Path of the file, or its content from a zip archive."""
        part, inner = self._where[name]
        return part.audio(inner)

    def read_bytes(self, name: str) -> bytes:
        """Content of the file."""
        return read_bytes_of(*self._where[name])

    def size(self, name: str) -> int:
        """Its bytes."""
        part, inner = self._where[name]
        return part.size(inner)

    def fingerprint(self) -> str:
        """Digest of names, sizes and times or checksums."""
        digest = hashlib.sha256()
        for name in self.names:
            part, inner = self._where[name]
            size, stamp = part.identity(inner)
            digest.update(f"{name}\0{size}\0{stamp}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def close(self) -> None:
        """Closes the archives."""
        for part in self._parts:
            part.close()
