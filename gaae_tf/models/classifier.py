"""Training and use of the simple spectrogram classifier (paper A-E, Tables IV, V, VII, VIII).

It serves as scorer of generated sounds (METHOD §7) and, trained on a run's labelled clips alone, as
the baseline that the GAAE's own classifier is held against.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from gaae_tf.networks.classifier import SimpleClassifier


def train_classifier(
    clips: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    spectrogram: Callable[[tf.Tensor], tf.Tensor] | None = None,
    epochs: int,
    learning_rate: float = 1e-4,
    batch_size: int = 32,
    seed: int = 0,
    verbose: int = 0,
) -> tuple[SimpleClassifier, dict[str, list[float]]]:
    """Trains a `SimpleClassifier` with Adam on cross-entropy.

    The learning rate falls to zero along a cosine, and training runs for exactly `epochs`: the last
    weights are the settled ones, and no label but those in `labels` has any influence, which
    stopping by validation accuracy would give away. Equal arguments give equal weights on one CPU
    device.

    Args:
        clips: Spectrograms [clips, bins, frames, 1] in [-1, 1], or what `spectrogram` turns into
            them a batch at a time, such as audio [clips, samples].
        labels: Class numbers [clips], each in [0, classes).
        classes: Number of classes.
        spectrogram: TensorFlow function of a batch of clips, or None.
        epochs: Passes over the clips.
        learning_rate: Adam's at the start. The default is the paper's, for long trainings; a few
            hundred steps need 1e-3.
        batch_size: Clips a step.
        seed: Seed of the initial weights and of the order of clips.
        verbose: As in Keras's `fit`: 1 shows a progress bar, 2 a line an epoch.

    Returns:
        The trained model, and its history: `loss` and `accuracy` on the clips for each epoch.

    Raises:
        ValueError: No clips, or clips and labels that do not belong together.
    """
    _check_labels(clips, labels, classes)
    steps_per_epoch = -(-len(clips) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * steps_per_epoch)
    model = SimpleClassifier(classes, seed=seed)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # XLA is the slower of the two on CPUs
    )
    history = model.fit(
        _training_stream(clips, labels, spectrogram, epochs, batch_size, seed),
        epochs=epochs,
        shuffle=False,  # the stream is shuffled already
        steps_per_epoch=steps_per_epoch,
        verbose=verbose,
    )
    return model, history.history


def classify(
    model: SimpleClassifier,
    clips: np.ndarray,
    *,
    spectrogram: Callable[[tf.Tensor], tf.Tensor] | None = None,
    batch_size: int = 128,
) -> tuple[np.ndarray, np.ndarray]:
    """Gives the logits and penultimate features of clips, a batch at a time.

    Args:
        model: A built `SimpleClassifier`.
        clips: As in `train_classifier`.
        spectrogram: As in `train_classifier`.
        batch_size: Clips at a time; the result does not depend on it beyond rounding.

    Returns:
        Logits, float32 [clips, classes], and features, float32 [clips, 256].

    Raises:
        ValueError: No clips.
    """
    if len(clips) == 0:
        raise ValueError("clips must hold at least one clip; received none.")
    stream = _in_order(clips, spectrogram, batch_size)
    step = tf.function(
        lambda spectrograms: model(spectrograms, return_features=True),
        input_signature=[stream.element_spec],
    )
    batches = [step(spectrograms) for spectrograms in stream]
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


def _training_stream(clips, labels, spectrogram, epochs, batch_size, seed) -> tf.data.Dataset:
    """Every clip once an epoch, in an order that depends on (seed, epoch) alone."""
    clips, labels = tf.constant(clips), tf.constant(labels, tf.int32)

    def batches_of_epoch(epoch):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(clips)), tf.stack([tf.constant(seed, tf.int64), epoch])
        )
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    def gather(indices):
        x = tf.gather(clips, indices)
        return x if spectrogram is None else spectrogram(x), tf.gather(labels, indices)

    return (
        tf.data.Dataset.range(epochs)
        .flat_map(batches_of_epoch)
        .map(gather, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(2)
    )


def _in_order(clips, spectrogram, batch_size) -> tf.data.Dataset:
    """Every clip once, in order."""
    stream = tf.data.Dataset.from_tensor_slices(clips).batch(batch_size)
    if spectrogram is not None:
        stream = stream.map(spectrogram, num_parallel_calls=tf.data.AUTOTUNE)
    return stream.prefetch(2)
