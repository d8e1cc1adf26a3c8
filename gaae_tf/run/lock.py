"""One training a run folder: a lock that tells which process holds it.

The file `lock` holds the process's id, its host and when it started. A kill leaves it behind, and
so does a second signal; whoever comes next on the same host sees that its process is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from gaae_tf.files import locked_file
from gaae_tf.run import names as run_names


@contextlib.contextmanager
def locked(run_dir: Path) -> Iterator[None]:
    """Holds the lock of a run folder, which is made if absent; gives it back however it is left.

    A lock that a process of this host left behind is taken over, which is said on one line.

    Raises:
        ValueError: another process trains in the folder, or may do so on another host.
        OSError: the folder cannot be written.
    """
    made = not run_dir.exists()
    run_dir.mkdir(parents=True, exist_ok=True)
    path = run_dir / run_names.LOCK
    mine = _acquire(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # a disk that fails has its own error to tell
            if path.read_text() == mine:
                path.unlink()
        if made:
            with contextlib.suppress(OSError):
                run_dir.rmdir()  # if nothing was written


def _acquire(path: Path) -> str:
    """Makes the lock file; returns its text."""
    mine = json.dumps(
        {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "start_ticks": _start_ticks(os.getpid()),
            "locked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
    # Of two processes that find a lock left behind, the second finds the first one's.
    with _alone(path):
        if path.exists():
            _check_left_behind(path)
            path.unlink()
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:  # another host was faster
            _check_left_behind(path)
            raise
        try:
            with os.fdopen(file, "w") as lock:
                lock.write(mine)
        except OSError:  # an empty one would keep out whoever comes once the disk is mended
            path.unlink()
            raise
    return mine


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keeps other processes of this host from making or taking over the lock file meanwhile."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked_file(path.with_name(f".{path.name}.guard")))
        except OSError as error:  # of the folder; users know the lock by its own name
            raise type(error)(error.errno, error.strerror, str(path)) from error
        yield


def _check_left_behind(path: Path) -> None:
    """Prints whose the lock was; raises ValueError unless it was left behind on this host."""
    try:
        lock = json.loads(path.read_text())
        pid, host, since = int(lock["pid"]), str(lock["host"]), str(lock["locked_at"])
        start_ticks = None if lock["start_ticks"] is None else int(lock["start_ticks"])
        if not 0 < pid < 2**31:
            raise ValueError(f"pid {pid}")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{path} is not a lock that can be read ({error!r}); if no training runs in "
            f"{path.parent}, delete {path}"
        ) from error
    if host != socket.gethostname():
        raise ValueError(
            f"{path.parent} is locked by process {pid} on host {host} since {since}, which cannot "
            f"be seen from {socket.gethostname()}; if no training runs there, delete {path}"
        )
    if _runs(pid, start_ticks):
        raise ValueError(
            f"process {pid} trains in {path.parent} since {since}; wait for it, stop it, or name "
            "another --run_dir"
        )
    print(f"{path} was left by process {pid}, which no longer runs; taken over.", flush=True)


def _runs(pid: int, start_ticks: int | None) -> bool:
    """Whether the process runs, and is the one that started then, as far as that can be known."""
    if os.name == "nt":  # where os.kill ends it
        return _runs_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    now = _start_ticks(pid)
    return now is None or start_ticks is None or now == start_ticks


def _runs_on_windows(pid: int) -> bool:
    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    handle = kernel32.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return ctypes.get_last_error() == 5  # ERROR_ACCESS_DENIED: another user's
    code = ctypes.c_ulong()
    known = kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel32.CloseHandle(handle)
    return not known or code.value == 259  # STILL_ACTIVE


def _start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None without /proc; -1 if it is dead."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()  # the name before may have any character
    return -1 if state in "ZX" else int(fields[18])
