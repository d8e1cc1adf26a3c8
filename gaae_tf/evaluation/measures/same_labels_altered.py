"""The same as `same_labels`, but taught by altered spectrograms: the paper's CNN (Table VII)."""

from __future__ import annotations

import typing
from typing import Any

from gaae_tf.evaluation.taught import taught_accuracy

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context

_MORE_STEPS = 3  # altered spectrograms take longer to learn from


def applies(context: Context) -> bool:
    """Labels guided the run."""
    return context.guidance is not None


def phase(context: Context) -> str:
    """What is done."""
    return "the same, taught by altered spectrograms"


def training_steps(context: Context) -> int:
    """Steps of a simple classifier."""
    return _MORE_STEPS * context.settings.simple.steps(len(context.guidance))


def measure(context: Context) -> dict[str, Any]:
    """Its accuracy as `augmented_classifier_same_labels_accuracy`."""
    figure = taught_accuracy(
        context.run,
        context.train.subset(context.guidance),
        context.known_test,
        len(context.classes),
        0,
        context.settings.simple,
        training_steps(context),
        altered=True,
    )
    return {"augmented_classifier_same_labels_accuracy": figure}
