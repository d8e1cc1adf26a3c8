"""The check that every distance between sets of feature vectors begins with."""

import numpy as np

# Beyond it, squares and the kernel's cubes leave float64 ((1e50²)³ = 1e300).
LARGEST = 1e50


def checked_features(name: str, features: np.ndarray, least: int, why: str) -> np.ndarray:
    """Gives features as contiguous float64, or says what is wrong with them.

    Args:
        name: The argument's name, for errors.
        features: [clips, dimensions], finite.
        least: Fewest clips that the measure has a value for.
        why: What needs them, for errors.

    Raises:
        ValueError: Wrong shape, non-finite or enormous values, or too few clips.
    """
    x = np.ascontiguousarray(features, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < 1:
        raise ValueError(f"{name} must be [clips, dimensions], not of shape {x.shape}.")
    if len(x) < least:
        raise ValueError(f"{name} must hold at least {least} clips: {why}; received {len(x)}.")
    if not np.all(np.isfinite(x)):
        bad = int(np.sum(~np.isfinite(x).all(axis=1)))
        raise ValueError(f"{name} must be finite; {bad} of {len(x)} rows are not.")
    if np.abs(x).max() > LARGEST:
        raise ValueError(
            f"{name} must lie within ±{LARGEST:.0e}; received a value of magnitude "
            f"{np.abs(x).max():.3g}, which is no feature but a fault."
        )
    return x


def check_same_dimensions(**features: np.ndarray) -> None:
    """Refuses sets of features whose numbers of dimensions differ; pass them by their names."""
    if len({x.shape[1] for x in features.values()}) > 1:
        received = ", ".join(f"{name} {x.shape[1]}" for name, x in features.items())
        raise ValueError(f"All features must have the same number of dimensions: {received}.")
