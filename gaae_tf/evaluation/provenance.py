"""What stands in `scores.json` beside the details: the main figures, and where all come from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import gaae_tf
from gaae_tf.data.shards import Dataset
from gaae_tf.evaluation.context import Context
from gaae_tf.evaluation.scorers import dataset_id
from gaae_tf.scores import catalogue
from gaae_tf.scores.figure import NOT_MEASURED, read

_MAIN = {
    "requested_class_accuracy": catalogue.CLASS_FOUND,
    "inception_score": catalogue.INCEPTION_SCORE,
    "frechet_distance": catalogue.FRECHET_LOGITS,
    "classifier_test_accuracy": catalogue.CLASSIFIER_ACCURACY,
    "simple_classifier_same_labels_accuracy": catalogue.SIMPLE_CLASSIFIER_ACCURACY,
    "augmented_classifier_same_labels_accuracy": catalogue.AUGMENTED_CLASSIFIER_ACCURACY,
    "reconstruction_mse": catalogue.RECONSTRUCTION_ERROR,
    "reconstruction_spectral_convergence_db": catalogue.SPECTRAL_CONVERGENCE,
}
_WITH_DEVIATION = ("inception_score", "frechet_distance")
# What is measured on the data set that the run was trained on; all else on the one that guided it.
_OF_DATASET = (
    *("reconstruction", "reconstruction_mse", "reconstruction_spectral_convergence_db"),
    "codes",
)


def main_figures(context: Context, details: dict[str, Any]) -> dict[str, float | None]:
    """The main figures as plain numbers, or null; those of what was not measured are absent."""
    main = {"scorer_test_accuracy": context.scorer.test_accuracy["value"]}
    for name, measure in _MAIN.items():
        figure = read({"details": details}, measure.key)
        if figure.get("reason") == NOT_MEASURED:
            continue
        main[name] = figure["value"]
        if name in _WITH_DEVIATION:
            main[f"{name}_deviation"] = figure.get("deviation")
    return main


def provenance(context: Context, figures: Iterable[str]) -> dict[str, Any]:
    """Where the figures come from; JSON.

    Args:
        context: of the evaluation, at its end.
        figures: names of all of them.
    """
    run, dataset, guiding = context.run, context.dataset, context.guiding
    guidance, sounds = context.guidance, context.sounds
    return {
        "scorer": context.scorer.provenance(),
        "frechet_distance_is": "logits of the scorer, samples against real test clips",
        "frechet_bias": "a Fréchet distance of finite samples lies above that of infinitely "
        "many, the more the fewer clips and the more dimensions; compare at equal clips alone",
        "samples": 0 if sounds is None else len(sounds.scored),
        "samples_are": {} if sounds is None else sounds.source,
        # Of reconstructions and interpolations too, which are the run's own with --samples.
        "vocoder": run.vocoder,
        "refine": run.refine,
        "test_clips": len(context.known_test.labels),
        "train_clips": len(context.known.labels),
        "model": run.config.model,
        "labels_of_the_run": 0 if guidance is None else len(guidance),
        "seed": context.seed,
        "checkpoint": run.checkpoint,
        "step": run.step,
        "dataset": _dataset(dataset),
        "guidance_dataset": _dataset(guiding),
        "figures_are_from": {
            name: str(dataset.path if name in _OF_DATASET else guiding.path)
            for name in figures
            if name != "representations"  # which tell it themselves
        },
        "classes": list(context.classes),
        "versions": {
            "gaae_tf": gaae_tf.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "seconds": round(context.phases.seconds, 1),
        "phases": context.phases.records(),
        "peak_rss_is": "largest resident set of the process, looked at 20 times a second",
    }


def _dataset(dataset: Dataset) -> dict[str, str]:
    return {"name": dataset.name, "path": str(dataset.path), "id": dataset_id(dataset)}
