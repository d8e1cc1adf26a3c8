"""The run's own classifier on real test clips (Tables VII, VIII)."""

from __future__ import annotations

import typing
from typing import Any

from gaae_tf.scores.figure import share

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context


def applies(context: Context) -> bool:
    """The run tells classes."""
    return context.can("classify")


def phase(context: Context) -> str:
    """What is done."""
    return "the run's classifier"


def measure(context: Context) -> dict[str, Any]:
    """Its accuracy as `classifier_test_accuracy`."""
    right = context.predicted == context.known_test.labels
    return {"classifier_test_accuracy": share(right)}
