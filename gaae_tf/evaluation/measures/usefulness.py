"""What sounds teach: simple classifiers trained on them, tested on real clips (Tables IV and V)."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

import numpy as np

from gaae_tf.data.shards import Clips
from gaae_tf.evaluation.samples import Sounds
from gaae_tf.evaluation.settings import EvaluateSettings
from gaae_tf.evaluation.taught import Listener, taught_accuracy
from gaae_tf.scores.figure import absent

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context


def applies(context: Context) -> bool:
    """Always; there may be no figure in it."""
    return True


def phase(context: Context) -> str | None:
    """What is done, None where it is not asked for or there are no sounds."""
    asked = context.settings.usefulness_seeds and context.measures_sounds
    return "simple classifiers that sounds teach" if asked else None


def training_steps(context: Context) -> int:
    """Steps of simple classifiers, at most: nine of the paper's trainings, say."""
    if context.generates and not context.can("choose_class"):
        return 0  # sounds of no class teach none
    each = _steps(context.settings, len(context.known.labels))
    return 3 * context.settings.usefulness_seeds * each


def measure(context: Context) -> dict[str, Any]:
    """Accuracies as `usefulness`, by what taught."""
    if phase(context) is None:
        return {"usefulness": {}}
    figures = usefulness(
        context.run,
        context.sounds,
        context.known,
        context.known_test,
        context.settings,
        context.phases.say,
    )
    return {"usefulness": figures}


def usefulness(
    run: Listener,
    sounds: Sounds,
    known: Clips,
    test: Clips,
    settings: EvaluateSettings,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Accuracy on real test clips of simple classifiers taught by samples, real clips, and both.

    `settings.usefulness_sounds` samples are taken, or as many as there are real training clips, as
    far as there are. All trainings have as many steps: those of a simple scorer of the real clips,
    at most `settings.usefulness_steps` unless that is 0.

    Args:
        run: whose spectrograms are seen.
        sounds: that teach.
        known: labelled training clips.
        test: labelled test clips.
        settings: how many trainings, and how.
        say: receives what is trained.
    """
    samples, classes = sounds.scored, sounds.scored.logits.shape[1]
    count = min(len(samples), settings.usefulness_sounds or len(known.labels))
    if set(samples.labels[:count].tolist()) != set(range(classes)):
        return {"samples": absent("not every sample has a label, or not every class a sample")}
    steps = _steps(settings, len(known.labels))
    made = Clips(sounds.first(count), samples.labels[:count], ("",) * count, ("",) * count)
    both = Clips(
        np.concatenate([made.audio, known.audio]),
        np.concatenate([made.labels, known.labels]),
        made.speakers + known.speakers,
        made.sources + known.sources,
    )
    result = {}
    for name, clips in (
        ("samples", made),
        ("samples_and_real_clips", both),
        ("real_clips", known),
    ):
        trainings = []
        for seed in range(settings.usefulness_seeds):
            say(f"taught by {name.replace('_', ' ')}, seed {seed}, {steps} steps")
            trainings.append(
                taught_accuracy(run, clips, test, classes, seed, settings.simple, steps)
            )
        result[name] = _figure(trainings, clips, test, settings)
    return result


def _steps(settings: EvaluateSettings, clips: int) -> int:
    """Of each training, where there are so many labelled training clips."""
    steps = settings.simple.steps(clips)
    return min(steps, settings.usefulness_steps) if settings.usefulness_steps else steps


def _figure(
    trainings: list[dict[str, Any]], clips: Clips, test: Clips, settings: EvaluateSettings
) -> dict[str, Any]:
    """The mean over trainings by the same clips."""
    accuracies = [training["value"] for training in trainings]
    figure = {
        "value": float(np.mean(accuracies)),
        "deviation": None,
        "trainings": len(accuracies),
        "accuracies": accuracies,
        "training_clips": len(clips.labels),
        "steps": trainings[0]["steps"],
        "most_steps": settings.usefulness_steps or None,
        "batch": settings.simple.batch_size,
        "test_clips": len(test.labels),
    }
    if len(accuracies) > 1:
        figure["deviation"] = float(np.std(accuracies, ddof=1))
        figure["deviation_is"] = "sample standard deviation over trainings"
    else:
        figure["deviation_reason"] = "one training; the interval is of its test clips"
        figure["interval_95"] = trainings[0]["interval_95"]
    return figure
