"""Which class is found for which: of sounds by the scorer, of real test clips by the run."""

from __future__ import annotations

import typing
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context


def applies(context: Context) -> bool:
    """Always; there may be no matrix in it."""
    return True


def phase(context: Context) -> None:
    """It takes no time."""


def measure(context: Context) -> dict[str, Any]:
    """Counts as `confusion`, of `samples` and `classifier`."""
    counts = {}
    if context.measures_sounds:
        scored = context.sounds.scored
        counts["samples"] = counted(
            scored.labels, scored.logits.argmax(axis=1), len(context.classes)
        )
    if context.can("classify"):
        labels = context.known_test.labels
        counts["classifier"] = counted(labels, context.predicted, len(context.classes))
    return {"confusion": counts}


def counted(labels: np.ndarray, found: np.ndarray, classes: int) -> list[list[int]]:
    """Clips by the class meant (rows) and found (columns); those without label are left out."""
    known = labels >= 0
    if not known.any():
        return [[0] * classes for _ in range(classes)]
    return confusion_matrix(labels[known], found[known], labels=range(classes)).tolist()
