"""A tar archive, whose wanted files are unpacked under numbers."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import json
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gaae_tf.data.progress import Progress
from gaae_tf.data.sources.archive import Archive
from gaae_tf.data.terms import DataError

_SPARE_BYTES = 256 * 2**20  # left on the disk when unpacking
_COPIED_BYTES = 2**20  # at a time
_EXTENSION_BYTES = 2**20  # of what extends a tar header: long names, PAX records
_FOLDER_FILES = 1000  # unpacked into one folder
_COMPRESSIONS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_EXTENSIONS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


class _Unpacked(NamedTuple):
    """A file of a tar archive: its number where it was unpacked, else -1; its size and CRC-32."""

    number: int
    size: int
    crc: int


class Tar(Archive):
    """A tar archive whose wanted files are unpacked under numbers.

    Its folder in `scratch` holds 00000/000, 00000/001, ... and, once it is whole, `entries.json`.
    """

    def __init__(self, path: Path, wanted: Callable[[str], bool], scratch: Path):
        super().__init__(path)
        self._wanted = wanted
        found = path.stat()
        identity = f"{path.resolve()}\0{found.st_size}\0{found.st_mtime_ns}"
        digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
        self._folder = scratch / f"unpacked-{digest[:16]}"
        if not self._unpacked_before():
            self.tops, self.files, self.folders, self.others = set(), {}, set(), 0
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            try:
                self._unpack(found.st_size)
            except Exception:
                shutil.rmtree(self._folder, ignore_errors=True)
                raise

    def audio(self, name: str) -> Path:
        """Path of the unpacked file."""
        return self._path(self.files[name].number)

    def size(self, name: str) -> int:
        """Its bytes."""
        return self.files[name].size

    def identity(self, name: str) -> tuple[int, int]:
        """Its bytes and CRC-32."""
        return self.files[name].size, self.files[name].crc

    def _path(self, number: int) -> Path:
        return self._folder / f"{number // _FOLDER_FILES:05}" / f"{number % _FOLDER_FILES:03}"

    def _may_be_wanted(self, name: str) -> bool:
        """Whether any name that a file may get in the end is wanted, as far as `top` is known."""
        top = f"{self.top}/" if self.top else ""
        return any(map(self._wanted, {name, name.removeprefix(top), f"{self.name}/{name}"}))

    def _unpacked_before(self) -> bool:
        """Whether an earlier call unpacked all that is wanted now; if so, takes it over."""
        try:
            entries = json.loads((self._folder / "entries.json").read_bytes())
        except (OSError, ValueError):
            return False
        self.files = {name: _Unpacked(*entry) for name, entry in entries["files"].items()}
        self.folders, self.others = set(entries["folders"]), entries["others"]
        self.tops = set(entries["tops"])
        for name, entry in self.files.items():
            if entry.number < 0:
                if self._may_be_wanted(name):
                    return False
                continue
            try:
                if self._path(entry.number).stat().st_size != entry.size:
                    return False
            except OSError:
                return False
        return True

    def _unpack(self, archive_bytes: int) -> None:
        megabytes = 10**6
        meter = Progress(-(-archive_bytes // megabytes), f"MB of {self.path.name} unpacked")
        written = number = 0
        with self.path.open("rb") as raw:
            for member, archive in _members(raw):
                meter.step(raw.tell() // megabytes - meter.done)
                name = self._add(member.name, member.isdir(), member.isreg())
                if not name:
                    continue
                self.files[name] = _Unpacked(-1, member.size, 0)
                if self._may_be_wanted(name):
                    self._check_size(name, member.size)
                    self._check_disk(member.size, written, raw.tell() / archive_bytes)
                    path = self._path(number)
                    path.parent.mkdir(exist_ok=True)
                    self.files[name] = _Unpacked(number, member.size, _copy(archive, member, path))
                    number += 1
                    written += member.size
        meter.step(meter.total - meter.done)
        meter.close()
        entries = {
            "tops": sorted(self.tops),
            "files": self.files,
            "folders": sorted(self.folders),
            "others": self.others,
        }
        temporary = self._folder / "entries.new"
        temporary.write_text(json.dumps(entries))
        temporary.replace(self._folder / "entries.json")

    def _check_disk(self, size: int, written: int, share: float) -> None:
        """Raises DataError unless `size` more bytes can be written, with some to spare."""
        free = shutil.disk_usage(self._folder).free
        if size + _SPARE_BYTES <= free:
            return
        missing = size + _SPARE_BYTES - free
        if share > 0.01:
            missing = max(missing, round(written * (1 / share - 1)) + _SPARE_BYTES - free)
        raise DataError(
            f"too little disk to unpack {self.path}: {free // 10**6:,} MB are free where "
            f"{self._folder.parent} is, after {written // 10**6:,} MB were unpacked; free about "
            f"{-(-missing // 10**6):,} MB more there, or unpack it elsewhere and give the folder"
        )


class _Member(tarfile.TarInfo):
    """A header that must be whole: tarfile itself takes a broken one for the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> _Member:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _EXTENSIONS and member.size > _EXTENSION_BYTES:  # read into memory whole
            raise tarfile.ReadError(f"a header extended by {member.size:,} bytes")
        return member

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _Member:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error} in the middle, or no mark at the end") from error


def _members(raw: BinaryIO) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    """Each member of a tar archive with the archive, to read it from before going on."""
    opener = compression(raw.read(6))
    raw.seek(0)
    stream = opener(raw) if opener else contextlib.nullcontext(raw)
    with (
        stream as content,
        tarfile.open(
            fileobj=content,
            mode="r|",
            bufsize=_COPIED_BYTES,
            tarinfo=_Member,
            encoding="utf-8",
            errors="surrogateescape",
        ) as archive,
    ):
        while (member := archive.next()) is not None:
            archive.members = []  # it would keep them all
            yield member, archive
        while content.read(_COPIED_BYTES):  # the compression's own end and checksum come last
            pass


def _copy(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> int:
    """Writes a member's content to `path`; returns its CRC-32."""
    crc = copied = 0
    with archive.extractfile(member) as content, path.open("wb") as file:
        while block := content.read(_COPIED_BYTES):
            file.write(block)
            crc = zlib.crc32(block, crc)
            copied += len(block)
    if copied != member.size:
        raise tarfile.ReadError(f"{copied} of {member.size} bytes of {member.name}")
    return crc


def compression(head: bytes) -> Callable | None:
    """What opens a file that begins so."""
    for mark, opener in _COMPRESSIONS.items():
        if head.startswith(mark):
            return opener
    return None
