"""Trainings that are killed or told to stop, as processes of their own.

GAAE_TF_KILLS sets how often each is killed; CONTRIBUTING.md tells of the long form.
"""

import dataclasses
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_fit import assert_same_state, tiny_config
from test_systems import system_config

from gaae_tf.training import fit

REPOSITORY = Path(__file__).parents[1]
KILLS = int(os.environ.get("GAAE_TF_KILLS", "3"))
PATIENCE_S = 600.0

pytestmark = pytest.mark.slow


def start(config, tmp_path):
    """Trains in a process of its own; its output goes to a file, which no full pipe can stop."""
    flags = tmp_path / "run.flags"
    flags.write_text(config.to_flags())
    command = [sys.executable, "train.py", f"--flagfile={flags}"]
    with (tmp_path / "output").open("a") as output:
        return subprocess.Popen(command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT)


def wait_until(process, happened, tmp_path):
    """Waits for `happened()`; fails if the process ends before, or after long."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        output = (tmp_path / "output").read_text()[-2000:]
        assert process.poll() is None, f"ended with {process.returncode}: {output}"
        assert time.monotonic() < end, output
        time.sleep(0.005)


def last_step(run_dir):
    steps = (int(path.stem[5:]) for path in Path(run_dir).glob("checkpoints/step-*.index"))
    return max(steps, default=0)


def unfinished(run_dir):
    """What kills left of checkpoints in the making."""
    paths = Path(run_dir).glob("checkpoints/**/.unfinished")
    return {(path, path.stat().st_ino) for path in paths}


@pytest.mark.parametrize("model", [pytest.param("gaae", marks=pytest.mark.long), "wavegan"])
def test_a_run_killed_at_random_moments_ends_as_an_unbroken_one(model, tiny_dataset, tmp_path):
    """A third of the kills come before the first step, the rest among steps and checkpoints."""
    settings = {"steps": 8 * (KILLS + 1), "steps_per_call": 2, "checkpoint_every": 1}
    if model == "gaae":
        config = tiny_config(tiny_dataset, tmp_path / "killed", **settings)
    else:
        config = system_config(model, tiny_dataset, tmp_path / "killed", **settings)
    moments = random.Random(5)
    in_writing = 0
    for kill in range(KILLS):
        reached = last_step(config.run_dir) + moments.randint(1, 3)
        left_before = unfinished(config.run_dir)
        process = start(config, tmp_path)
        try:
            if kill % 3 == 1:
                time.sleep(moments.uniform(0.0, 8.0))
            else:
                wait_until(process, lambda: last_step(config.run_dir) >= reached, tmp_path)  # noqa: B023
                time.sleep(moments.uniform(0.0, 0.3))
            assert process.poll() is None, "it ended before it was killed: give it more steps"
        finally:
            process.kill()
            process.wait()
        in_writing += bool(unfinished(config.run_dir) - left_before)
    assert last_step(config.run_dir) < config.steps
    process = start(config, tmp_path)
    output = tmp_path / "output"
    assert process.wait(PATIENCE_S) == 0, output.read_text()[-2000:]
    taken_over = output.read_text().count("which no longer runs; taken over")
    print(f"{KILLS} kills, {in_writing} in a checkpoint's writing, {taken_over} locks taken over")
    assert taken_over >= 1
    assert "is broken" not in output.read_text()
    assert not (Path(config.run_dir) / "lock").exists()
    assert not unfinished(config.run_dir)

    whole = dataclasses.replace(config, run_dir=str(tmp_path / "whole"))
    fit.train(whole)
    assert_same_state(whole.run_dir, config.run_dir)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_leaves_within_half_a_minute(number, tiny_dataset, tmp_path):
    settings = {"steps": 10**6, "checkpoint_every": 10**6}
    config = system_config("wavegan", tiny_dataset, tmp_path / "run", **settings)
    process = start(config, tmp_path)
    output = tmp_path / "output"
    try:
        wait_until(
            process,
            lambda: re.search(r"step [1-9][\d,]* of 1,000,000", output.read_text()),
            tmp_path,
        )
        process.send_signal(number)
        assert process.wait(30.0) == 128 + number, output.read_text()[-2000:]
    finally:
        process.kill()
        process.wait()
    assert "type the same command again" in output.read_text()
    assert last_step(config.run_dir) >= 2
    assert not (Path(config.run_dir) / "lock").exists()


def test_a_second_signal_ends_the_process_in_the_middle_of_a_call(tiny_dataset, tmp_path):
    settings = {"steps": 10**6, "checkpoint_every": 10**6, "steps_per_call": 10**5}
    config = system_config("wavegan", tiny_dataset, tmp_path / "run", **settings)
    process = start(config, tmp_path)
    output = tmp_path / "output"
    try:
        wait_until(process, lambda: "Compiling the training step" in output.read_text(), tmp_path)
        time.sleep(20.0)  # compiled by then, or else in the middle of that
        process.send_signal(signal.SIGTERM)
        wait_until(process, lambda: "a second signal stops at once" in output.read_text(), tmp_path)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5.0) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    assert last_step(config.run_dir) == 0
