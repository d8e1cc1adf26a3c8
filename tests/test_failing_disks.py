"""Trainings whose run folder or data set fails below them, and that go on after the mend."""

import dataclasses
import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf
from test_fit import assert_same_state
from test_interruptions import PATIENCE_S, last_step, start, wait_until
from test_systems import system_config

from gaae_tf.data.terms import DataError
from gaae_tf.training import fit
from gaae_tf.training.callbacks import TensorBoardLogger
from gaae_tf.training.storage import StorageError, told_of_failing_storage

SETTINGS = {"steps": 200, "steps_per_call": 2, "checkpoint_every": 2}


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 MiB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a disk of its own cannot be mounted here, which needs root: {error}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk):
    """Writes until nothing more goes onto the disk."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        while shutil.disk_usage(disk).free:
            filler.write(bytes(4096))


def remount(disk, how):
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def assert_newest_checkpoint_is_whole(run_dir):
    folder = Path(run_dir) / "checkpoints"
    sums = max(folder.glob("step-*.sha256"), key=lambda of: int(of.stem[5:]))
    check = ["sha256sum", "--check", "--quiet", sums.name]
    subprocess.run(check, cwd=folder, check=True)


@pytest.mark.slow
def test_a_full_disk_and_then_a_read_only_one_lose_nothing(small_disk, tiny_dataset, tmp_path):
    config = system_config("wavegan", tiny_dataset, small_disk / "run", **SETTINGS)
    output = tmp_path / "output"
    process = start(config, tmp_path)
    try:
        wait_until(process, lambda: last_step(config.run_dir) >= 4, tmp_path)
        fill(small_disk)
        assert process.wait(PATIENCE_S) == 1
    finally:
        process.kill()
        process.wait()
    said = output.read_text()
    assert f"\ntrain.py: {config.run_dir} can no longer be written or read: " in said
    assert "No space left on device" in said.splitlines()[-1]
    assert_newest_checkpoint_is_whole(config.run_dir)
    assert 4 <= last_step(config.run_dir) < config.steps
    (small_disk / "filler").unlink()

    remount(small_disk, "ro")
    assert start(config, tmp_path).wait(PATIENCE_S) == 1
    said = output.read_text().splitlines()[-1]
    assert said == f"train.py: [Errno 30] Read-only file system: '{config.run_dir}/lock'"
    assert_newest_checkpoint_is_whole(config.run_dir)
    remount(small_disk, "rw")

    assert start(config, tmp_path).wait(PATIENCE_S) == 0, output.read_text()[-2000:]
    whole = dataclasses.replace(config, run_dir=str(tmp_path / "whole"))
    fit.train(whole)
    assert_same_state(whole.run_dir, config.run_dir)


def flip_a_bit(shard):
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)


DAMAGES = {
    "is missing": Path.unlink,
    "bytes": lambda shard: os.truncate(shard, shard.stat().st_size // 2),
    "is damaged": flip_a_bit,
}


@pytest.mark.slow
def test_a_shard_harmed_in_mid_training_is_named_when_it_is_next_read(
    tiny_dataset, tmp_path, monkeypatch
):
    """Clips are in memory from the start: the training itself does not notice."""
    data = shutil.copytree(tiny_dataset, tmp_path / "data")
    shard = min(data.glob("train-*.tfrecord"))

    class Harming(TensorBoardLogger):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            shard.unlink(missing_ok=True)

    config = system_config("wavegan", data, tmp_path / "run", **SETTINGS | {"steps": 12})
    with monkeypatch.context() as patch:
        patch.setattr(fit, "TensorBoardLogger", Harming)
        fit.train(dataclasses.replace(config, steps=8))
    assert not shard.exists()
    saved = sorted((tmp_path / "run/checkpoints").iterdir())
    for words, harm in DAMAGES.items():
        shutil.copy(tiny_dataset / shard.name, shard)
        harm(shard)
        with pytest.raises(DataError, match=words) as refused:
            fit.train(config)
        assert str(shard) in str(refused.value)
    assert sorted((tmp_path / "run/checkpoints").iterdir()) == saved
    shutil.copy(tiny_dataset / shard.name, shard)
    fit.train(config)

    whole = dataclasses.replace(config, run_dir=str(tmp_path / "whole"))
    fit.train(whole)
    assert_same_state(whole.run_dir, config.run_dir)


def test_a_failing_disk_is_told_from_a_gpu_without_memory_and_from_other_errors(tmp_path):
    message = "{{node Save}} /x/step-1.data; No space left on device [Op:SaveV2]"
    with (
        pytest.raises(StorageError, match=r"written or read: /x/step-1.data; No space left"),
        told_of_failing_storage(tmp_path),
    ):
        raise tf.errors.ResourceExhaustedError(None, None, message)
    for error in (
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
        OSError(errno.EEXIST, os.strerror(errno.EEXIST)),
        ValueError("No space left on device"),
    ):
        with pytest.raises(type(error)) as passed_on, told_of_failing_storage(tmp_path):
            raise error
        assert passed_on.value is error
