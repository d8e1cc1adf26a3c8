"""The line that a training shows: step, time left, accuracy on validation clips, a few losses."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping

# Time left is estimated once steps of one kind have been timed for so long: what is compiled first
# takes its time once, and a single step says little.
_LEAST_SECONDS = 10.0


class ProgressLine:
    """Shows how a training goes on, each second on a terminal, else each ten.

        step 1,250 of 60,000, 3 h 12 min left, C 44.0 %, R 0.0703, Cl 0.512, G -0.31

    No time is shown before there is an estimate worth the name, or a limit.

    Args:
        steps: how many there are in all.
        step: the step at which this process begins.
        names: the logs to show, in this order.
        shown: whether to show anything.

    Attributes:
        accuracy: C's accuracy on validation clips as last measured, in [0, 1]; None for none.
    """

    def __init__(self, steps: int, step: int, names: tuple[str, ...], shown: bool = True):
        self.accuracy: float | None = None
        self._steps, self._names = steps, names
        self._stream = sys.stdout if shown else None
        self._interval = 1.0 if shown and sys.stdout.isatty() else 10.0
        self._step, self._logs = step, {}
        self._left = math.inf
        self._timed_from = None  # step and moment at which the last call that compiled ended
        self._last = -math.inf

    def update(
        self,
        step: int,
        logs: Mapping[str, float],
        allowed_seconds: float = math.inf,
        compiled: bool = False,
    ) -> None:
        """Shows the line if it is time to.

        Args:
            step: steps made so far.
            logs: of the steps just made; a name that they lack is left out.
            allowed_seconds: time that the training may still take; `math.inf` for any.
            compiled: whether these steps were compiled first, and so are of a kind that is new.
        """
        now = time.monotonic()
        self._step, self._logs = step, logs
        if compiled or self._timed_from is None:
            self._timed_from = (step, now)
        first, since = self._timed_from
        self._left = allowed_seconds
        if step > first and now - since >= _LEAST_SECONDS:
            self._left = min((self._steps - step) * (now - since) / (step - first), self._left)
        self._left = max(self._left, 0.0)  # the last call may end after the time allowed
        if now - self._last >= self._interval:
            self._last = now
            self._show()

    def close(self) -> None:
        """Shows the line a last time, with no time left."""
        self._left = math.inf
        self._show()
        if self._stream and self._stream.isatty():
            print(file=self._stream, flush=True)

    def _show(self) -> None:
        if not self._stream:
            return
        parts = [f"step {self._step:,} of {self._steps:,}"]
        if math.isfinite(self._left):
            parts.append(f"{_duration(self._left)} left")
        if self.accuracy is not None:
            parts.append(f"C {100.0 * self.accuracy:.1f} %")
        parts += [f"{name} {self._logs[name]:.3g}" for name in self._names if name in self._logs]
        line = ", ".join(parts)
        if self._stream.isatty():
            print(f"\r{line}\033[K", end="", file=self._stream, flush=True)
        else:
            print(line, file=self._stream, flush=True)


def _duration(seconds: float) -> str:
    """Seconds in words: 45 s, 12 min or 3 h 07 min."""
    minutes = round(seconds / 60.0)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"
