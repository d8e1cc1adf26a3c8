"""The training loop: compiled calls, and between them what watches over a run.

Callbacks, checkpoints, signals, values that are not finite, workers that are gone, disks that fail.
`Model.fit` is not used because it does not run under every strategy and cannot save in mid-call.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import keras
import numpy as np
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.run.checkpoints import Checkpoints
from gaae_tf.systems.system import System
from gaae_tf.training.progress import ProgressLine
from gaae_tf.training.storage import told_of_failing_storage
from gaae_tf.training.strategy import agreed, this_worker

# Of the learning rates, what is left at the end of a training whose rates fall. Not zero: a run
# that is continued with more steps goes on at this share.
LAST_RATE_SCALE = 0.01

# A signal waits for the call in progress, and who sends one may wait for half a minute only.
_LONGEST_CALL_SECONDS = 10.0


class NonFiniteError(RuntimeError):
    """A loss term or gradient stopped being finite; the message names step and term."""


class WorkerLostError(RuntimeError):
    """Another of the processes that train together ended, or cannot be reached."""


class Interrupted(Exception):
    """A signal asked the training to stop; its state was saved.

    Attributes:
        signal_number: the signal.
    """

    def __init__(self, signal_number: int):
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number


def run_steps(
    model: System,
    stream: Callable[[tf.distribute.InputContext], tf.data.Dataset],
    strategy: tf.distribute.Strategy,
    config: TrainConfig,
    checkpoints: Checkpoints,
    validate=lambda: None,
    callbacks: list[keras.callbacks.Callback] = (),
) -> None:
    """The loop: several iterations a compiled call, then callbacks, checkpoints and signals.

    Raises:
        NonFiniteError: a loss or gradient was not finite.
        WorkerLostError: under --strategy=multi_worker, another process ended.
        StorageError: the run folder cannot be written any more.
        Interrupted: SIGINT or SIGTERM came; the state is saved.
    """
    batches = iter(strategy.distribute_datasets_from_function(stream))
    run_start, run = (
        _compiled(model, of_step, batches, strategy, config)
        for of_step in (getattr(model, "start_step", None), model.train_step)
    )
    callbacks = keras.callbacks.CallbackList(list(callbacks), model=model)
    pace = _Pace(config, model.start_steps, int(model.step.numpy()))
    shown = model.PROGRESS_NAMES or model.LOSS_NAMES[:3]
    line = ProgressLine(config.steps, pace.step, shown, this_worker(config.strategy).is_chief)
    callbacks.on_train_begin()
    seconds_allowed = config.max_minutes * 60.0 or math.inf
    trained = checkpoints.trained_seconds
    with (
        _caught_signals() as received,
        _told_of_lost_workers(config, checkpoints),
        told_of_failing_storage(Path(config.run_dir)),
    ):
        while pace.step < config.steps and float(trained.numpy()) < seconds_allowed:
            count = pace.next_call()
            start = time.perf_counter()
            share = float(trained.numpy()) / seconds_allowed
            history, waited = (run_start if pace.starting else run)(count, share)
            seconds = time.perf_counter() - start
            _check_finite(history, pace.step, config, _diverging_replicas(model, strategy))
            # Of several processes, so that they decide alike.
            stopped, seconds = agreed(strategy, len(received) > 0, seconds)
            pace.made(count, seconds)
            trained.assign_add(seconds)
            logs = {name: float(values.mean()) for name, values in history.items()}
            line.update(pace.step, logs, seconds_allowed - float(trained.numpy()), pace.compiled)
            # A share near 1: the input is too slow.
            logs |= {"steps_per_second": count / seconds, "waiting_share": waited / seconds}
            if stopped:
                _save_and_stop(checkpoints, received)
            callbacks.on_train_batch_end(pace.step - 1, logs)
            if pace.step % config.checkpoint_every == 0 and pace.step < config.steps:
                line.accuracy = _saved(checkpoints, validate())
        if pace.step > 0:
            line.accuracy = _saved(checkpoints, validate())
        line.close()
        callbacks.on_train_end()
        if agreed(strategy, len(received) > 0)[0]:  # while the last state was measured and saved
            raise _interruption(received)


class _Pace:
    """How many iterations the next compiled call makes.

    One while it is not known how long an iteration takes, for the first call compiles; then as many
    as a signal can wait for. A call ends where a checkpoint is due, and with the start.

    Args:
        config: of the training.
        start_steps: iterations of the start, which are compiled apart.
        step: iterations made so far.

    Attributes:
        step: iterations made so far.
        starting: whether the call that `next_call` told of is one of the start's.
        compiled: whether the last call was compiled first.
    """

    def __init__(self, config: TrainConfig, start_steps: int, step: int):
        self.step = step
        self.starting = step < start_steps
        self.compiled = False
        self._config, self._start_steps = config, start_steps
        self._longest, self._compiling = 1, True

    def next_call(self) -> int:
        """Iterations of the next call, at least one."""
        if self.starting and self.step >= self._start_steps:
            self.starting, self._longest, self._compiling = False, 1, True
        every = self._config.checkpoint_every
        ends = [self._config.steps - self.step, every - self.step % every]
        if self.starting:
            ends.append(self._start_steps - self.step)
        return min(self._longest, *ends)

    def made(self, count: int, seconds: float) -> None:
        """Takes note of a call that made `count` iterations in `seconds`."""
        self.step += count
        if not self._compiling:
            most = 1 + int(_LONGEST_CALL_SECONDS * count / seconds)
            self._longest = min(self._config.steps_per_call, most)
        self.compiled, self._compiling = self._compiling, False


def _compiled(
    model: System,
    of_step: Callable | None,
    batches: Iterator,
    strategy: tf.distribute.Strategy,
    config: TrainConfig,
) -> Callable[[int, float], tuple[dict[str, np.ndarray], float]]:
    """What runs iterations of one kind, several in a compiled call.

    Returns:
        A function of how many iterations, and of the share of --max_minutes that has passed; it
        gives their logs, float32 [count] by name, and the seconds that they waited for batches.
    """
    names = []  # of what the step reports, in the order of LOG_NAMES

    @tf.function
    def iterate(count, late_share):
        history = tf.TensorArray(tf.float32, size=count, infer_shape=False)
        waited = tf.zeros([], tf.float64)
        for i in tf.range(count):
            # Nothing else orders the clock: first the step before, then the batch.
            with tf.control_dependencies([waited, history.flow]):
                asked = tf.timestamp()
            with tf.control_dependencies([asked]):
                batch = next(batches)
            with tf.control_dependencies(tf.nest.flatten(batch, expand_composites=True)):
                waited += tf.timestamp() - asked
            if config.learning_rate_decay == "linear":
                step_share = tf.cast(model.step.value, tf.float32) / config.steps
                left = rate_scale(tf.maximum(step_share, late_share))
                model.rate_scale.assign(tf.minimum(model.rate_scale, left))
            logs = strategy.run(of_step, args=(batch,))
            names[:] = [name for name in model.LOG_NAMES if name in logs]
            # Every replica reports the means over the global batch.
            first = [strategy.experimental_local_results(logs[name])[0] for name in names]
            history = history.write(i, tf.stack(first))
        return history.stack(), waited

    def run(count, late_share):
        history, waited = iterate(tf.constant(count), tf.constant(late_share, tf.float32))
        return dict(zip(names, history.numpy().T, strict=True)), waited.numpy()

    return run


def rate_scale(share: tf.Tensor) -> tf.Tensor:
    """What is left of falling learning rates after a share of the training, in [0, 1] both.

    All in the first half, then linearly less, to `LAST_RATE_SCALE` at the end.
    """
    return tf.clip_by_value(2.0 * (1.0 - share), LAST_RATE_SCALE, 1.0)


def _save_and_stop(checkpoints: Checkpoints, received: list[int]) -> NoReturn:
    """Saves, without measures and pictures, for whoever sent the signal may not wait."""
    checkpoints.model.measure_code_statistics()
    checkpoints.save()
    raise _interruption(received)


def _interruption(received: list[int]) -> Interrupted:
    """By the signal that came, here or, as SIGTERM, to another of the processes."""
    return Interrupted(received[0] if received else signal.SIGTERM)


def _saved(checkpoints: Checkpoints, accuracy: float | None) -> float | None:
    """Saves the state; as the best one too if no accuracy has ever been measured; returns it."""
    measured = accuracy
    never_measured = float(checkpoints.best_accuracy.numpy())
    if accuracy is None and never_measured < 0.0:
        checkpoints.best_accuracy.assign(-math.inf)
        accuracy = never_measured  # higher than that, and lower than any that is measured
    checkpoints.save(accuracy)
    return measured


def _diverging_replicas(model: System, strategy: tf.distribute.Strategy) -> list[int]:
    """Those of several replicas whose share of an update was the first that was not finite."""
    parts = strategy.experimental_local_results(model.part_in_divergence)
    return [int(part.numpy()) - 2 for part in parts if part.numpy() >= 2.0]


def _check_finite(
    history: dict[str, np.ndarray], first_step: int, config: TrainConfig, replicas: list[int]
) -> None:
    """Raises NonFiniteError for the first step whose loss, or gradient, is not finite."""
    scaled = config.precision == "mixed_float16"
    found = []
    for name, values in history.items():
        if scaled and name.startswith("gradient_norm"):
            continue  # loss scaling meets an overflow by leaving the step out
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            found.append((bad[0], name, values[bad[0]]))
    if found:
        step = min(step for step, _, _ in found)
        terms = ", ".join(f"{name} = {value}" for at, name, value in found if at == step)
        where = f", first on replica {' and '.join(map(str, replicas))}" if replicas else ""
        raise NonFiniteError(f"step {first_step + step}: {terms}{where}")


@contextlib.contextmanager
def _told_of_lost_workers(config: TrainConfig, checkpoints: Checkpoints) -> Iterator[None]:
    """Turns what TensorFlow raises when another process is gone into WorkerLostError."""
    try:
        yield
    except tf.errors.OpError as error:
        own = (tf.errors.ResourceExhaustedError, tf.errors.InvalidArgumentError)
        if config.strategy != "multi_worker" or isinstance(error, own):
            raise
        step = int(checkpoints.model.step.numpy())
        raise WorkerLostError(
            f"another process was lost about step {step} ({type(error).__name__}: "
            f"{error.message.splitlines()[0]}); the last checkpoint in {config.run_dir} stays. "
            "Start all of them again with the same commands, and they go on from it"
        ) from error


@contextlib.contextmanager
def _caught_signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM; a second one ends the process at once.

    Python's handlers wait until the compiled call returns, so a thread answers.
    """
    received: list[int] = []
    handled = (signal.SIGINT, signal.SIGTERM)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def answer():
        seen = 0
        while number := os.read(reader, 1):
            if number[0] not in handled:
                continue
            seen += 1
            if seen > 1:
                os._exit(128 + number[0])
            print(
                f"\n{signal.Signals(number[0]).name}: saving after the current call; "
                "a second signal stops at once.",
                flush=True,
            )

    thread = threading.Thread(target=answer, name="signals", daemon=True)
    thread.start()
    previous_writer = signal.set_wakeup_fd(writer)
    previous = {
        number: signal.signal(number, lambda number, _frame: received.append(number))
        for number in handled
    }
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(previous_writer)
        os.close(writer)  # ends the thread
        thread.join()
        os.close(reader)
