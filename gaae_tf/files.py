"""Files written whole or not at all, locks between processes, and digests."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

_PATTERN = re.compile(r"[][*?\\]")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_RESERVED = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{i}" for port in ("COM", "LPT") for i in range(10)),
}
_LONGEST = 60  # characters, of four bytes at most


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives a temporary name beside `path`, of the same ending, and renames it at the end.

    What was there before stays where anything fails.
    """
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked_file(path: Path, told: Callable[[], None] | None = None) -> Iterator[None]:
    """Holds a lock that one process, and one of its threads, has at a time; waits for it.

    A process that ends, in whatever way, no longer has it.

    Args:
        path: a file of the lock's own, made now and removed in the end.
        told: called once if another has the lock, before waiting.

    Raises:
        OSError: the file cannot be made.
    """
    lock = FileLock(path)
    try:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if told:
                told()
            lock.acquire()
    except OSError as error:  # filelock names the file by another path where there are links
        raise type(error)(error.errno, error.strerror, str(path)) from error
    try:
        yield
    finally:
        if os.name != "nt":  # there it goes when it is released
            # While it is held: who waits sees that its file is gone, and makes another.
            with contextlib.suppress(OSError):
                path.unlink()
        lock.release()


def no_run_folder(named: str) -> str:
    """The words for a run folder that is not there; `named` is how it was given, flag and all."""
    return f"{named} is no folder; give that of a training run"


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def move_folder(temporary: Path, folder: Path) -> None:
    """Renames a finished folder to its name; what was there goes once this is in place."""
    if not folder.exists():
        temporary.rename(folder)
        return
    replaced = folder.with_name(f".{folder.name}.{os.getpid()}.replaced")
    folder.rename(replaced)
    try:
        temporary.rename(folder)
    except BaseException:
        replaced.rename(folder)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def sha256(path: Path) -> str:
    """Digest of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def safe_name(name: str) -> str:
    """A name as a part of a file's name: itself where that is possible.

    Else what no file name can hold becomes "_", and a digest keeps two such names apart.
    """
    safe = _UNSAFE.sub("_", name).strip(". ")[:_LONGEST]
    if safe and safe == name and safe.upper() not in _RESERVED:
        return name
    return f"{safe or 'name'}_{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


@contextlib.contextmanager
def without_patterns(path: Path) -> Iterator[str]:
    """Gives a path to the same place in which TensorFlow sees no pattern.

    It takes `[`, `]`, `*`, `?` and backslashes in names of checkpoints for patterns, finds nothing,
    and calls the checkpoint broken.

    Args:
        path: of a file or a prefix of files; its own last part has none of these signs.
    """
    if not _PATTERN.search(str(path.parent)):
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="gaae_tf_") as folder:
        link = Path(folder) / "folder"
        link.symlink_to(path.parent.resolve(), target_is_directory=True)
        yield str(link / path.name)
