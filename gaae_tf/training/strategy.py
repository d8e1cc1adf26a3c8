"""Devices and precision: which strategy runs the training, and in which arithmetic."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from gaae_tf.config import TrainConfig

_BFLOAT16 = {"avx512_bf16", "amx_bf16"}  # as Linux names them

_EXAMPLE = (
    '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Worker:
    """A process's place among those that train together.

    Attributes:
        index: from 0; the first one is the chief, which alone writes the run folder.
        count: of all processes.
    """

    index: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self.index == 0


def this_worker(strategy: str) -> Worker:
    """This process's place by `--strategy` and, for multi_worker, the variable TF_CONFIG.

    Raises:
        ValueError: TF_CONFIG is missing, or is not what it should be.
    """
    if strategy != "multi_worker":
        return Worker()
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise ValueError(
            "--strategy=multi_worker needs the environment variable TF_CONFIG, which tells the "
            f"addresses of all processes and which one this is, such as {_EXAMPLE}"
        )
    try:
        config = json.loads(text)
        workers = config["cluster"]["worker"]
        type_, index = config["task"]["type"], int(config["task"]["index"])
        others = sorted(set(config["cluster"]) - {"worker"})
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"TF_CONFIG cannot be read ({error!r}), got {text!r}; it should be like {_EXAMPLE}"
        ) from error
    if others or type_ != "worker" or not 0 <= index < len(workers):
        raise ValueError(
            "TF_CONFIG must have workers alone, of which worker 0 is the chief, and name one of "
            f"them as this task, got {text!r}; it should be like {_EXAMPLE}"
        )
    return Worker(index, len(workers))


def make_strategy(name: str) -> tf.distribute.Strategy:
    """The strategy of `--strategy`: "one", "mirrored" (all GPUs), "multi_worker", or "auto".

    That of several processes waits until all are there, and must be made before TensorFlow does
    anything else.

    Raises:
        ValueError: mirrored was asked for and there are not two GPUs; or as in `this_worker`.
    """
    if name == "multi_worker":
        this_worker(name)  # raises
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" and len(gpus) < 2:
        raise ValueError(f"--strategy=mirrored needs at least 2 GPUs, found {len(gpus)}")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus])
    return tf.distribute.get_strategy()


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns when all processes that train together have come here."""
    agreed(strategy, 0.0)


def agreed(strategy: tf.distribute.Strategy, *values: float) -> tuple[float, ...]:
    """Means of numbers over the processes that train together, so the same in all of them."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return values
    own = tf.constant([float(value) for value in values])
    return tuple(_means(strategy)(own).numpy().tolist())


@functools.cache  # traced once, for the loop asks after each of its calls
def _means(strategy: tf.distribute.Strategy) -> Callable[[tf.Tensor], tf.Tensor]:
    def replica(own):
        context = tf.distribute.get_replica_context()
        own = tf.identity(own)  # on the replica's device, which an argument of a graph is not
        return context.all_reduce(tf.distribute.ReduceOp.MEAN, own)

    @tf.function
    def means(own):
        return strategy.experimental_local_results(strategy.run(replica, args=(own,)))[0]

    return means


def resolve_precision(config: TrainConfig) -> str:
    """The Keras dtype policy of `--precision`; "auto" looks at the hardware."""
    if config.precision != "auto":
        return config.precision
    if tf.config.list_logical_devices("GPU"):
        return "mixed_float16"
    if config.strategy == "multi_worker":  # the workers' processors may differ
        return "float32"
    return "mixed_bfloat16" if computes_in_bfloat16() else "float32"


def computes_in_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor multiplies in bfloat16, and oneDNN's kernels, which do, are on.

    Timings would choose one precision now and the other then, and equal seeds would give other
    networks. On systems that do not list a processor's abilities in `cpuinfo` the answer is no.
    """
    try:
        abilities = cpuinfo.read_text().split()
    except OSError:
        return False
    switched_off = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"
    return not switched_off and bool(_BFLOAT16 & set(abilities))
