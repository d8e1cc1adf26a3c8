"""tf.data: training batches whose order is a function of (seed, step), and evaluation batches.

Clips stay in memory as 16-bit samples (32 KB a second at 16 kHz: 0.8 GB for all of S09) and
spectrograms are computed in the pipeline, so any step's batches can be drawn at once, without
replaying the steps before it. Evaluation loses no clip and repeats none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Draws:
    """Which clips each step takes, and for whom.

    Attributes:
        batch_size: global batch of each draw, a multiple of all replicas.
        count: draws a step, k + 1.
        seed: decides the order.
        first_step: the step whose batches come first.
        replicas: the replicas that the stream is for, and how many there are in all. Each step
            gives one element a replica, in turn: its rows of the global batches, which alone are
            gathered and transformed.
    """

    batch_size: int
    count: int
    seed: int
    first_step: int = 0
    replicas: tuple[range, int] = (range(1), 1)

    @property
    def rows(self) -> int:
        """Rows of a batch that one replica gets."""
        return self.batch_size // self.replicas[1]

    def places(self, element: tf.Tensor, draw: int) -> tf.Tensor:
        """Places in the endless order of all clips that an element of the stream has; [rows]."""
        here, _ = self.replicas
        step, replica = element // len(here), here.start + element % len(here)
        first = (step * self.count + draw) * self.batch_size + replica * self.rows
        return first + tf.range(self.rows, dtype=tf.int64)


def training_stream(
    audio: tf.Tensor | np.ndarray,
    labels: np.ndarray,
    labelled: np.ndarray | None,
    draws: Draws,
    *,
    classes: int,
    transform: Callable[[tf.Tensor], tf.Tensor],
    unlabelled: bool = True,
) -> tf.data.Dataset:
    """Endless training batches.

    Unlabelled clips are all clips; each pass over them is a new permutation that visits each once.
    Labelled ones are visited likewise among themselves.

    Args:
        audio: int16 [clips, samples]; a tensor is not copied.
        labels: int [clips].
        labelled: indices of the clips whose labels may be used; None for a system that uses none.
        draws: which clips each step takes.
        classes: number of classes.
        transform: float audio [clips, samples] to what the system sees; spectrograms, say.
        unlabelled: whether the system wants clips of all, whatever their label.

    Returns:
        Data set of `draws.count`-tuples of (x_u, x_l, y_l): unlabelled and labelled clips as
        `transform` gives them, [rows, …], and one-hot labels [rows, classes]. Without `labelled`
        they are (x_u,), without `unlabelled` (x_l, y_l).
    """
    # Captured by the map below as tensors in memory, not as constants of the graph.
    with tf.device("CPU"):
        audio = tf.convert_to_tensor(audio)
        labels = tf.convert_to_tensor(labels.astype(np.int32))
        if labelled is not None:
            labelled = tf.convert_to_tensor(labelled.astype(np.int64))

    def batch(places):
        chosen, y_l = [], ()
        if unlabelled:
            chosen.append(_shuffled(places, tf.shape(audio, tf.int64)[0], draws.seed, stream=0))
        if labelled is not None:
            guidance = _shuffled(places, tf.shape(labelled, tf.int64)[0], draws.seed, stream=1)
            chosen.append(tf.gather(labelled, guidance))
            y_l = (tf.one_hot(tf.gather(labels, chosen[-1]), classes),)
        clips = transform(to_float(tf.gather(audio, tf.concat(chosen, axis=0))))
        return (*tf.split(clips, len(chosen)), *y_l)

    elements = tf.data.Dataset.range(
        draws.first_step * len(draws.replicas[0]), np.iinfo(np.int64).max
    )
    return elements.map(
        lambda element: tuple(batch(draws.places(element, i)) for i in range(draws.count)),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    ).prefetch(4)


def held_once(audio: np.ndarray) -> tuple[tf.Tensor, np.ndarray]:
    """Clips as a tensor, and as an array that is the tensor's memory and may not be written.

    TensorFlow copies every array that it is given; so whoever lets go of `audio` holds one copy.
    """
    with tf.device("CPU"):
        tensor = tf.convert_to_tensor(audio)
    return tensor, np.asarray(memoryview(tensor))


def evaluation_batches(audio: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Float audio [up to batch_size, samples] in [-1, 1), each clip once and in order.

    Nothing is shared out among replicas: evaluation runs on one device by design, and in training
    the chief alone validates.
    """
    for start in range(0, len(audio), batch_size):
        yield audio[start : start + batch_size].astype(np.float32) / 32768.0


def map_clips(function: Callable, audio: np.ndarray, batch_size: int = 128) -> np.ndarray:
    """Applies `function` (audio batch -> array batch) to all clips; int16 [clips, samples] in."""
    return np.concatenate([function(batch) for batch in evaluation_batches(audio, batch_size)])


def to_float(clips: tf.Tensor) -> tf.Tensor:
    """16-bit samples as float32 in [-1, 1)."""
    return tf.cast(clips, tf.float32) / 32768.0


def _shuffled(places: tf.Tensor, size: tf.Tensor, seed: int, stream: int) -> tf.Tensor:
    """Members at `places` of the endless sequence of permutations of range(size)."""
    passes = tf.cast(places // size, tf.uint32)
    key = tf.stack(
        [tf.fill(tf.shape(passes), tf.constant(part, tf.uint32)) for part in (seed, stream)]
        + [passes],
        axis=1,
    )
    # tf.random.experimental.index_shuffle, but for a key of each element, which its wrapper
    # mispads.
    return tf.raw_ops.RandomIndexShuffle(
        index=places % size, seed=key, max_index=tf.fill(tf.shape(places), size - 1)
    )
