"""How long an evaluation takes, told before it begins."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import tensorflow as tf

from gaae_tf.evaluation.context import Context
from gaae_tf.evaluation.measures import same_labels_altered
from gaae_tf.evaluation.scorers.trained import kept_record
from gaae_tf.run.names import SCORES

# Of one core, for a step of a simple classifier: 32 spectrograms of 256 × 128.
_CORE_SECONDS_A_STEP = 2.7
_VALUES_A_STEP = 32 * 256 * 128
_WAVEGAN = 6  # steps of a simple scorer take as long as one of WaveGAN's


def estimate(context: Context, measures: Sequence[ModuleType]) -> str:
    """Says how long an evaluation takes about.

    Trainings of classifiers, which take most of it, are estimated by their steps. All else takes as
    long as the last evaluation of the run timed it; where there was none, it comes on top.

    Args:
        context: before `prepare`.
        measures: that are taken where they apply.
    """
    applying = [measure for measure in measures if measure.applies(context)]
    training = [measure for measure in applying if hasattr(measure, "training_steps")]
    training = [measure for measure in training if measure.phase(context) is not None]
    last = _last_evaluation(context)
    # A given checkpoint is trained already.
    given = context.settings.scorer_checkpoint is not None
    kept = None if given else kept_record(context.guiding, context.settings.scorer)
    a_step = _seconds_a_step(context, last, kept)
    scorer_steps = 0 if given or kept else _scorer_steps(context)
    steps = scorer_steps + sum(m.training_steps(context) for m in training)
    if steps and a_step is None:
        return "how long this takes has not been timed on such a machine"
    seconds = steps * (a_step or 0.0)
    if last:
        others = last.keys() - {"scorer"} - {measure.phase(context) for measure in training}
        of_it = f", {_minutes(seconds)} of it for training classifiers" if steps else ""
        whole = _minutes(seconds + sum(last[name] for name in others))
        return f"this takes about {whole}{of_it}, and a little for the page"
    sounds = f"{context.settings.count:,} sounds and " if context.generates else ""
    return (
        f"training classifiers takes about {_minutes(seconds)}; {sounds}measures come on top, "
        "which no evaluation of this run has timed yet"
    )


def _scorer_steps(context: Context) -> int:
    """Steps of a simple classifier that take as long as the scorer's training."""
    settings = context.settings.scorer
    steps = settings.steps(len(context.known.labels))
    return _WAVEGAN * steps if settings.name == "wavegan" else steps


def _seconds_a_step(
    context: Context, last: Mapping[str, float], kept: Mapping[str, Any] | None
) -> float | None:
    """Of a simple classifier: as last time, or of the kept scorer, or by rule of thumb.

    GPUs have no such rule.
    """
    if same_labels_altered.applies(context) and same_labels_altered.phase(context) in last:
        steps = same_labels_altered.training_steps(context)
        return last[same_labels_altered.phase(context)] / steps
    settings = context.settings.scorer
    if kept is not None and "train_seconds" in kept:
        seconds = kept["train_seconds"] / kept["train_steps"]
        return seconds / _WAVEGAN if settings.name == "wavegan" else seconds
    if tf.config.list_physical_devices("GPU"):
        return None
    stft = context.run.signal_path.stft
    values = settings.batch_size * stft.bins * stft.frames(context.run.clip_samples)
    return _CORE_SECONDS_A_STEP * values / _VALUES_A_STEP / (os.cpu_count() or 1)


def _last_evaluation(context: Context) -> dict[str, float]:
    """Seconds of each phase of the run's last evaluation, if it was of as many sounds."""
    try:
        scores = json.loads((context.run_dir / SCORES).read_text(encoding="utf-8"))
        phases = scores["provenance"]["phases"]
        seconds = {phase["name"]: float(phase["seconds"]) for phase in phases}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    name = f"generating and scoring {context.settings.count} sounds"
    return {} if context.generates and name not in seconds else seconds


def _minutes(seconds: float) -> str:
    return f"{seconds / 60.0:.0f} min" if seconds >= 90.0 else f"{seconds:.0f} s"
