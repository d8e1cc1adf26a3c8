"""Where recordings come from: folders, zip and tar archives, and several of them taken as one.

Folders and zip archives are read where they are. A tar archive can only be read from end to end, so
the files wanted are unpacked first. The names in an archive are keys and never become paths.
"""

from __future__ import annotations

import abc
import bz2
import contextlib
import errno
import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gaae_tf.data.audio import BadAudio
from gaae_tf.data.progress import Progress
from gaae_tf.data.terms import DataError

ACCEPTED = "a folder, .zip, .tar, .tar.gz, .tgz, .tar.bz2 or .tar.xz"

_LARGEST_BYTES = 2**30  # of a file in an archive
_SPARE_BYTES = 256 * 2**20  # left on the disk when unpacking
_COPIED_BYTES = 2**20  # at a time
_LONGEST_NAME = 4096  # characters: no path that the system takes is longer
_DEEPEST_NAME = 64  # folders, all of which are remembered by their full names
_EXTENSION_BYTES = 2**20  # of what extends a tar header: long names, PAX records
_FOLDER_FILES = 1000  # unpacked into one folder
_SUFFIX = re.compile(r"(\.tar)?\.(gz|bz2|xz)$|\.(zip|tar|tgz|tbz2?|txz)$", re.IGNORECASE)
_COMPRESSIONS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# Of the decompressors, and of seeking to where a broken header says; others are the disk's.
_DAMAGE_ERRNOS = (None, errno.EINVAL)
_DAMAGE = (
    EOFError,
    NotImplementedError,  # of zipfile
    ValueError,  # numbers and names in broken headers
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


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


def _open(path: Path, wanted: Callable[[str], bool], scratch: Path) -> _Part:
    if path.is_dir():
        return _Folder(path)
    if not path.exists():
        raise DataError(f"source {path} does not exist; give {ACCEPTED}")
    if not path.is_file():
        raise DataError(f"source {path} is no regular file; give {ACCEPTED}")
    with _damage_of(path):
        with path.open("rb") as file:
            head = file.read(6)
        if head.startswith(b"PK"):
            return _Zip(path)
        if _compression(head) or tarfile.is_tarfile(path):
            return _Tar(path, wanted, scratch)
        if zipfile.is_zipfile(path):  # with something before it
            return _Zip(path)
    raise DataError(f"source {path} is neither a folder nor a known archive; give {ACCEPTED}")


class _Files(Source):
    """The files of several parts."""

    def __init__(self, parts: Sequence[_Part], wanted: Callable[[str], bool]):
        self.name = parts[0].name
        self.other_files = sum(part.others for part in parts)
        self._parts = parts
        self._where: dict[str, tuple[_Part, str]] = {}  # part, and name in it
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

    def _check_alike(self, name: str, part: _Part, inner: str) -> None:
        first, first_inner = self._where[name]
        if first.path.resolve() == part.path.resolve():
            raise DataError(f"source {part.path} is given twice")
        if first.size(first_inner) != part.size(inner) or (
            _read_bytes(first, first_inner) != _read_bytes(part, inner)
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
        return _read_bytes(*self._where[name])

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


def _read_bytes(part: _Part, inner: str) -> bytes:
    try:
        content = part.audio(inner)
        return content if isinstance(content, bytes) else content.read_bytes()
    except (BadAudio, OSError) as error:
        raise DataError(f"{inner} of {part.path} cannot be read: {error}") from error


class _Part(abc.ABC):
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

    def __enter__(self) -> _Part:
        return self

    def __exit__(self, *_) -> None:
        self.close()


class _Folder(_Part):
    def __init__(self, path: Path):
        super().__init__(path)
        visited = {os.path.realpath(path)}
        links = self._walk("", visited)
        # Only after all that is really there, so that a link to it changes no name.
        while links:
            name = links.pop(0)
            real = os.path.realpath(path / name)
            if real not in visited:
                visited.add(real)
                self.folders.add(name)
                links += self._walk(name, visited)

    def _walk(self, start: str, visited: set[str]) -> list[str]:
        """Takes in all below the folder `start`; returns the links to folders, sorted."""
        links, waiting = [], [start]
        while waiting:
            below = waiting.pop()
            with os.scandir(self.path / below) as entries:
                for entry in entries:
                    name = f"{below}/{entry.name}" if below else entry.name
                    hidden = entry.name.startswith(".")
                    if not entry.is_dir():
                        # A broken link is taken for a file, so that it is missed when it is read.
                        if hidden or not (entry.is_file() or entry.is_symlink()):
                            self.others += 1
                        else:
                            self.files[name] = None
                    elif not hidden and entry.is_symlink():
                        links.append(name)
                    elif not hidden and (real := os.path.realpath(entry.path)) not in visited:
                        visited.add(real)
                        self.folders.add(name)
                        waiting.append(name)
        return sorted(links)

    def audio(self, name: str) -> Path:
        return self.path / name

    def size(self, name: str) -> int:
        return self.identity(name)[0]

    def identity(self, name: str) -> tuple[int, int]:
        try:
            found = os.stat(self.path / name)
        except OSError:  # whoever reads it will be told
            return 0, 0
        return found.st_size, found.st_mtime_ns


class _Archive(_Part):
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


class _Zip(_Archive):
    """A zip archive, whose files are read one by one and never unpacked."""

    def __init__(self, path: Path):
        super().__init__(path)
        self._zip = zipfile.ZipFile(path)
        self._lock = threading.Lock()  # zipfile's own guards reading, but not what counts readers
        for info in self._zip.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
            is_folder = info.filename.endswith("/")  # is_dir() fails of an empty name
            if name := self._add(_zip_name(info), is_folder, kind in (0, stat.S_IFREG)):
                self.files[name] = info

    def check(self, names: Sequence[str]) -> None:
        for name in names:
            info = self.files[name]
            self._check_size(name, info.file_size)
            if info.flag_bits & 1:
                raise DataError(
                    f"{name} in {self.path} is encrypted; unpack it and give the folder"
                )
            if info.compress_type not in _ZIP_METHODS:
                method = zipfile.compressor_names.get(info.compress_type, info.compress_type)
                raise DataError(
                    f"{name} in {self.path} is compressed by {method}, which cannot be read; "
                    "unpack it and give the folder"
                )

    def audio(self, name: str) -> bytes:
        info = self.files[name]
        try:
            with self._lock:
                file = self._zip.open(info)
            try:
                # One byte more than there should be, so that the end is met and checked.
                content = file.read(info.file_size + 1)
            finally:
                with self._lock:
                    file.close()
        except OSError as error:
            if error.errno not in _DAMAGE_ERRNOS:
                raise
            raise BadAudio(f"damaged in the archive: {error}") from error
        except _DAMAGE as error:
            raise BadAudio(f"damaged in the archive: {error}") from error
        if len(content) != info.file_size:
            raise BadAudio(f"cut off in the archive: {len(content)} of {info.file_size} bytes")
        return content

    def size(self, name: str) -> int:
        return self.files[name].file_size

    def identity(self, name: str) -> tuple[int, int]:
        return self.files[name].file_size, self.files[name].CRC

    def close(self) -> None:
        self._zip.close()


class _Unpacked(NamedTuple):
    """A file of a tar archive: its number where it was unpacked, else -1; its size and CRC-32."""

    number: int
    size: int
    crc: int


class _Tar(_Archive):
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
        return self._path(self.files[name].number)

    def size(self, name: str) -> int:
        return self.files[name].size

    def identity(self, name: str) -> tuple[int, int]:
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


_EXTENSIONS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
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
    opener = _compression(raw.read(6))
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


@contextlib.contextmanager
def _damage_of(path: Path) -> Iterator[None]:
    """Turns what is raised about a damaged archive into a DataError that names it."""
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        if error.errno not in _DAMAGE_ERRNOS:
            raise
        raise DataError(f"archive {path} is damaged: {error}; fetch it again") from error
    except _DAMAGE as error:
        raise DataError(f"archive {path} is damaged or cut off: {error}; fetch it again") from error


def _compression(head: bytes) -> Callable | None:
    """What opens a file that begins so."""
    for mark, opener in _COMPRESSIONS.items():
        if head.startswith(mark):
            return opener
    return None


def _zip_name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & 0x800 and info.create_system == 3:
        # From Unix and macOS: the bytes of the file's name, which zipfile takes for code page 437.
        name = name.encode("cp437").decode("utf-8", "surrogateescape")
    if info.create_system == 0:  # of DOS and Windows, where some write paths in their own way
        name = name.replace("\\", "/")
    return name
