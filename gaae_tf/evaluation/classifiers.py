"""Training and use of classifiers (paper A-E, Tables IV, V, VII, VIII).

One training serves them all: scorers of generated sounds (METHOD §7), the simple classifier on a
run's labelled clips that the GAAE's own is held against, and those that sounds teach.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

Prepare = Callable[[tf.Tensor], tf.Tensor]


class _EachStep(keras.callbacks.Callback):
    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def on_train_batch_end(self, batch, logs=None):
        self._call()


def train_classifier(
    network: keras.Model,
    clips: np.ndarray,
    labels: np.ndarray,
    *,
    prepare: Prepare | None = None,
    steps: int,
    learning_rate: float,
    batch_size: int = 32,
    seed: int = 0,
    after_step: Callable[[], None] = lambda: None,
) -> None:
    """Trains a classifier in place with Adam on cross-entropy.

    The learning rate falls to zero along a cosine, and training runs for exactly `steps`: the last
    weights are the settled ones, and no label but those in `labels` has any influence, which
    stopping by validation accuracy would give away. Equal arguments give equal weights on one CPU
    device.

    Args:
        network: Gives logits [batch, classes]; a new one, with `classes`.
        clips: What the network takes, such as spectrograms [clips, bins, frames, 1], or what
            `prepare` turns into that a batch at a time, such as audio [clips, samples].
        labels: Class numbers [clips], each in [0, classes).
        prepare: TensorFlow function of a batch of clips, or None.
        steps: Of `batch_size` clips. A batch may span two passes over the clips.
        learning_rate: Adam's at the start. The paper's 1e-4 is for long trainings; a few hundred
            steps need 1e-3.
        batch_size: Clips a step.
        seed: Of the order of clips.
        after_step: Called after each step.

    Raises:
        ValueError: No clips, clips and labels that do not belong together, or training came to
            weights that are not finite.
    """
    _check_labels(clips, labels, network.classes)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    network.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,  # XLA is the slower of the two on CPUs
    )
    network.fit(
        _training_stream(clips, labels, prepare, steps, batch_size, seed),
        steps_per_epoch=steps,
        shuffle=False,  # the stream is shuffled already
        verbose=0,
        callbacks=[_EachStep(after_step)],
    )
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise ValueError(
            f"The classifier's training came to weights that are not finite; give it a lower "
            f"learning rate than {learning_rate}."
        )


def classify(
    model: keras.Model,
    clips: np.ndarray,
    *,
    prepare: Prepare | None = None,
    batch_size: int = 128,
) -> tuple[np.ndarray, np.ndarray]:
    """Gives the logits and penultimate features of clips, a batch at a time.

    Args:
        model: A built classifier that can `return_features`.
        clips: As in `train_classifier`.
        prepare: As in `train_classifier`.
        batch_size: Clips at a time; the result does not depend on it beyond rounding.

    Returns:
        Logits, float32 [clips, classes], and features, float32 [clips, d].

    Raises:
        ValueError: No clips.
    """
    if len(clips) == 0:
        raise ValueError("clips must hold at least one clip; received none.")
    stream = _in_order(clips, prepare, batch_size)
    # Traced at once: TensorFlow warns of functions that are traced again and again.
    step = tf.function(lambda batch: model(batch, return_features=True)).get_concrete_function(
        stream.element_spec
    )
    batches = [step(batch) for batch in stream]
    logits, features = zip(*batches, strict=True)
    return np.concatenate(logits), np.concatenate(features)


def _check_labels(clips: np.ndarray, labels: np.ndarray, classes: int) -> None:
    if len(clips) == 0 or len(clips) != len(labels):
        raise ValueError(
            f"There must be one label a clip, and at least one clip; received {len(labels)} labels "
            f"for {len(clips)} clips."
        )
    if np.min(labels) < 0 or np.max(labels) >= classes:
        raise ValueError(
            f"labels must lie in [0, {classes}); received {np.min(labels)} to {np.max(labels)}. "
            f"Leave unlabelled clips out."
        )


def _training_stream(clips, labels, prepare, steps, batch_size, seed) -> tf.data.Dataset:
    """Full batches of clips, each clip once a pass, in an order of (seed, pass) alone.

    A batch may span two passes: the rest of a pass alone, perhaps one clip, would have no batch
    statistics.
    """
    with tf.device("CPU"):
        clips, labels = tf.convert_to_tensor(clips), tf.constant(labels, tf.int32)

    def order_of_pass(number):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(labels)), tf.stack([tf.constant(seed, tf.int64), number])
        )
        return tf.data.Dataset.from_tensor_slices(order)

    def gather(indices):
        x = tf.gather(clips, indices)
        return x if prepare is None else prepare(x), tf.gather(labels, indices)

    return (
        tf.data.Dataset.range(-(-steps * batch_size // len(labels)))
        .flat_map(order_of_pass)
        .batch(batch_size, drop_remainder=True)
        .take(steps)
        .map(gather, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(2)
    )


def _in_order(clips, prepare, batch_size) -> tf.data.Dataset:
    """Every clip once, in order."""
    stream = tf.data.Dataset.from_tensor_slices(clips).batch(batch_size)
    if prepare is not None:
        stream = stream.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return stream.prefetch(2)
