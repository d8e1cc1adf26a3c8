"""Simple classifiers that are taught by some clips and tested on real ones (Tables IV, V, VII)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.data.pipeline import to_float
from gaae_tf.data.progress import Progress
from gaae_tf.data.shards import Clips
from gaae_tf.evaluation.classifiers import classify, train_classifier
from gaae_tf.evaluation.settings import ScorerSettings
from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.scores.figure import share
from gaae_tf.systems.augmentation import augmented


class Listener(Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it."""

    signal_path: SignalPath  # whose spectrograms the classifiers see
    config: TrainConfig  # which tells how they may be altered


def taught_accuracy(
    run: Listener,
    clips: Clips,
    test: Clips,
    classes: int,
    seed: int,
    settings: ScorerSettings,
    steps: int | None = None,
    altered: bool = False,
) -> dict[str, Any]:
    """Test accuracy of a simple classifier trained on `clips`, in the run's spectrograms.

    They are computed batch by batch: in memory they take eight times what the audio does, and
    computing them takes a twentieth of a step.

    Args:
        run: whose spectrograms are seen.
        clips: labelled clips that teach.
        test: labelled clips of the test.
        classes: number of classes.
        seed: of weights, order and alterations.
        settings: how a simple classifier is trained.
        steps: of training; None takes as many as the settings say.
        altered: whether it learns from altered spectrograms, as the augmented classifier does.

    Returns:
        The figure, with `training_clips`, `steps` and `batch`.
    """
    classifier = SimpleClassifier(classes, seed=seed, dtype=settings.precision)
    steps = settings.steps(len(clips.labels)) if steps is None else steps
    shown = Progress(steps, "steps of a simple classifier")
    train_classifier(
        classifier,
        clips.audio,
        clips.labels,
        prepare=altered_spectrogram(run, seed) if altered else _spectrogram(run),
        steps=steps,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        seed=seed,
        after_step=shown.step,
    )
    shown.close()
    logits, _ = classify(classifier, test.audio, prepare=_spectrogram(run))
    known = {"training_clips": len(clips.labels), "steps": steps, "batch": settings.batch_size}
    return share(logits.argmax(axis=1) == test.labels) | known


def _spectrogram(run: Listener) -> Callable[[Any], tf.Tensor]:
    """The run's spectrogram of 16-bit or float audio."""

    def spectrogram(audio):
        audio = tf.convert_to_tensor(audio)
        return run.signal_path.spectrogram(to_float(audio) if audio.dtype == tf.int16 else audio)

    return spectrogram


def altered_spectrogram(run: Listener, seed: int) -> Callable[[Any], tf.Tensor]:
    """The run's spectrogram of 16-bit audio, altered in a way that (seed, batch) decides.

    What a batch holds stands for its number: another order of its clips alters them otherwise.
    """
    spectrogram = _spectrogram(run)

    def prepare(audio):
        content = tf.fingerprint(tf.reshape(audio, [1, -1]))
        key = tf.stack([tf.constant(seed, tf.int64), tf.bitcast(content, tf.int64)[0]])
        return augmented(
            spectrogram(audio),
            lambda stream, sampler: sampler(
                tf.shape(audio)[0], key + tf.constant(stream, tf.int64)
            ),
            run.config.alter_channel,
        )

    return prepare
