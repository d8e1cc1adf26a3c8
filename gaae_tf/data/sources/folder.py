"""A folder of files, read where they are."""

from __future__ import annotations

import os
from pathlib import Path

from gaae_tf.data.sources.part import Part


class Folder(Part):
    """A folder; links to folders are followed, and each folder is entered once."""

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
        """Path of the file."""
        return self.path / name

    def size(self, name: str) -> int:
        """Its bytes."""
        return self.identity(name)[0]

    def identity(self, name: str) -> tuple[int, int]:
        """Its bytes, and when it was last changed, in nanoseconds."""
        try:
            found = os.stat(os.path.join(self.path, name))
        except OSError:  # whoever reads it will be told
            return 0, 0
        return found.st_size, found.st_mtime_ns
