import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gaae_tf.commands import opening, train
from gaae_tf.run import lock as run_lock

REPOSITORY = Path(__file__).parents[1]


def lock_of(run_dir):
    return json.loads((run_dir / "lock").read_text())


def leave_lock(run_dir, **changes):
    """A lock as this process would leave it, but for `changes`."""
    with run_lock.locked(run_dir):
        lock = lock_of(run_dir) | changes
    (run_dir / "lock").write_text(json.dumps(lock))


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_names_its_process_and_goes_with_it(tmp_path):
    with run_lock.locked(tmp_path):
        lock = lock_of(tmp_path)
        assert (lock["pid"], lock["host"]) == (os.getpid(), socket.gethostname())
    assert list(tmp_path.iterdir()) == []


def test_an_error_releases_the_lock_and_a_folder_without_anything_in_it(tmp_path):
    with pytest.raises(ZeroDivisionError), run_lock.locked(tmp_path / "runs" / "x"):
        raise ZeroDivisionError
    assert not (tmp_path / "runs" / "x").exists()


def test_a_disk_that_was_full_leaves_no_lock_behind(tmp_path, monkeypatch):
    class Full:
        def __init__(self, file, _):
            os.close(file)

        def __enter__(self):
            raise OSError(errno.ENOSPC, "No space left on device")

        def __exit__(self, *_):
            pass

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", Full)
        with pytest.raises(OSError, match="No space"), run_lock.locked(tmp_path):
            pass
    with run_lock.locked(tmp_path):  # after the mend
        pass


def test_a_disk_that_turned_read_only_tells_its_own_error(tmp_path, monkeypatch):
    def read_only(_):
        raise OSError(errno.EROFS, "Read-only file system")

    lock = run_lock.locked(tmp_path)
    lock.__enter__()
    monkeypatch.setattr(Path, "unlink", read_only)
    error = OSError(errno.EROFS, "Read-only file system", "checkpoints/step-1")
    assert not lock.__exit__(OSError, error, None)  # and so it goes on as it came


def test_sigterm_of_a_command_releases_the_lock(tmp_path, monkeypatch, capsys):
    def main(*_):
        with run_lock.locked(tmp_path):
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(train, "main", main)
    assert opening.run("train", []) == 128 + signal.SIGTERM
    assert "interrupted" in capsys.readouterr().err.lower()
    assert not (tmp_path / "lock").exists()


def test_a_running_process_keeps_its_lock(tmp_path):
    with run_lock.locked(tmp_path):
        with (
            pytest.raises(ValueError, match=rf"process {os.getpid()} trains in .*--run_dir"),
            run_lock.locked(tmp_path),
        ):
            pass
        assert lock_of(tmp_path)["pid"] == os.getpid()


def test_the_lock_of_a_process_that_ended_is_taken_over_with_one_line(tmp_path, capsys):
    pid = ended_process()
    leave_lock(tmp_path, pid=pid)
    with run_lock.locked(tmp_path):
        assert lock_of(tmp_path)["pid"] == os.getpid()
    printed = capsys.readouterr().out
    assert printed == f"{tmp_path / 'lock'} was left by process {pid}, which no longer runs; " + (
        "taken over.\n"
    )


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times are /proc's")
def test_a_process_that_got_the_number_of_a_dead_one_does_not_hold_its_lock(tmp_path, capsys):
    with run_lock.locked(tmp_path):
        ticks = lock_of(tmp_path)["start_ticks"]
    leave_lock(tmp_path, start_ticks=ticks - 1)
    with run_lock.locked(tmp_path):
        assert lock_of(tmp_path)["start_ticks"] == ticks
    assert "taken over" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="states are /proc's")
def test_a_killed_process_that_nobody_waited_for_does_not_hold_its_lock(tmp_path, capsys):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        leave_lock(tmp_path, pid=process.pid, start_ticks=run_lock._start_ticks(process.pid))
        with pytest.raises(ValueError, match="trains in"), run_lock.locked(tmp_path):
            pass
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with run_lock.locked(tmp_path):
            pass
    assert "taken over" in capsys.readouterr().out


def test_the_lock_of_another_host_is_refused_with_what_to_delete(tmp_path):
    leave_lock(tmp_path, pid=ended_process(), host="elsewhere")
    with (
        pytest.raises(ValueError, match=rf"on host elsewhere .*delete {tmp_path / 'lock'}$"),
        run_lock.locked(tmp_path),
    ):
        pass
    assert lock_of(tmp_path)["host"] == "elsewhere"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": 0, "host": "h"}', "\x00"])
def test_a_lock_that_cannot_be_read_is_refused_with_what_to_delete(text, tmp_path):
    (tmp_path / "lock").write_text(text)
    with (
        pytest.raises(ValueError, match=r"not a lock that can be read .*delete .*lock$"),
        run_lock.locked(tmp_path),
    ):
        pass
    assert (tmp_path / "lock").read_text() == text


def test_a_lock_that_another_process_made_meanwhile_is_left_alone(tmp_path):
    with run_lock.locked(tmp_path):
        (tmp_path / "lock").write_text("another's")
    assert (tmp_path / "lock").read_text() == "another's"


@pytest.mark.slow
def test_a_second_command_on_a_run_folder_ends_and_touches_nothing(tmp_path):
    with run_lock.locked(tmp_path):
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        command = [sys.executable, "train.py", "--dataset=notes", f"--run_dir={tmp_path}"]
        second = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
        assert second.returncode == 1
        assert f"train.py: process {os.getpid()} trains in {tmp_path} since" in second.stderr
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
