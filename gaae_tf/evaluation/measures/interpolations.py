"""How smooth a run's interpolations between two styles are, beside a cross-fade's."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from gaae_tf.data.progress import Progress
from gaae_tf.evaluation.scorers import Scorer
from gaae_tf.metrics.pitch import semitones, strongest_harmonic_hz
from gaae_tf.metrics.smoothness import Smoothness, smoothness
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.scores.catalogue import SPACES
from gaae_tf.scores.figure import absent

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context

PAIRS_A_CLASS = 8
POINTS = 9
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


def applies(context: Context) -> bool:
    """The run makes sounds of drawn styles."""
    return context.can("generate")


def phase(context: Context) -> str:
    """What is done."""
    return "interpolations"


def measure(context: Context) -> dict[str, Any]:
    """Figures of paths between styles as `interpolation`."""
    found = interpolation(context.run, context.scorer, context.seed, progress=True)
    return {"interpolation": found}


def interpolation(
    run: Interpolator,
    scorer: Scorer,
    seed: int = 0,
    pairs_a_class: int = PAIRS_A_CLASS,
    points: int = POINTS,
    progress: bool = False,
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
        progress: Whether to show progress on stderr.

    Returns:
        For "scorer_features", "spectrograms" and "pitch" the figures of `Smoothness` over all
        pairs, each with `value`, `deviation` and `pairs`, or with `reason` where there is none;
        likewise `by_class`, empty without classes, and `cross_fade` over the same pairs.
    """
    found: dict[str, dict[str, list[Smoothness | str]]] = {
        space: {"paths": [], "cross_fade": []} for space in SPACES
    }
    labels = [{"label": name} for name in run.classes] or [{}]
    shown = Progress(len(labels) * pairs_a_class, "paths", progress)
    for number, label in enumerate(labels):
        sounds = _paths(run, np.random.SeedSequence([seed, number]), pairs_a_class, points, label)
        for kind, paths in (("paths", sounds), ("cross_fade", _faded(sounds))):
            for space, smooth in _measured(run, scorer, paths).items():
                found[space][kind] += smooth
        shown.step(pairs_a_class)
    shown.close()
    figures = {
        space: {
            **_figures(kinds["paths"]),
            "cross_fade": _figures(kinds["cross_fade"]),
            "by_class": {
                name: _figures(kinds["paths"][label * pairs_a_class :][:pairs_a_class])
                for label, name in enumerate(run.classes)
            },
        }
        for space, kinds in found.items()
    }
    return {
        **figures,
        "pairs_a_class": pairs_a_class,
        "points": points,
        "seed": seed,
        "rule": _rule(points),
    }


def _rule(points: int) -> str:
    """How the figures are measured."""
    return (
        "path_length_ratio is the sum of the steps over the distance of the ends (straight "
        "and even: 1), largest_step_share the largest step over that sum (straight and even: "
        f"1/{points - 1}); Euclidean distances; pitch in semitones of the strongest harmonic, of "
        f"pairs {_LEAST_SEMITONES:g} or more apart; deviations over pairs"
    )


def _paths(
    run: Interpolator,
    seeds: np.random.SeedSequence,
    pairs: int,
    points: int,
    label: dict[str, str],
) -> list[np.ndarray]:
    """Sounds of paths, float32 [points, clip_samples] each; `label` is the class, if any."""
    ends = [int(word >> 1) for word in seeds.generate_state(2 * pairs)]
    return [
        np.asarray(run.interpolate(first, second, count=points, **label))
        for first, second in zip(ends[::2], ends[1::2], strict=True)
    ]


def _faded(paths: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The cross-fades of the paths' ends."""
    eta = np.linspace(0.0, 1.0, len(paths[0]), dtype=np.float32)[:, np.newaxis]
    return [(1.0 - eta) * path[0] + eta * path[-1] for path in paths]


def _measured(
    run: Interpolator, scorer: Scorer, paths: Sequence[np.ndarray]
) -> dict[str, list[Smoothness | str]]:
    """How smooth each path is in each of `SPACES`."""
    audio = np.concatenate(paths)
    pitch = semitones(strongest_harmonic_hz(audio, run.sample_rate_hz), 440.0)
    places = {
        "scorer_features": (scorer.score(audio, sample_rate_hz=run.sample_rate_hz)[1], 0.0),
        "spectrograms": (run.signal_path.spectrogram(audio).numpy(), 0.0),
        "pitch": (pitch[:, np.newaxis], _LEAST_SEMITONES),
    }
    return {
        space: [_smoothness(part, least) for part in np.split(points, len(paths))]
        for space, (points, least) in places.items()
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
        return {name: absent(str(paths[0]), pairs=0) for name in _FIGURES}
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
