"""Sounds, the run's own or those of a folder, beside real clips (paper IV-C, Tables I to III)."""

from __future__ import annotations

import typing
from typing import Any

from gaae_tf.evaluation.measures.hearing import MOST_SOUNDS, harmonicity_of_clips
from gaae_tf.evaluation.measures.quality import at_real_test_count, quality

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context


def applies(context: Context) -> bool:
    """There are sounds."""
    return context.measures_sounds


def phase(context: Context) -> str:
    """What is done."""
    return "measures of the sounds"


def measure(context: Context) -> dict[str, Any]:
    """Their figures as `samples`."""
    real, seed, say = context.real, context.seed, context.phases.say
    scored, first, _ = context.sounds
    figures = quality(scored, real.train, real.test, context.classes, seed, say, real.seen)
    if figures["memorisation"]["value"] is not None:
        figures["memorisation"]["training_clips"] = real.seen_are
    figures["at_real_test_count"] = at_real_test_count(scored, real.train, real.test, seed, say)
    some = first(min(len(scored), MOST_SOUNDS))
    figures["harmonicity"] = harmonicity_of_clips(some, context.scorer.sample_rate_hz)
    return {"samples": figures}
