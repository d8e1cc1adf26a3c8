"""Runs the commands of a plan, one after the other."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence

from gaae_tf.experiments.plan import Step


class Stopped(Exception):
    """A signal asked to stop, and the command that ran was told.

    Attributes:
        signal_number: the signal.
    """

    def __init__(self, signal_number: int):
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number


def run_steps(steps: Iterable[Step], log: Callable[[str], None] = print) -> None:
    """Runs commands one after the other in the current folder, their output passed through.

    SIGINT and SIGTERM are passed on to the command that runs; when it ends, no further one begins.

    Raises:
        RuntimeError: a command failed, or did not leave what it should; it is named.
        Stopped: a signal came.
    """
    received: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        for step in steps:
            if received:
                raise Stopped(received[0])
            log(f"$ {step.text}")
            code = _run((sys.executable, *step.command), received)
            if received:
                raise Stopped(received[0])
            if code:
                raise RuntimeError(f"exit code {code} of: {step.text}")
            if not step.done():
                raise RuntimeError(f"exit code 0, but it did not finish its work: {step.text}")
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _run(command: Sequence[str], received: list[int]) -> int:
    """Exit code of a command, which is sent every signal that is received."""
    # A group of its own: a terminal's Ctrl-C would reach it beside what is passed on, and a second
    # signal makes train.py stop without saving.
    process = subprocess.Popen(command, process_group=0)
    passed = 0
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            for number in received[passed:]:
                process.send_signal(number)
                passed += 1
