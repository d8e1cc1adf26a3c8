"""How straight and how even a path of interpolation is in a space of features.

A path of K + 1 points is judged by the K steps d(i, i + 1) between neighbours, as the perceptual
path length of Karras, Laine and Aila (2019, section 4.1) sums small steps in a network's features.
That length alone grows with how far apart the ends are; put in relation to the straight way between
them (Batschelet's straightness index of 1981, turned round) it compares across pairs, classes and
models. Both figures depend on K, for a coarse path leaves detours out, and on the space.
"""

from __future__ import annotations

import dataclasses

import numpy as np

# Features are float32: ends nearer than its rounding coincide.
_ROUNDING = float(np.finfo(np.float32).eps)


@dataclasses.dataclass(frozen=True)
class Smoothness:
    """How smooth one path is.

    Attributes:
        path_length_ratio: Σ d(i, i + 1) / d(0, K), at least 1: 1 is straight, larger makes detours.
        largest_step_share: max d(i, i + 1) / Σ d(i, i + 1), in [1/K, 1]: 1/K is even, 1 is a jump.
    """

    path_length_ratio: float
    largest_step_share: float


def smoothness(points: np.ndarray) -> Smoothness:
    """Gives straightness and evenness of a path by Euclidean distances, in float64.

    Args:
        points: Features along the path in order, float [points, ...], 3 points at least.

    Raises:
        ValueError: Fewer points, values that are not finite, or ends that coincide: a ratio to
            no distance says nothing.
    """
    x = np.asarray(points, np.float64)
    if x.ndim < 2 or len(x) < 3 or not x[0].size:
        raise ValueError(f"points must be [3 or more, ...]; received shape {x.shape}.")
    if not np.all(np.isfinite(x)):
        raise ValueError(f"points must be finite; {np.sum(~np.isfinite(x))} values are not.")
    x = x.reshape(len(x), -1)
    steps = np.linalg.norm(np.diff(x, axis=0), axis=1)
    chord = float(np.linalg.norm(x[-1] - x[0]))
    if chord <= _ROUNDING * max(np.linalg.norm(x[0]), np.linalg.norm(x[-1])):
        raise ValueError(
            f"Both ends of the path coincide (distance {chord:.3g}): there is no straight way "
            "to compare with."
        )
    length = float(steps.sum())
    # Rounding can leave a straight path a hair shorter than its chord.
    return Smoothness(max(length / chord, 1.0), float(steps.max()) / length)
