"""What training measured of these weights on validation clips."""

from __future__ import annotations

import typing
from typing import Any

from gaae_tf.run.folder import read_validation
from gaae_tf.run.names import VALIDATION

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context


def applies(context: Context) -> bool:
    """Training has left its figures."""
    return (context.run_dir / VALIDATION).exists()


def phase(context: Context) -> None:
    """Nothing is measured here."""


def measure(context: Context) -> dict[str, Any]:
    """The row of the step as `validation`, plain numbers; none where that was not measured."""
    rows = read_validation(context.run_dir / VALIDATION)
    step = context.run.step
    return {"validation": next((row for row in reversed(rows) if row["step"] == step), {})}
