"""Processes that take turns: each holds one thing that is timed, and waits while another works."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


class Worker:
    """A process that runs `python -m MODULE --work=NAME` and does what it is asked."""

    def __init__(self, module: str, name: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, f"--work={name}"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, task: str):
        """Has a task done, whose words are its name and arguments; gives the answer."""
        self.process.stdin.write(task + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{' '.join(self.process.args)} ended at {task!r}")
        return json.loads(answer)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def answer(tasks: dict[str, Callable]) -> None:
    """The worker's side: tasks by their names, of strings, to what JSON can hold."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may print
    for line in sys.stdin:
        task, *arguments = line.split()
        answers.write(json.dumps(tasks[task](*arguments)) + "\n")
        answers.flush()


def timed(function: Callable[[], object]) -> dict[str, float]:
    """Seconds of a call, and how many cores it kept busy."""
    start, cpu = time.perf_counter(), time.process_time()
    function()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "cores_busy": (time.process_time() - cpu) / seconds}


def resident_mebibytes(name: str) -> float:
    """A line of /proc/self/status: VmRSS, resident now, or VmHWM, the most so far."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024


def resident_after_rest() -> float:
    """MiB resident once free memory is given back; VmHWM counts anew from here on."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return resident_mebibytes("VmRSS")


def machine() -> dict[str, object]:
    """What a result says of the machine that it was measured on."""
    return {"processor": processor(), "cores": os.cpu_count()}


def processor() -> str:
    """The processor's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "unknown")
