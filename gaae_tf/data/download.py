"""Fetches the official archives of corpora, when asked to: resumed, retried, checked."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gaae_tf.data.archives import Archive
from gaae_tf.data.progress import Progress
from gaae_tf.data.terms import DataError
from gaae_tf.files import locked_file

_TRIES = 5  # that bring nothing new, one after the other
_WAIT_S = 1.0  # before the next one; twice as long for each that brought nothing
_TIMEOUT_S = 60.0  # without a byte
_BLOCK_BYTES = 2**18
_SPARE_BYTES = 64 * 2**20  # left on the disk
_MB = 10**6


def download(archive: Archive, folder: Path, progress: bool = True) -> Path:
    """Path of an archive in a folder, where it is fetched to now unless it is there already.

    It is written as `FILE.part`, which a later call goes on with if the server can, and renamed
    when it is whole and checked. Connections that fail are tried again. A second process that
    fetches the same waits for the first.

    Args:
        archive: what to fetch.
        folder: where to, made if needed.
        progress: whether to tell on stderr how it goes.

    Raises:
        DataError: the server does not have it, has something else or cannot be reached; the
            disk is too small; or a file of this name is there and is not the archive.
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / archive.file
    if not path.exists():
        with _locked_part(path, progress) as part:
            if not path.exists():  # as another process may have fetched it meanwhile
                _fetch(archive, part, progress)
                part.finish(archive, progress)
                return path
    if wrong := _wrong(archive, path, progress):
        raise DataError(f"{path} is not what {archive.url} is: {wrong}; remove it to fetch it anew")
    return path


class _Interrupted(Exception):
    """The connection failed; another try may not."""


class _Part:
    """The file in the making, open, and beside it a note on what it is a part of."""

    def __init__(self, path: Path, whole: Path, file: BinaryIO):
        self.path = path
        self.whole = whole
        self.file = file
        self._note = whole.with_name(f"{whole.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return os.fstat(self.file.fileno()).st_size

    def version(self, url: str) -> str:
        """What the server called the version that this is a part of, "" if nothing is known."""
        try:
            note = json.loads(self._note.read_bytes())
        except (OSError, ValueError):
            return ""
        return note["version"] if note["url"] == url else ""

    def write(self, block: bytes) -> None:
        """Appends a block; it is not held back, so a kill loses nothing."""
        rest = memoryview(block)
        while rest:
            rest = rest[self.file.write(rest) :]

    def restart(self, url: str = "", version: str = "") -> None:
        """Throws away what is there; what comes is of another version."""
        self.file.truncate(0)
        self._note.write_text(json.dumps({"url": url, "version": version}))

    def finish(self, archive: Archive, progress: bool) -> None:
        """Checks and renames it, or removes it."""
        os.fsync(self.file.fileno())
        self.file.close()  # Windows renames no open file
        if wrong := _wrong(archive, self.path, progress):
            self.remove()
            raise DataError(
                f"{archive.url} is not what it should be: {wrong}; what was fetched is removed, so "
                "the next try starts over"
            )
        if progress and not archive.checksum:
            found = _digest("sha256", self.path, progress)
            print(f"{self.whole} is sha256:{found}; nothing to compare it with", file=sys.stderr)
        self.path.replace(self.whole)
        self._note.unlink(missing_ok=True)

    def remove(self) -> None:
        """Throws it away."""
        self.file.close()
        self._note.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked_part(whole: Path, progress: bool) -> Iterator[_Part]:
    """The file in the making, once no other process writes it; removed if it stays empty."""

    def tell() -> None:
        if progress:
            print(f"another process is fetching {whole}; waiting for it", file=sys.stderr)

    path = whole.with_name(f"{whole.name}.part")
    with (
        locked_file(whole.with_name(f"{path.name}.lock"), tell),
        path.open("ab", buffering=0) as file,
    ):
        part = _Part(path, whole, file)
        try:
            yield part
        finally:
            if path.exists() and not part.size:
                part.remove()


def _fetch(archive: Archive, part: _Part, progress: bool) -> None:
    """Completes the file in the making, with as many connections as it takes."""
    furthest, tries = part.size, 0
    if progress:
        begun = f", going on after {furthest // _MB:,} MB" if furthest else ""
        print(f"fetching {archive.url} to {part.whole}{begun}", file=sys.stderr)
    while archive.bytes is None or part.size != archive.bytes:
        try:
            _receive(archive, part, progress)
            return
        except _Interrupted as error:
            tries = 0 if part.size > furthest else tries + 1
            furthest = max(furthest, part.size)
            if tries >= _TRIES:
                raise DataError(
                    f"{archive.url} cannot be fetched: {error}, {tries} times in a row; "
                    f"{part.size:,} bytes are kept in {part.path}, and the next try goes on there"
                ) from error
            wait_s = _WAIT_S * 2**tries
            if progress:
                print(f"{error}; trying again in {wait_s:g} s", file=sys.stderr)
            time.sleep(wait_s)


def _receive(archive: Archive, part: _Part, progress: bool) -> None:
    """Goes on with the file in the making, over one connection."""
    version = part.version(archive.url)
    if part.size and not (version or archive.checksum):
        part.restart()  # nothing would tell if the file has changed
    headers = {"User-Agent": "gaae_tf", "Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if version:
            headers["If-Range"] = version
    with _opened(urllib.request.Request(archive.url, headers=headers)) as response:
        start, total = _extent(response)
        if response.status == 416:  # nothing comes after what is there
            if part.size == total:
                return
            part.restart()
            raise _Interrupted(f"{archive.url} has become shorter")
        now = _version(response)
        if start and (start != part.size or (version and now and now != version)):
            part.restart()
            raise _Interrupted(f"{archive.url} has changed")
        if archive.bytes is not None and total not in (None, archive.bytes):
            raise DataError(
                f"{archive.url} has {total:,} bytes instead of {archive.bytes:,}; its publisher "
                "has changed it, or something on the way answers instead"
            )
        total = archive.bytes if total is None else total
        if total is not None:
            _check_disk(archive, part, total - part.size)
        if not start:  # the whole file comes, asked for or not
            part.restart(archive.url, now)
        meter = Progress(
            -(-(total or 0) // _MB), f"MB of {part.whole.name}", progress, start // _MB
        )
        try:
            while part.size != total:
                block = _block(response, total - part.size if total else _BLOCK_BYTES)
                if not block:
                    break
                part.write(block)
                meter.step(part.size // _MB - meter.done)
            if part.size == total:
                meter.step(meter.total - meter.done)
        finally:
            meter.close()
    if total is not None and part.size < total:
        raise _Interrupted(f"connection closed after {part.size:,} of {total:,} bytes")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but none from https to http."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if req.type == "https" and urllib.parse.urlsplit(newurl).scheme != "https":
            raise DataError(f"{req.full_url} redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()  # build_opener would add file: and ftp:
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        _Redirects,
    ):
        opener.add_handler(handler())
    return opener


@contextlib.contextmanager
def _opened(request: urllib.request.Request) -> Iterator[http.client.HTTPResponse]:
    """The server's answer: all of the file, a part, or 416 if there is none from there on."""
    url = request.full_url
    try:
        response = _opener().open(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            error.close()
            if error.code in (408, 425, 429) or error.code >= 500:
                raise _Interrupted(f"the server says {error.code} {error.reason}") from error
            raise DataError(f"{url}: the server says {error.code} {error.reason}") from error
        response = error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise DataError(f"{url}: the server's certificate is refused: {reason}") from error
        raise _Interrupted(f"no connection: {reason or type(reason).__name__}") from error
    with response:
        yield response


def _block(response: http.client.HTTPResponse, most: int) -> bytes:
    try:
        return response.read1(min(most, _BLOCK_BYTES))
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(f"connection lost: {error or type(error).__name__}") from error


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Where what the server sends begins in the file, and the size of the whole, if it tells."""
    if response.status == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    extent = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", extent.strip())
    if response.status != 416 and (response.status != 206 or not match or not match[1]):
        raise _Interrupted(f"the server answers {response.status} with the range {extent!r}")
    start, total = match.groups() if match else (None, None)
    return int(start or 0), None if total is None else int(total)


def _version(response: http.client.HTTPResponse) -> str:
    """What names this version of the file, for If-Range; "" without any."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _check_disk(archive: Archive, part: _Part, needed: int) -> None:
    free = shutil.disk_usage(part.path.parent).free
    if needed + _SPARE_BYTES > free:
        raise DataError(
            f"too little disk for {archive.url}: it needs {needed:,} bytes more, and "
            f"{free:,} are free where {part.path.parent} is; keep {_SPARE_BYTES:,} to spare"
        )


def _wrong(archive: Archive, path: Path, progress: bool) -> str:
    """What is wrong with a file, "" if nothing is."""
    found = path.stat().st_size
    if archive.bytes is not None and found != archive.bytes:
        return f"it has {found:,} bytes, expected {archive.bytes:,}"
    if archive.checksum:
        algorithm, _, expected = archive.checksum.partition(":")
        digest = _digest(algorithm, path, progress)
        if digest != expected:
            return f"its checksum is {algorithm}:{digest}, expected {archive.checksum}"
    return ""


def _digest(algorithm: str, path: Path, progress: bool) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    meter = Progress(-(-path.stat().st_size // _MB), f"MB of {path.name} checked", progress)
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
            meter.step(file.tell() // _MB - meter.done)
    meter.step(meter.total - meter.done)
    meter.close()
    return digest.hexdigest()
