"""How much memory a training takes, and how much there is.

The estimate is of a process on CPUs, above what it holds once TensorFlow is loaded. Two thirds of
a small training's memory are TensorFlow's own: graphs, and code that is read as it is first used.
These parts are fitted to what trainings took (benchmarks/memory.py), all else is counted.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import keras
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.networks.attention import LARGEST_PART
from gaae_tf.run.build import build_model
from gaae_tf.run.folder import DataDescription
from gaae_tf.systems.system import System

# Fitted: bytes of each operation of a network's forward pass, in each update that is compiled; what
# the backward pass and its order add to what is held for it; and all else.
_BYTES_AN_OPERATION = 48 * 1024
_BACKWARD = 1.17
_REST = 60 * 2**20

# The eager passes at the start and in validation take so many clips at once, some of whose maps are
# there together.
_EAGER_CLIPS, _EAGER_MAPS = 64, 4
_CALIBRATION_CLIPS = 512  # kept as spectrograms
_CLIP_COPIES = 4  # as read and joined, and in TensorFlow's hands
_WAITING_BATCHES = 7  # prefetched, in the making, in use

# What an operation's gradient needs of its inputs, and what of its outputs.
_READS_INPUTS = frozenset(
    {
        *("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MatMul", "BatchMatMulV2"),
        *("Mul", "RealDiv", "SquaredDifference", "Square", "MaxPool", "LeakyRelu", "Softplus"),
        *("Log", "Einsum"),
    }
)
_READS_OUTPUTS = frozenset(
    {"Relu", "Tanh", "Softmax", "LogSoftmax", "Exp", "Rsqrt", "Sqrt", "Sigmoid", "MaxPool"}
)
_VIEWS = frozenset({"Identity", "Reshape", "Squeeze", "ExpandDims", "StopGradient"})
# More than any system takes, and so enough to ask no further: maps of full size an example, and
# the program.
_MOST_MAPS, _MOST_PROGRAM = 400, 2 * 2**30
_SPEECH_RATE_HZ = 8_000  # up to here the flag file for speech fits, which has shorter windows
# Without what it does for notes.
_QUICKSTART = ["--flagfile=quickstart", "--frequency_axis=linear", "--style_pooling=sum"]
# Fitted, too: parts of the non-local blocks' maps that are there at a time, with what their
# gradients are made of, and what the blocks' graphs take.
_ATTENTION = 15 * 4 * LARGEST_PART


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Estimated bytes of a training, above what the process has with TensorFlow loaded.

    Attributes:
        state: weights, their averages, two Adam moments, gradients.
        activations: what the largest update holds for its backward pass, with batches that wait.
        clips: recordings, and spectrograms for calibration.
        program: graphs and whatever else is TensorFlow's own.
    """

    state: int
    activations: int
    clips: int
    program: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.state + self.activations + self.clips + self.program


def estimate(config: TrainConfig, data: DataDescription, clips: int) -> Estimate:
    """Estimates a training's memory.

    Args:
        config: with precision and clip length resolved.
        data: its description.
        clips: how many recordings there are, all splits together.
    """
    return estimate_of(build_model(config, data), config, clips)


def estimate_of(model: System, config: TrainConfig, clips: int) -> Estimate:
    """As `estimate`, of a model that is built; it is left as it was."""
    bytes_a_clip = 4 * config.stft.bins * config.stft.frames(config.clip_samples)
    held, operations, largest = {}, 0, 0
    for name in set().union(*model.PASSES):
        network = _plain(getattr(model, name))
        graph = _forward_graph(network)
        kept = _held(graph)
        held[name] = sum(kept)
        largest = max(largest, *kept)
        operations += len(graph.get_operations())
    passes = max(sum(count * held[name] for name, count in one.items()) for one in model.PASSES)
    kinds = config.uses_labels + config.system.unlabelled
    waiting = _WAITING_BATCHES * config.draws * kinds * bytes_a_clip
    activations = config.batch_size * int(_BACKWARD * passes + waiting)
    if any(getattr(model, name).get_config().get("non_local_bins") for name in held):
        activations += _ATTENTION
    compiled = config.draws * (2 if model.start_steps else 1)
    recordings = clips * (config.lower_by_semitones + 1)
    return Estimate(
        state=4 * (sum(map(_size, model.weights)) + 3 * trainable(model)),
        activations=activations,
        clips=_CLIP_COPIES * 2 * recordings * config.clip_samples
        + _CALIBRATION_CLIPS * bytes_a_clip,
        program=_REST
        + _BYTES_AN_OPERATION * operations * compiled
        + _EAGER_CLIPS * _EAGER_MAPS * largest,
    )


def trainable(network: keras.Model) -> int:
    """Trainable parameters of a network."""
    return sum(map(_size, network.trainable_variables))


def _size(weight) -> int:
    return weight.shape.num_elements() or 1


def _plain(network: keras.Model) -> keras.Model:
    """The same network without its non-local block, whose map is recomputed and not held."""
    if not network.get_config().get("non_local_bins"):
        return network
    return type(network).from_config(network.get_config() | {"non_local_bins": 0})


def _forward_graph(network: keras.Model) -> tf.Graph:
    """The graph of a network's forward pass in training, of one example."""
    specs = (tf.TensorSpec([1, *shape]) for shape in network.input_shapes)

    @tf.function
    def forward(*inputs):
        return network(*inputs, training=True)

    return forward.get_concrete_function(*specs).graph


def _held(graph: tf.Graph) -> Iterable[int]:
    """Bytes of each tensor of an example that a backward pass through the graph needs."""
    kept = {}
    for operation in graph.get_operations():
        needed = [
            *(operation.inputs if operation.type in _READS_INPUTS else ()),
            *(operation.outputs if operation.type in _READS_OUTPUTS else ()),
        ]
        for tensor in needed:
            while tensor.op.type in _VIEWS and tensor.op.inputs:
                tensor = tensor.op.inputs[0]
            if tensor.dtype.is_floating and tensor.shape.rank and tensor.shape[0] == 1:
                kept[tensor.ref()] = tensor.shape.num_elements() * tensor.dtype.size
    return kept.values()


def available(root: Path = Path("/")) -> int | None:
    """Bytes that this process may still take, of the machine's and of its control group's.

    Args:
        root: the folder that has `proc` and `sys`.

    Returns:
        None where the system does not tell, as only Linux does.
    """
    try:
        machine = (root / "proc/meminfo").read_text()
        free = [int(re.search(r"^MemAvailable:\s+(\d+) kB", machine, re.M)[1]) * 1024]
    except (OSError, TypeError):
        return None
    return min(free + list(_left_to_groups(root)))


def _left_to_groups(root: Path) -> Iterator[int]:
    """What the limits of this process's control groups leave to it; a cache counts as free."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top, names = "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            top = "sys/fs/cgroup/memory"
        else:
            continue
        # Each group above limits too. In a container the path may be the host's, and the group
        # itself at the top.
        group = PurePosixPath(path.lstrip("/"))
        for folder in (group, *group.parents):
            yield from _left(root / top / folder, *names)


def _left(group: Path, limit: str, used: str, cache: str) -> Iterator[int]:
    """What a control group's limit leaves, if it has one."""
    try:
        most, now = ((group / name).read_text().strip() for name in (limit, used))
        found = re.search(rf"^{cache} (\d+)", (group / "memory.stat").read_text(), re.M)
    except OSError:
        return
    if most != "max":
        yield int(most) - int(now) + (int(found[1]) if found else 0)


def shortage(model: System, config: TrainConfig, clips: int, free: int | None) -> str | None:
    """One line for a training that this machine probably cannot hold; None for one that it can.

    It is a warning and no refusal: an estimate may err, and a machine may swap.

    Args:
        model: built.
        config: its configuration, with clip length resolved.
        clips: how many recordings there are.
        free: bytes that there are; None if that is not known.
    """
    bins, frames = config.stft.bins, config.stft.frames(config.clip_samples)
    map_bytes = 4 * bins * frames * config.channels * config.batch_size
    # No system comes near to so many maps of full size, and an estimate takes seconds.
    if free is None or _MOST_MAPS * map_bytes + _MOST_PROGRAM <= free:
        return None
    needed = estimate_of(model, config, clips).total
    if needed <= free:
        return None
    slow = config.sample_rate_hz <= _SPEECH_RATE_HZ
    small = ["--flagfile=fsdd"] if slow else _QUICKSTART
    own = [f"--dataset={config.dataset}", f"--run_dir={config.run_dir}-small"]
    command = shlex.join(["gaae", "train", *small, *own])
    return (
        f"WARNING: this training needs about {_gibibytes(needed)} of memory and "
        f"{_gibibytes(free)} are free, so the system may end it. `{command}` needs 1.5 to 2 GiB "
        "for 2,000 clips of a second; a smaller --batch_size or --channels needs less, too, and "
        "--dry_run tells how much."
    )


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
