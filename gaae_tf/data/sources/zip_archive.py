"""A zip archive, whose files are read one by one and never unpacked."""

from __future__ import annotations

import stat
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

from gaae_tf.data.audio import BadAudio
from gaae_tf.data.sources.archive import DAMAGE, DAMAGE_ERRNOS, Archive
from gaae_tf.data.terms import DataError

_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class Zip(Archive):
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
        """Raises DataError of a file that is too large, encrypted or compressed otherwise."""
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
        """Content of the file; raises BadAudio if it is damaged."""
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
            if error.errno not in DAMAGE_ERRNOS:
                raise
            raise BadAudio(f"damaged in the archive: {error}") from error
        except DAMAGE as error:
            raise BadAudio(f"damaged in the archive: {error}") from error
        if len(content) != info.file_size:
            raise BadAudio(f"cut off in the archive: {len(content)} of {info.file_size} bytes")
        return content

    def size(self, name: str) -> int:
        """Its bytes, unpacked."""
        return self.files[name].file_size

    def identity(self, name: str) -> tuple[int, int]:
        """Its bytes and CRC-32."""
        return self.files[name].file_size, self.files[name].CRC

    def close(self) -> None:
        """Closes the archive."""
        self._zip.close()


def _zip_name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & 0x800 and info.create_system == 3:
        # From Unix and macOS: the bytes of the file's name, which zipfile takes for code page 437.
        name = name.encode("cp437").decode("utf-8", "surrogateescape")
    if info.create_system == 0:  # of DOS and Windows, where some write paths in their own way
        name = name.replace("\\", "/")
    return name
