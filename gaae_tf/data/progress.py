"""One line of progress on stderr: how much is done, how fast, how long it takes still."""

from __future__ import annotations

import sys
import time


class Progress:
    """Shows progress each second on a terminal, else each ten.

    Args:
        total: how much there is to do; 0 where nobody knows.
        unit: of it, as the line shall name it.
        shown: whether to show anything.
        done: how much an earlier process has done.
    """

    def __init__(self, total: int, unit: str, shown: bool = True, done: int = 0):
        self.total, self.unit, self.done = total, unit, done
        self._before = done
        self._stream = sys.stderr if shown else None
        self._terminal = shown and sys.stderr.isatty()
        self._started = self._last = time.monotonic()

    def step(self, amount: int = 1) -> None:
        """Tells that so much more is done."""
        self.done += amount
        now = time.monotonic()
        if self._stream and now - self._last > (1 if self._terminal else 10):
            self._last = now
            self._show(now)

    def close(self) -> None:
        """Shows where it ended."""
        if self._stream:
            self._show(time.monotonic())
            if self._terminal:
                print(file=self._stream)

    def _show(self, now: float) -> None:
        rate = (self.done - self._before) / max(now - self._started, 1e-3)
        speed = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s"
        line = f"{self.done:,} {self.unit}, {speed}"
        if self.total:
            left = (self.total - self.done) / max(rate, 1e-3)
            line = f"{self.done:,} of {self.total:,} {self.unit}, {speed}, {left:,.0f} s left"
        if self._terminal:
            print(f"\r{line}\033[K", end="", file=self._stream, flush=True)
        else:
            print(line, file=self._stream, flush=True)
