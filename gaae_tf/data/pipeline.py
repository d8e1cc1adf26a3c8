"""tf.data: training batches whose order is a function of (seed, step), and evaluation batches.

Clips stay in memory as 16-bit samples (32 KB a second at 16 kHz: 0.8 GB for all of S09) and
spectrograms are computed in the pipeline, so any step's batches can be drawn at once, without
replaying the steps before it. Evaluation loses no clip and repeats none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf


def training_stream(
    audio: np.ndarray,
    labels: np.ndarray,
    labelled: np.ndarray | None,
    *,
    classes: int,
    batch_size: int,
    draws: int,
    seed: int,
    transform: Callable[[tf.Tensor], tf.Tensor],
    unlabelled: bool = True,
    first_step: int = 0,
    replicas: tuple[range, int] = (range(1), 1),
) -> tf.data.Dataset:
    """Endless training batches, from `first_step` on.

    Unlabelled clips are all clips; each pass over them is a new permutation that visits each once.
    Labelled ones are visited likewise among themselves.

    Args:
        audio: int16 [clips, samples].
        labels: int [clips].
        labelled: indices of the clips whose labels may be used; None for a system that uses none.
        classes: number of classes.
        batch_size: global batch of each draw, a multiple of all replicas.
        draws: batches a step, k + 1.
        seed: decides the order.
        transform: float audio [clips, samples] to what the system sees; spectrograms, say.
        unlabelled: whether the system wants clips of all, whatever their label.
        first_step: the step whose batches come first.
        replicas: the replicas that the stream is for, and how many there are in all. Each step
            gives one element a replica, in turn: its rows of the global batches, which alone are
            gathered and transformed.

    Returns:
        Data set of `draws`-tuples of (x_u, x_l, y_l): unlabelled and labelled clips as `transform`
        gives them, [batch / replicas, …], and one-hot labels [batch / replicas, classes]. Without
        `labelled` they are (x_u,), without `unlabelled` (x_l, y_l).
    """
    here, everywhere = replicas
    rows = batch_size // everywhere
    # Captured by the map below as tensors in memory, not as constants of the graph.
    with tf.device("CPU"):
        audio = tf.convert_to_tensor(audio)
        labels = tf.convert_to_tensor(labels.astype(np.int32))
        if labelled is not None:
            labelled = tf.convert_to_tensor(labelled.astype(np.int64))

    def batches(element):
        step, replica = element // len(here), here.start + element % len(here)
        result = []
        for draw in range(draws):
            first = (step * draws + draw) * batch_size + replica * rows
            places = first + tf.range(rows, dtype=tf.int64)
            chosen, y_l = [], ()
            if unlabelled:
                chosen.append(_shuffled(places, tf.shape(audio, tf.int64)[0], seed, stream=0))
            if labelled is not None:
                guidance = _shuffled(places, tf.shape(labelled, tf.int64)[0], seed, stream=1)
                chosen.append(tf.gather(labelled, guidance))
                y_l = (tf.one_hot(tf.gather(labels, chosen[-1]), classes),)
            clips = transform(to_float(tf.gather(audio, tf.concat(chosen, axis=0))))
            x = (clips[i * rows : (i + 1) * rows] for i in range(len(chosen)))
            result.append((*x, *y_l))
        return tuple(result)

    elements = tf.data.Dataset.range(first_step * len(here), np.iinfo(np.int64).max)
    return elements.map(batches, num_parallel_calls=2, deterministic=True).prefetch(4)


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
