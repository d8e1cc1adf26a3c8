"""A simple classifier taught by the very clips whose labels guided the run (Tables VII, VIII)."""

from __future__ import annotations

import typing
from typing import Any

from gaae_tf.evaluation.taught import taught_accuracy

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context


def applies(context: Context) -> bool:
    """Labels guided the run."""
    return context.guidance is not None


def phase(context: Context) -> str:
    """What is done."""
    return f"a simple classifier on the run's own {len(context.guidance)} labels"


def training_steps(context: Context) -> int:
    """Steps of a simple classifier."""
    return context.settings.simple.steps(len(context.guidance))


def measure(context: Context) -> dict[str, Any]:
    """Its accuracy as `simple_classifier_same_labels_accuracy`."""
    figure = taught_accuracy(
        context.run,
        context.train.subset(context.guidance),
        context.known_test,
        len(context.classes),
        0,
        context.settings.simple,
    )
    return {"simple_classifier_same_labels_accuracy": figure}
