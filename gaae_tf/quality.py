"""Sample quality: every measure of a set of sounds in one scorer, with its spread (METHOD §7).

A measure that cannot be had, say of too few clips, is `{"value": None, "reason": ...}`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.special

from gaae_tf.metrics.frechet import frechet_distance, gaussian_statistics
from gaae_tf.metrics.inception_score import inception_score
from gaae_tf.metrics.intervals import wilson_interval
from gaae_tf.metrics.kernel_distance import kernel_distance, subset_clips
from gaae_tf.metrics.mode_scores import am_score, modified_inception_score
from gaae_tf.metrics.neighbours import memorisation, precision_recall_density_coverage

INCEPTION_SPLITS = 10
# The neighbours' measures cost the square of it; precision and its kin depend on the number, too.
MOST_NEIGHBOURS = 10_000

Figure = dict[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Scored:
    """What a scorer says of clips.

    Attributes:
        name: of the clips, as figures name them: "generated", "real test".
        logits: float32 [clips, classes].
        features: float32 [clips, d].
        labels: int [clips], class that was asked for or is true; -1 where nobody knows.
    """

    name: str
    logits: np.ndarray
    features: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.logits)


def quality(
    samples: Scored,
    real_train: Scored,
    real_test: Scored,
    classes: Sequence[str],
    seed: int = 0,
    log: Callable[[str], None] = lambda _: None,
) -> dict[str, Figure | dict[str, Figure]]:
    """Measures samples against real clips.

    Args:
        samples: the sounds; real test clips too, for the yardstick.
        real_train: real training clips.
        real_test: real test clips.
        classes: names, in label order.
        seed: of shuffles, subsets and resamplings.
        log: receives the name of each measure before it is taken.

    Returns:
        Figures by name; `class_accuracy_by_class` by class, distances by reference set.
    """
    log(f"{samples.name}: Inception Scores")
    labelled = samples.labels >= 0
    found = (samples.logits.argmax(axis=1) == samples.labels)[labelled]
    probabilities = scipy.special.softmax(samples.logits.astype(np.float64), axis=1)
    train_distribution = scipy.special.softmax(real_train.logits.astype(np.float64), axis=1)
    figures: dict[str, Any] = {
        "class_accuracy": accuracy(found),
        "class_accuracy_by_class": {
            name: accuracy(found[samples.labels[labelled] == label])
            for label, name in enumerate(classes)
        },
        "inception_score": _figure(
            lambda: inception_score(probabilities, INCEPTION_SPLITS, seed),
            splits=INCEPTION_SPLITS,
            clips=len(samples),
        ),
        "modified_inception_score": _figure(
            lambda: modified_inception_score(samples.logits, seed=seed), clips=len(samples)
        ),
        "am_score": _figure(
            lambda: am_score(samples.logits, train_distribution.mean(axis=0), seed=seed),
            clips=len(samples),
        ),
    }
    for reference in (real_train, real_test):
        if reference is samples:
            continue
        log(f"{samples.name} against {reference.name}: distances")
        against = f"against_{reference.name.replace(' ', '_')}"
        figures[against] = _against(samples, reference, seed)
    if samples is not real_test:
        log(f"{samples.name}: nearest training clips")
        figures["memorisation"] = _memorisation(
            _some(samples.features, seed), real_test.features, real_train.features
        )
    return figures


def _against(samples: Scored, reference: Scored, seed: int) -> dict[str, Figure]:
    clips = [len(samples), len(reference)]
    figures: dict[str, Figure] = {
        f"frechet_{space}": _figure(
            lambda space=space: frechet_distance(
                *gaussian_statistics(getattr(samples, space)),
                *gaussian_statistics(getattr(reference, space)),
            ),
            clips=clips,
            dimensions=getattr(samples, space).shape[1],
        )
        for space in ("logits", "features")
    }
    figures["kernel_distance_features"] = _figure(
        lambda: kernel_distance(reference.features, samples.features, seed=seed),
        clips=clips,
        subset_clips=subset_clips(*clips),
    )
    some, others = _some(samples.features, seed), _some(reference.features, seed)
    drawn = [len(some), len(others)]
    try:
        measures = precision_recall_density_coverage(others, some, seed=seed)
    except ValueError as error:
        missing = {"value": None, "reason": str(error)}
        return figures | dict.fromkeys(("precision", "recall", "density", "coverage"), missing)
    return figures | {
        name: {"value": value, "deviation": deviation, "clips": drawn, "neighbours": 5}
        for name, (value, deviation) in measures.items()
    }


def _memorisation(samples: np.ndarray, test: np.ndarray, train: np.ndarray) -> Figure:
    try:
        found = memorisation(samples, test, train)
    except ValueError as error:
        return {"value": None, "reason": str(error)}
    return {
        "value": found["near_share"],
        "interval_95": list(wilson_interval(found["near"], found["generated"])),
        **found,
        "clips": [len(samples), len(train)],
        "rule": "share of samples nearer to a training clip than 95 % of real test clips are, by "
        "the scorer's features; 5 % is what fair samples have",
    }


def _some(features: np.ndarray, seed: int) -> np.ndarray:
    if len(features) <= MOST_NEIGHBOURS:
        return features
    return features[np.random.default_rng(seed).permutation(len(features))[:MOST_NEIGHBOURS]]


def accuracy(found: np.ndarray) -> Figure:
    """Share of clips whose class was found, bool [clips], with its 95 % Wilson interval."""
    if not len(found):
        return {"value": None, "reason": "no sample has a label"}
    return {
        "value": float(found.mean()),
        "interval_95": list(wilson_interval(int(found.sum()), len(found))),
        "clips": len(found),
    }


def _figure(measure: Callable[[], float | tuple[float, float]], **known: Any) -> Figure:
    try:
        result = measure()
    except ValueError as error:
        return {"value": None, "reason": str(error), **known}
    if isinstance(result, tuple):
        return {"value": result[0], "deviation": result[1], **known}
    return {"value": result, **known}
