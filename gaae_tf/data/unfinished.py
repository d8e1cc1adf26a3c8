"""A folder in the making, which a stopped or killed process leaves for the next one to finish.

It lies beside its final place, with `.NAME.lock` while a process works on it: `.NAME.partial` holds

    whole/          what will be renamed to NAME
    journal.jsonl   first who it is, then a line for each file of whole/ that is finished
    scratch/        whatever helps, such as an unpacked archive
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gaae_tf.files import locked_file


class UnfinishedFolder:
    """The folder in the making beside `out`; use `unfinished_folder` to open one.

    Attributes:
        whole: where files are written.
        scratch: for what is thrown away in the end.
        finished: what the journal tells of each finished file, by name.
        is_new: whether no earlier process left anything.
    """

    def __init__(self, out: Path):
        self.out = out
        self.path = _partial(out)
        self.whole = self.path / "whole"
        self.scratch = self.path / "scratch"
        self.finished: dict[str, dict[str, Any]] = {}
        self._journal = self.path / "journal.jsonl"
        self.is_new = not self._journal.exists()

    def begin(self, identity: str) -> bool:
        """Goes on where a process with the same identity stopped, or else starts over.

        Returns:
            Whether there was something to go on with.
        """
        lines = _read_journal(self._journal)
        self.finished = {}
        if lines and lines[0] == {"identity": identity} and self.whole.is_dir():
            for entry in lines[1:]:
                path = self.whole / entry["file"]
                if path.is_file() and path.stat().st_size == entry["bytes"]:
                    self.finished[entry["file"]] = entry
        else:
            shutil.rmtree(self.whole, ignore_errors=True)
            self._journal.unlink(missing_ok=True)
        self.whole.mkdir(exist_ok=True)
        # Written anew, so that a last line cut off by a kill is gone.
        temporary = self._journal.with_suffix(".new")
        entries = [{"identity": identity}, *self.finished.values()]
        temporary.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        temporary.replace(self._journal)
        return bool(self.finished)

    def record(self, file: str, entry: dict[str, Any]) -> None:
        """Notes that `whole/file` is finished; `entry` holds its size as `bytes`, and more."""
        with (self.whole / file).open("rb") as data:
            os.fsync(data.fileno())  # the journal must not know more than the disk
        entry = {"file": file, **entry}
        with self._journal.open("a") as journal:
            journal.write(json.dumps(entry) + "\n")
            journal.flush()
            os.fsync(journal.fileno())
        self.finished[file] = entry

    def move(self, overwrite: bool) -> None:
        """Renames `whole` to `out`; with `overwrite`, what was there goes once this is in place.

        Raises:
            OSError: `out` is there without `overwrite`, or cannot be written.
        """
        if not overwrite or not os.path.lexists(self.out):
            self.whole.rename(self.out)  # fails if somebody has made a folder in the meantime
            return
        old = Path(tempfile.mkdtemp(prefix="old-", dir=self.path))
        self.out.rename(old)
        try:
            self.whole.rename(self.out)
        except BaseException:
            old.rename(self.out)
            raise

    def remove(self) -> None:
        """Throws the folder in the making away."""
        shutil.rmtree(self.path, ignore_errors=True)


@contextlib.contextmanager
def unfinished_folder(out: Path, log: bool = True) -> Iterator[UnfinishedFolder]:
    """Opens the folder in the making beside `out`, waiting while another process works on it.

    Raises:
        OSError: the folder beside `out` cannot be written.
    """

    def tell() -> None:
        if log:
            print(f"another process is making {out}; waiting for it", file=sys.stderr)

    out.parent.mkdir(parents=True, exist_ok=True)
    with locked_file(out.parent / f".{out.name}.lock", tell):
        _partial(out).mkdir(exist_ok=True)
        yield UnfinishedFolder(out)


def _partial(out: Path) -> Path:
    return out.parent / f".{out.name}.partial"


def _read_journal(path: Path) -> list[dict[str, Any]]:
    """Its whole lines; a kill may have cut the last one off."""
    entries = []
    if path.is_file():
        for line in path.read_text().splitlines():
            try:
                entries.append(json.loads(line))
            except (ValueError, RecursionError):
                break
    return entries
