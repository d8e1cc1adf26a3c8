"""How smooth a run's interpolations between two styles are, beside a cross-fade's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from gaae_tf.evaluation.scorers import Scorer
from gaae_tf.metrics.pitch import semitones, strongest_harmonic_hz
from gaae_tf.metrics.smoothness import Smoothness, smoothness
from gaae_tf.ops.signal_path import SignalPath

PAIRS_A_CLASS = 8
POINTS = 9
# Where paths are measured, with the words for it.
SPACES = {"scorer_features": "features", "spectrograms": "spectrograms", "pitch": "pitch"}
_LEAST_SEMITONES = 1.0  # between the ends of a path whose pitch is said to glide
_FIGURES = [field.name for field in dataclasses.fields(Smoothness)]


class Interpolator(Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it."""

    classes: tuple[str, ...]  # none of a system without classes
    sample_rate_hz: int
    signal_path: SignalPath

    def interpolate(self, first: int, second: int, count: int, label: str) -> np.ndarray:
        """Gives sounds from one seed's style to another's, float32 [count, clip_samples].

        A system without classes takes no label.
        """


def interpolation(
    run: Interpolator,
    scorer: Scorer,
    seed: int = 0,
    pairs_a_class: int = PAIRS_A_CLASS,
    points: int = POINTS,
) -> dict[str, Any]:
    """Measures paths z0 + η·(z1 − z0) between drawn styles, by what is heard along them.

    In the scorer's features the figures tell what a listener of classes would notice; in the run's
    spectrograms they tell all of the sound; as semitones of the strongest harmonic, whether pitch
    glides or jumps, where the ends are a semitone or more apart. The yardstick is the same ends'
    cross-fade, which plays both at once: (1 − η)·first + η·last, sample by sample.

    Args:
        run: What interpolates.
        scorer: Whose features are one space.
        seed: Of the styles.
        pairs_a_class: Pairs of styles, others for each class; without classes, pairs in all.
        points: Sounds of a path, both ends among them.

    Returns:
        For "scorer_features", "spectrograms" and "pitch" the figures of `Smoothness` over all
        pairs, each with `value`, `deviation` and `pairs`, or with `reason` where there is none;
        likewise
        `by_class`, empty without classes, and `cross_fade` over the same pairs.
    """
    eta = np.linspace(0.0, 1.0, points, dtype=np.float32)[:, np.newaxis]
    found: dict[str, dict[str, list[Smoothness | str]]] = {
        space: {"paths": [], "cross_fade": []} for space in SPACES
    }
    labels = [{"label": name} for name in run.classes] or [{}]
    for number, label in enumerate(labels):
        words = np.random.SeedSequence([seed, number]).generate_state(2 * pairs_a_class)
        ends = [int(word >> 1) for word in words]
        sounds = [
            np.asarray(run.interpolate(first, second, count=points, **label))
            for first, second in zip(ends[::2], ends[1::2], strict=True)
        ]
        faded = [(1.0 - eta) * path[0] + eta * path[-1] for path in sounds]
        for kind, paths in (("paths", sounds), ("cross_fade", faded)):
            audio = np.concatenate(paths)
            features = scorer.score(audio, sample_rate_hz=run.sample_rate_hz)[1]
            spectrograms = run.signal_path.spectrogram(audio).numpy()
            pitch = semitones(strongest_harmonic_hz(audio, run.sample_rate_hz), 440.0)
            for space, places, least in (
                ("scorer_features", features, 0.0),
                ("spectrograms", spectrograms, 0.0),
                ("pitch", pitch[:, np.newaxis], _LEAST_SEMITONES),
            ):
                found[space][kind] += [_smoothness(p, least) for p in np.split(places, len(paths))]
    return {
        **{
            space: {
                **_figures(kinds["paths"]),
                "cross_fade": _figures(kinds["cross_fade"]),
                "by_class": {
                    name: _figures(kinds["paths"][label * pairs_a_class :][:pairs_a_class])
                    for label, name in enumerate(run.classes)
                },
            }
            for space, kinds in found.items()
        },
        "pairs_a_class": pairs_a_class,
        "points": points,
        "seed": seed,
        "rule": "path_length_ratio is the sum of the steps over the distance of the ends (straight "
        "and even: 1), largest_step_share the largest step over that sum (straight and even: "
        f"1/{points - 1}); Euclidean distances; pitch in semitones of the strongest harmonic, of "
        f"pairs {_LEAST_SEMITONES:g} or more apart; deviations over pairs",
    }


def _smoothness(points: np.ndarray, least: float) -> Smoothness | str:
    """The path's figures, or why there are none; `least` is how far apart the ends must be."""
    if np.linalg.norm(points[-1] - points[0]) < least:
        return f"the ends are less than {least:g} apart"
    try:
        return smoothness(points)
    except ValueError as error:
        return str(error)


def _figures(paths: Sequence[Smoothness | str]) -> dict[str, dict[str, Any]]:
    """Means and deviations over the paths that have figures."""
    measured = [path for path in paths if isinstance(path, Smoothness)]
    if not measured:
        return {name: {"value": None, "reason": str(paths[0]), "pairs": 0} for name in _FIGURES}
    result = {}
    for name in _FIGURES:
        values = np.array([getattr(path, name) for path in measured])
        result[name] = {
            "value": float(values.mean()),
            "deviation": None,
            "pairs": len(values),
        }
        if len(values) > 1:
            result[name]["deviation"] = float(values.std(ddof=1))
            result[name]["deviation_is"] = "sample standard deviation over pairs"
        else:
            result[name]["deviation_reason"] = "one pair"
        if len(measured) < len(paths):
            result[name]["left_out"] = len(paths) - len(measured)
    return result
