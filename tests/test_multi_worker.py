"""Several processes train as one does. They talk over the loopback interface."""

import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_callbacks import read
from test_fit import assert_same_state, state, tiny_config

from gaae_tf.training import fit

# Slow: every process imports TensorFlow and compiles for itself.

ROOT = Path(__file__).parents[1]
STEPS = 20
# Trains a tiny BigGAN, with batch statistics and spectral vectors, and saves what came of it.
TRAINING = """
import sys
sys.path.insert(0, "tests")
import gaae_tf, keras, numpy as np
import tensorflow as tf
devices = [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[2])
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
if sys.argv[1] == "multi_worker":
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
elif len(devices) > 1:
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(len(devices))])
else:
    strategy = tf.distribute.get_strategy()
import test_biggan
from gaae_tf.training.strategy import this_worker
with strategy.scope():
    model = test_biggan.biggan(optimizer=lambda: keras.optimizers.SGD(0.01))
def stream(context):
    here = context.num_replicas_in_sync // context.num_input_pipelines
    first = here * context.input_pipeline_id
    def rows(part, replica):
        each = len(part) // context.num_replicas_in_sync
        return part[(first + replica) * each : (first + replica + 1) * each]
    elements = [
        tf.nest.map_structure(
            lambda part: rows(part, replica), test_biggan.batches(batch=12, seed=seed)
        )
        # With these seeds no activation lies so near the kink of a ReLU that rounding decides.
        for seed in range(100, 100 + {steps}) for replica in range(here)
    ]
    parts = tf.nest.map_structure(lambda *parts: tf.stack(parts), *elements)
    return tf.data.Dataset.from_tensor_slices(parts)
batches = iter(strategy.distribute_datasets_from_function(stream))
@tf.function
def step():
    return strategy.run(model.train_step, args=(next(batches),))
for _ in range({steps}):
    step()
if this_worker(sys.argv[1]).is_chief:
    np.savez(sys.argv[3], *[weight.numpy() for weight in model.weights])
""".replace("{steps}", str(STEPS))

# The gradients of one worker's batch overflow, its loss does not; then no one's do. Each worker
# saves its weights and scale after both.
OVERFLOW = """
import sys
sys.path.insert(0, "tests")
import gaae_tf, keras, numpy as np
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
from gaae_tf.systems.classifier import Classifier
from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.training.strategy import this_worker
index = this_worker("multi_worker").index
with strategy.scope():
    network = SimpleClassifier(3, seed=1, dtype="mixed_float16")
    network.build((None, 16, 16, 1))
    model = Classifier(network)
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
x = tf.random.stateless_normal([4, 16, 16, 1], [1, index])
y = tf.one_hot([0, 1, 2, 0], 3)
steps = [x * (1000.0 if index == 1 else 1.0), x]
data = tf.data.Dataset.from_tensor_slices(((tf.stack(steps), tf.stack([y, y])),))
batches = iter(strategy.distribute_datasets_from_function(lambda context: data))
@tf.function
def step():
    return strategy.run(model.train_step, args=(next(batches),))
saved = {}
for when in ("before", "overflow", "after"):
    if when != "before":
        logs = step()
        for name in ("C_loss", "gradient_norm_C"):
            saved[f"{name}_{when}"] = logs[name].numpy()
    saved[f"scale_{when}"] = model.classifier_optimizer.dynamic_scale.numpy()
    for i, weight in enumerate(model.classifier.weights):
        saved[f"{when}_{i}"] = weight.numpy()
np.savez(f"{sys.argv[1]}/{index}.npz", **saved)
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def started(command, workers, log_dir):
    """Processes of one command, each with its TF_CONFIG; their output is in log_dir/INDEX.log."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    processes = []
    for index in range(workers):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"TF_CONFIG": json.dumps(cluster), "CUDA_VISIBLE_DEVICES": "-1"}
        with (log_dir / f"{index}.log").open("w") as log:
            processes.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
                )
            )
    return processes


def ended(processes, timeout=400):
    """Exit codes; the processes are killed if they take too long."""
    try:
        return [process.wait(timeout) for process in processes]
    finally:
        for process in processes:
            process.kill()


def weights_of(topology, devices, workers, folder):
    out = folder / f"{topology}-{devices}-{workers}.npz"
    command = [sys.executable, "-c", TRAINING, topology, str(devices), str(out)]
    codes = ended(started(command, workers, folder))
    assert codes == [0] * workers, (folder / "0.log").read_text()[-2000:]
    with np.load(out) as saved:
        return list(saved.values())


@pytest.fixture(scope="module")
def weights_of_one(tmp_path_factory):
    return weights_of("one", 1, 1, tmp_path_factory.mktemp("one"))


@pytest.mark.parametrize(
    ("topology", "devices", "workers"),
    [
        pytest.param("mirrored", 2, 1, marks=pytest.mark.long),
        pytest.param("mirrored", 4, 1, marks=pytest.mark.slow),
        pytest.param("multi_worker", 1, 2, marks=pytest.mark.slow),
        pytest.param("multi_worker", 1, 3, marks=pytest.mark.long),
    ],
)
def test_weights_after_twenty_steps_are_those_of_one_device(
    weights_of_one, topology, devices, workers, tmp_path
):
    weights = weights_of(topology, devices, workers, tmp_path)
    for a, b in zip(weights_of_one, weights, strict=True):
        # Gradients of some biases cancel, the head's over examples, others' because a batch
        # normalisation follows: what is left of them, 1e-3 and less, has errors of its terms' size.
        assert np.abs(a - b).max() <= max(2e-5 * np.abs(a).max(), 5e-8)


def arguments(config):
    return [sys.executable, "train.py", *config.to_flags().split()]


@pytest.fixture
def config(tiny_dataset, tmp_path):
    settings = {"model": "classifier", "guided_dim": 128, "discriminator_steps": 2}
    settings |= {"non_local_bins": 128, "reestimate_batches": 16}
    return tiny_config(tiny_dataset, tmp_path / "run", **settings, strategy="multi_worker", steps=6)


@pytest.mark.slow
def test_two_workers_make_a_run_that_one_device_continues(config, tmp_path):
    assert ended(started(arguments(config), 2, tmp_path)) == [0, 0]
    first, second = ((tmp_path / f"{i}.log").read_text() for i in range(2))
    assert "2 device(s) in 2 processes; step 0 of 6" in first
    assert "This is worker 1; worker 0 shows progress and saves." in second
    assert (tmp_path / "run" / "export").is_dir()
    assert not (tmp_path / "run" / "lock").exists()
    fit.train(dataclasses.replace(config, strategy="one", steps=8))
    assert int(state(tmp_path / "run")["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 8


@pytest.mark.long
def test_two_workers_train_a_gaae_that_one_device_continues(tiny_dataset, tmp_path):
    run_dir = tmp_path / "run"
    config = tiny_config(
        tiny_dataset, run_dir, strategy="multi_worker", steps=4, checkpoint_every=4, summary_every=2
    )
    assert ended(started(arguments(config), 2, tmp_path)) == [0, 0]
    assert [step for step, _ in read(run_dir / "logs")["spectrograms"]] == [2, 4]
    fit.train(dataclasses.replace(config, strategy="one", steps=8))
    after = state(run_dir)
    assert int(after["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 8
    assert all(np.isfinite(after[name]).all() for name in after if after[name].dtype.kind == "f")


@pytest.mark.long
def test_stopped_workers_go_on_bit_for_bit(config, tmp_path):
    whole = dataclasses.replace(config, run_dir=str(tmp_path / "whole"))
    assert ended(started(arguments(whole), 2, tmp_path)) == [0, 0]
    for steps in (3, 6):
        part = dataclasses.replace(config, steps=steps)
        assert ended(started(arguments(part), 2, tmp_path)) == [0, 0]
    assert_same_state(tmp_path / "whole", tmp_path / "run")


def wait_for(path, pattern, seconds=200):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if re.search(pattern, path.read_text(errors="replace")):
            return
        time.sleep(0.2)
    raise AssertionError(f"{pattern} did not come in {path}: {path.read_text()[-1000:]}")


@pytest.mark.parametrize(
    "lost",
    [pytest.param(0, marks=pytest.mark.long), pytest.param(1, marks=pytest.mark.slow)],
)
def test_if_a_worker_is_killed_the_others_say_so_within_a_minute(config, tmp_path, lost):
    endless = dataclasses.replace(config, steps=10**6)
    processes = started(arguments(endless), 2, tmp_path)
    try:
        wait_for(tmp_path / "0.log", r"step [\d,]{2,} of 1,000,000")  # past a checkpoint
        processes[lost].kill()
        killed = time.monotonic()
        other = processes[1 - lost]
        assert other.wait(timeout=60) != 0
        assert time.monotonic() - killed < 60
    finally:
        ended(processes)
    log = (tmp_path / f"{1 - lost}.log").read_text(errors="replace")
    assert "another process was lost about step" in log
    assert "Start all of them again with the same commands" in log
    step = int(state(tmp_path / "run")["step/.ATTRIBUTES/VARIABLE_VALUE"])
    again = dataclasses.replace(config, steps=step + 2)
    assert ended(started(arguments(again), 2, tmp_path)) == [0, 0]


@pytest.mark.slow
def test_a_signal_to_one_worker_saves_and_ends_all(config, tmp_path):
    processes = started(
        arguments(dataclasses.replace(config, steps=10**6, checkpoint_every=10**6)), 2, tmp_path
    )
    try:
        wait_for(tmp_path / "0.log", r"step [1-9][\d,]* of 1,000,000")
        processes[1].send_signal(signal.SIGTERM)
        assert [process.wait(timeout=60) for process in processes] == [143, 143]
    finally:
        ended(processes)
    assert int(state(tmp_path / "run")["step/.ATTRIBUTES/VARIABLE_VALUE"]) > 0


@pytest.mark.slow
def test_an_overflow_on_one_worker_is_left_out_by_all(tmp_path):
    command = [sys.executable, "-c", OVERFLOW, str(tmp_path)]
    assert ended(started(command, 2, tmp_path), timeout=120) == [0, 0]
    first, second = (dict(np.load(tmp_path / f"{i}.npz")) for i in range(2))
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert np.isfinite(first["C_loss_overflow"])  # else the loop would take it for a divergence
    assert not np.isfinite(first["gradient_norm_C_overflow"])
    assert first["scale_overflow"] == first["scale_before"] / 2
    assert first["scale_after"] == first["scale_overflow"]
    names = [name.removeprefix("before_") for name in first if name.startswith("before_")]
    for name in names:
        np.testing.assert_array_equal(first[f"overflow_{name}"], first[f"before_{name}"])
    assert any(
        not np.array_equal(first[f"after_{name}"], first[f"before_{name}"]) for name in names
    )
