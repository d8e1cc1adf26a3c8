"""Real clips, measured as if they were sounds of a run: the yardstick."""

from __future__ import annotations

import typing
from typing import Any

from gaae_tf.evaluation.measures.hearing import harmonicity_of_clips
from gaae_tf.evaluation.measures.quality import quality

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context


def applies(context: Context) -> bool:
    """Always."""
    return True


def phase(context: Context) -> str:
    """What is done."""
    return "measures of real clips"


def measure(context: Context) -> dict[str, Any]:
    """Figures of test clips as `real_test`, of training clips as `real_train`."""
    real, seed, say = context.real, context.seed, context.phases.say
    of_test = quality(real.test, real.train, real.test, context.classes, seed, say)
    of_train = quality(real.train, real.train, real.test, context.classes, seed, say)
    of_test["harmonicity"] = harmonicity_of_clips(
        context.known_test.audio, context.scorer.sample_rate_hz
    )
    return {"real_test": of_test, "real_train": of_train}
