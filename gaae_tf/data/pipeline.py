"""tf.data: training batches whose order is a function of (seed, step), and evaluation batches.

Clips stay in memory as 16-bit samples (32 KB a second at 16 kHz: 0.8 GB for all of S09) and
spectrograms are computed in the pipeline, so any step's batches can be drawn at once, without
replaying the steps before it. Evaluation loses no clip and repeats none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from gaae_tf.ops.signal_path import SignalPath


def training_stream(
    audio: np.ndarray,
    labels: np.ndarray,
    labelled: np.ndarray,
    *,
    classes: int,
    batch_size: int,
    draws: int,
    seed: int,
    signal_path: SignalPath,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Endless training batches, from `first_step` on.

    Unlabelled clips are all clips; each pass over them is a new permutation that visits each once.
    Labelled ones are visited likewise among themselves.

    Args:
        audio: int16 [clips, samples].
        labels: int [clips].
        labelled: indices of the clips whose labels may be used.
        classes: number of classes.
        batch_size: global batch of each draw.
        draws: batches a step, k + 1.
        seed: decides the order.
        signal_path: audio to spectrogram.
        first_step: the step whose batches come first.

    Returns:
        Data set of `draws`-tuples of (x_u, x_l, y_l): spectrograms [batch, bins, frames, 1] in [-1,
        1], and one-hot labels [batch, classes].
    """
    # Captured by the map below as tensors in memory, not as constants of the graph.
    with tf.device("CPU"):
        audio = tf.convert_to_tensor(audio)
        labels = tf.convert_to_tensor(labels.astype(np.int32))
        labelled = tf.convert_to_tensor(labelled.astype(np.int64))

    def batches(step):
        result = []
        for draw in range(draws):
            first = (step * draws + draw) * batch_size
            places = first + tf.range(batch_size, dtype=tf.int64)
            unlabelled = _shuffled(places, tf.shape(audio, tf.int64)[0], seed, stream=0)
            guidance = _shuffled(places, tf.shape(labelled, tf.int64)[0], seed, stream=1)
            guidance = tf.gather(labelled, guidance)
            clips = tf.gather(audio, tf.concat([unlabelled, guidance], axis=0))
            spectrograms = signal_path.spectrogram(to_float(clips))
            x_u, x_l = spectrograms[:batch_size], spectrograms[batch_size:]
            result.append((x_u, x_l, tf.one_hot(tf.gather(labels, guidance), classes)))
        return tuple(result)

    steps = tf.data.Dataset.range(first_step, np.iinfo(np.int64).max)
    dataset = steps.map(batches, num_parallel_calls=2, deterministic=True).prefetch(4)
    options = tf.data.Options()
    # Batches are of the global size already; a strategy splits each one, not the files behind them.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return dataset.with_options(options)


def evaluation_batches(audio: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Float audio [up to batch_size, samples] in [-1, 1], each clip once and in order."""
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
