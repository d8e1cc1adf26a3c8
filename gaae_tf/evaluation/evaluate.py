"""Scores a trained run on the data set it was trained on (METHOD §7; paper IV-C, V).

Where another data set guided it, all that has to do with classes is measured on that one, and
reconstruction on the one it was trained on. `gaae_tf.scores` tells the form of `scores.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gaae_tf
from gaae_tf.evaluation.context import Context, opened
from gaae_tf.evaluation.estimate import estimate
from gaae_tf.evaluation.listening import write_listening_page
from gaae_tf.evaluation.measures import (
    classification,
    confusion,
    interpolations,
    prior,
    real_clips,
    reconstructions,
    representations,
    restyling,
    same_labels,
    same_labels_altered,
    sounds,
    usefulness,
    validation,
)
from gaae_tf.evaluation.phases import Phases
from gaae_tf.evaluation.provenance import main_figures, provenance
from gaae_tf.evaluation.settings import EvaluateSettings
from gaae_tf.files import write_text
from gaae_tf.run.look import no_run
from gaae_tf.run.names import SCORES, SCORES_OF_SAMPLES

# In the order of `details`.
MEASURES = (
    *(sounds, real_clips, same_labels, same_labels_altered, classification, interpolations),
    *(reconstructions, restyling, representations, prior, usefulness, validation, confusion),
)


def evaluate(
    run_dir: str | Path,
    settings: EvaluateSettings | None = None,
    *,
    dataset_dir: str | Path | None = None,
    guidance_dataset_dir: str | Path | None = None,
    log: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Scores a run and writes `<run_dir>/scores.json` and the listening page `<run_dir>/report`.

    A folder of samples is scored into `scores_of_samples.json`, or `settings.scores_out`, alone.

    Args:
        run_dir: Run folder with a checkpoint.
        settings: None takes the defaults.
        dataset_dir: Data set folder; None takes the one that the run was trained on.
        guidance_dataset_dir: Folder of the data set that guided the run; None takes the one that
            did. Only for a run that another data set guided.
        log: Receives lines of progress.

    Returns:
        What was written: the main figures as plain numbers, `details`, `provenance`.

    Raises:
        FileNotFoundError: The run folder or its guidance file is missing.
        ValueError: The data set is missing or does not fit the run, or has no labelled test clip.
    """
    run_dir = Path(run_dir)
    settings = settings or EvaluateSettings()
    if not run_dir.is_dir():
        raise FileNotFoundError(no_run(run_dir))
    phases = Phases(log)
    with phases.phase("loading the run and its data sets"):
        run = gaae_tf.load(run_dir, vocoder=settings.vocoder, refine=settings.refine)
        context = opened(run, run_dir, settings, dataset_dir, guidance_dataset_dir, phases)
    scores = score_run(context)
    text = json.dumps(scores, indent=2, allow_nan=False) + "\n"
    if settings.samples is not None:  # they are not the run's
        write_text(settings.scores_out or run_dir / SCORES_OF_SAMPLES, text)
    else:
        write_text(run_dir / SCORES, text)
        phases.say("the listening page")
        test, encoded = context.known_test, context.encoded_known_test
        write_listening_page(run, run_dir, scores, test, encoded, settings.seed, phases.say)
    phases.say("done")
    return scores


def score_run(context: Context) -> dict[str, Any]:
    """Measures everything that `evaluate` reports.

    Args:
        context: The run, its data sets and the settings.

    Raises:
        ValueError: There are too few clips, or sounds cannot be used.
    """
    _ = context.known, context.known_test  # told at once where a class has none
    context.phases.say(estimate(context, MEASURES))
    context.prepare()
    details: dict[str, Any] = {}
    for measure in MEASURES:
        if not measure.applies(context):
            continue
        name = measure.phase(context)
        if name is None:
            details |= measure.measure(context)
            continue
        with context.phases.phase(name):
            details |= measure.measure(context)
    main = main_figures(context, details)
    sources = provenance(context, (*main, *details))
    return {**main, "details": details, "provenance": sources}
