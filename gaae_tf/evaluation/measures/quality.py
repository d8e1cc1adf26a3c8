"""Sample quality: every measure of a set of sounds in one scorer, with its spread (METHOD §7).

Figures have the form of `gaae_tf.scores.figure`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.special

from gaae_tf.metrics.frechet import (
    GROUPS,
    frechet_deviation,
    frechet_distance,
    gaussian_statistics,
)
from gaae_tf.metrics.inception_score import inception_score
from gaae_tf.metrics.intervals import wilson_interval
from gaae_tf.metrics.kernel_distance import kernel_distance, subset_clips
from gaae_tf.metrics.mode_scores import am_score, modified_inception_score
from gaae_tf.metrics.neighbours import memorisation, precision_recall_density_coverage
from gaae_tf.scores.figure import Figure, absent, measured, share, single, spread

INCEPTION_SPLITS = 10
# The neighbours' measures cost the square of it; precision and its kin depend on the number, too.
MOST_NEIGHBOURS = 10_000

# What each deviation is, as it stands beside it.
_OF_SPLITS = f"standard deviation over {INCEPTION_SPLITS} splits of the clips"
_BOOTSTRAP = "standard error by a bootstrap over the clips"
_JACKKNIFE = f"standard error by the jackknife, {GROUPS} groups of either set deleted in turn"
_OF_SUBSETS = "standard deviation over random subsets: that of one subset's value"
_OF_HALVES = "standard error by random halves of both sets"


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
    seen: np.ndarray | None = None,
) -> dict[str, Figure | dict[str, Figure]]:
    """Measures samples against real clips.

    Args:
        samples: the sounds; real clips too, for the yardstick: the very `real_train` or
            `real_test`. What a set's comparison with itself would give is left out.
        real_train: real training clips, labelled.
        real_test: real test clips.
        classes: names, in label order.
        seed: of shuffles, subsets and resamplings.
        log: receives the name of each measure before it is taken.
        seen: features, float32 [clips, d], of every clip that the generator was trained on,
            labelled or not; None takes those of `real_train`.

    Returns:
        Figures by name; `class_accuracy_by_class` by class, distances by reference set.
    """
    log(f"{samples.name}: Inception Scores")
    figures = _accuracies(samples, classes) | _inception_scores(samples, real_train, seed)
    if samples is real_train:
        return figures
    for reference in (real_train, real_test):
        if reference is samples:
            continue
        log(f"{samples.name} against {reference.name}: distances")
        against = f"against_{reference.name.replace(' ', '_')}"
        figures[against] = _against(samples, reference, seed)
    if samples is not real_test:
        log(f"{samples.name}: nearest training clips")
        figures["memorisation"] = _memorisation(
            _some(samples.features, seed),
            real_test.features,
            real_train.features if seen is None else seen,
        )
    return figures


def at_real_test_count(
    samples: Scored,
    real_train: Scored,
    real_test: Scored,
    seed: int = 0,
    log: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measures as many samples as there are real test clips, as those are measured.

    Scores and distances depend on numbers of clips: an Inception Score of 10 classes in parts of 25
    clips stays below 10 even of perfect sounds. Only at their own number do samples compare with
    the yardstick, real test clips against real training clips.

    Args:
        samples: the sounds, of which a random part is taken; all, in order, of just as many.
        real_train: real training clips.
        real_test: real test clips.
        seed: of the part, shuffles, subsets and resamplings.
        log: receives what is measured.

    Returns:
        "clips", how many; and by name those of `quality`'s figures that depend on it, the distances
        under "against_real_train". Of too few samples "clips", a "value" of None and a "reason".
    """
    count = len(real_test)
    if len(samples) < count:
        reason = f"{len(samples)} samples are fewer than the {count} real test clips"
        return absent(reason, clips=count)
    log(f"{samples.name}: {count} of them, as many as real test clips")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(samples))[:count])
    some = Scored(
        samples.name, samples.logits[chosen], samples.features[chosen], samples.labels[chosen]
    )
    return {
        "clips": count,
        **_inception_scores(some, real_train, seed),
        "against_real_train": _against(some, real_train, seed),
    }


def _accuracies(samples: Scored, classes: Sequence[str]) -> dict[str, Any]:
    labelled = samples.labels >= 0
    predicted = samples.logits.argmax(axis=1)
    found = (predicted == samples.labels)[labelled]
    return {
        "class_accuracy": share(found),
        "class_accuracy_by_class": {
            name: share(found[samples.labels[labelled] == label], f"of class {name}")
            for label, name in enumerate(classes)
        },
        "class_share": {name: share(predicted == label) for label, name in enumerate(classes)},
    }


def _inception_scores(samples: Scored, real_train: Scored, seed: int) -> dict[str, Figure]:
    """Scores that need no reference but the training clips' distribution."""
    probabilities = scipy.special.softmax(samples.logits.astype(np.float64), axis=1)
    train_distribution = scipy.special.softmax(real_train.logits.astype(np.float64), axis=1)
    return {
        "inception_score": measured(
            lambda: inception_score(probabilities, INCEPTION_SPLITS, seed),
            _OF_SPLITS,
            splits=INCEPTION_SPLITS,
            clips=len(samples),
        ),
        "modified_inception_score": measured(
            lambda: modified_inception_score(samples.logits, seed=seed),
            _BOOTSTRAP,
            clips=len(samples),
        ),
        "am_score": measured(
            lambda: am_score(samples.logits, train_distribution.mean(axis=0), seed=seed),
            _BOOTSTRAP,
            clips=len(samples),
        ),
    }


def _against(samples: Scored, reference: Scored, seed: int) -> dict[str, Figure]:
    clips = [len(samples), len(reference)]
    figures: dict[str, Figure] = {
        f"frechet_{space}": _frechet(getattr(samples, space), getattr(reference, space), seed)
        for space in ("logits", "features")
    }
    figures["kernel_distance_features"] = measured(
        lambda: kernel_distance(reference.features, samples.features, seed=seed),
        _OF_SUBSETS,
        clips=clips,
        subset_clips=subset_clips(*clips),
    )
    some, others = _some(samples.features, seed), _some(reference.features, seed)
    known = {"clips": [len(some), len(others)], "neighbours": 5}
    try:
        measures = precision_recall_density_coverage(others, some, seed=seed)
    except ValueError as error:
        names = ("precision", "recall", "density", "coverage")
        return figures | {name: absent(str(error), **known) for name in names}
    return figures | {
        name: spread(*measure, _OF_HALVES, **known) for name, measure in measures.items()
    }


def _frechet(samples: np.ndarray, reference: np.ndarray, seed: int) -> Figure:
    known = {"clips": [len(samples), len(reference)], "dimensions": samples.shape[1]}
    try:
        distance = frechet_distance(*gaussian_statistics(samples), *gaussian_statistics(reference))
    except ValueError as error:
        return absent(str(error), **known)
    try:
        deviation = frechet_deviation(samples, reference, seed=seed)
    except ValueError as error:  # enough clips for the one, too few without a group
        return single(distance, str(error), **known)
    return spread(distance, deviation, _JACKKNIFE, **known)


def _memorisation(samples: np.ndarray, test: np.ndarray, train: np.ndarray) -> Figure:
    try:
        found = memorisation(samples, test, train)
    except ValueError as error:
        return absent(str(error))
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
