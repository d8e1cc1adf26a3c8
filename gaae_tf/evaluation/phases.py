"""Time and memory of a long command, phase by phase."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_EVERY_S = 0.05  # between two looks at the memory
_STATM = Path("/proc/self/statm")


class Phases:
    """Times phases that follow one another, and watches the memory of each.

    The peak is the largest resident set of the process that a thread saw when it looked, 20 times a
    second and at both ends: memory that is held for less than that can go unseen. The system's own
    high-water mark (`getrusage`) would miss nothing, but never falls, so that it would give every
    phase the largest peak before it. Where there is no `/proc`, as on macOS, the peak is None.

    Args:
        log: Receives the time since the beginning and a phase's name when it begins.
    """

    def __init__(self, log: Callable[[str], None] = lambda _: None) -> None:
        self._log, self._start = log, time.monotonic()
        self._records: list[dict[str, Any]] = []
        self._current: dict[str, Any] = {}

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._start

    def say(self, line: str) -> None:
        """Logs a line with the time since the beginning."""
        self._log(f"[{self.seconds:4.0f} s] {line}")

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times what is done inside; a phase that ends in an error is not kept."""
        self.say(name)
        record: dict[str, Any] = {"name": name}
        self._current = record
        watch, start = _Watch(), time.monotonic()
        try:
            yield
        finally:
            seconds, peak = time.monotonic() - start, watch.stop()
        record["seconds"] = round(seconds, 2)
        record["peak_rss_mib"] = peak
        if record.get("sounds"):
            record["sounds_per_second"] = round(record["sounds"] / seconds, 2)
        self._records.append(record)

    def count(self, sounds: int) -> None:
        """Tells how many sounds the phase that runs is about, for `sounds_per_second`."""
        self._current["sounds"] = sounds

    def records(self) -> list[dict[str, Any]]:
        """The phases that ended: `name`, `seconds`, `peak_rss_mib`, and what was put in; JSON."""
        return [dict(record) for record in self._records]


class _Watch:
    """A thread that keeps the largest resident set that it sees."""

    def __init__(self) -> None:
        self._peak, self._done = _resident_mib(), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        if self._peak is not None:
            self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(_EVERY_S):
            self._peak = max(self._peak, _resident_mib())

    def stop(self) -> int | None:
        if self._peak is None:
            return None
        self._done.set()
        self._thread.join()
        return max(self._peak, _resident_mib())


def _resident_mib() -> int | None:
    """Resident set of this process in MiB, None where the system does not tell."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20
