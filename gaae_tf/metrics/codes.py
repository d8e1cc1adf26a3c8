"""How near codes of recordings are to N(0, I), and how much of a decoder's output the class sets.

A decoder learns from an encoder's codes, and sampling gives it codes from N(0, I). If the
encoder's codes vary in a few directions only, most codes from N(0, I) are unlike any it has seen.
"""

from __future__ import annotations

import numpy as np

from gaae_tf.metrics.features import check_same_dimensions, checked_features

# Codes and sounds are float32: differences below its rounding count as none.
_ROUNDING = float(np.finfo(np.float32).eps)


def effective_rank(codes: np.ndarray) -> float:
    """Gives (Σλ)² / Σλ² of the covariance's eigenvalues λ, the number of directions in use.

    The participation ratio: r for r equal eigenvalues and no others, whatever their size. Few clips
    lower it: n draws of N(0, I) in d dimensions have about `rank_of_prior_draws`(n, d).

    Args:
        codes: Codes, [clips, dimensions], at least 2.

    Returns:
        A value in [1, min(dimensions, clips − 1)]; 0 if all codes are equal.

    Raises:
        ValueError: Wrong shape, non-finite values, or too few clips.
    """
    covariance = _covariance(codes)
    total = float(np.trace(covariance))
    # Σλ is the trace, and Σλ² the sum of all squared entries.
    return total**2 / float(np.sum(np.square(covariance))) if total > 0.0 else 0.0


def rank_of_prior_draws(clips: int, dimensions: int) -> float:
    """Gives what `effective_rank` is about for so many draws of N(0, I): dn / (d + n).

    The mean eigenvalue is 1 and, by Marchenko and Pastur's law, the mean of their squares 1 + d/n.

    Args:
        clips: Number of draws n, at least 1.
        dimensions: Length d of a code, at least 1.
    """
    return clips * dimensions / (clips + dimensions)


def deviation(codes: np.ndarray) -> float:
    """Gives the root of the mean variance over dimensions: 1 for draws of N(0, I), 0 if all equal.

    Args:
        codes: Codes, [clips, dimensions], at least 2.

    Raises:
        ValueError: Wrong shape, non-finite values, or too few clips.
    """
    return float(np.sqrt(np.mean(np.diagonal(_covariance(codes)))))


def share_within(codes: np.ndarray, factor: float = 3.0) -> float:
    """Gives the share of the covariance's eigenvalues in [1 / factor, factor].

    1 for N(0, I) and many clips. The eigenvalues of few clips spread out: those of n draws in d
    dimensions lie between (1 ± √(d / n))² (Marchenko and Pastur 1967).

    Args:
        codes: Codes, [clips, dimensions], at least 2.
        factor: At least 1.

    Raises:
        ValueError: Wrong shape, non-finite values, too few clips, or a factor below 1.
    """
    if not factor >= 1.0:
        raise ValueError(f"factor must be at least 1; received {factor}.")
    eigenvalues = np.linalg.eigvalsh(_covariance(codes))
    return float(np.mean((eigenvalues >= 1.0 / factor) & (eigenvalues <= factor)))


def sliced_wasserstein(
    codes: np.ndarray, others: np.ndarray, directions: int = 64, seed: int = 0
) -> float:
    """Gives the mean squared 2-Wasserstein distance of projections on random unit directions.

    On a line, the best matching of two sets pairs their sorted values. The value is 0 for equal
    sets only, and grows with the square of a scale (Bonneel et al. 2015).

    Args:
        codes: Codes, [clips, dimensions].
        others: As many other codes, [clips, dimensions].
        directions: Number of directions, at least 1.
        seed: Seed of the directions.

    Raises:
        ValueError: Wrong shapes, unequal numbers of codes, non-finite values, or no direction.
    """
    why = "an empty set has no distance"
    codes = checked_features("codes", codes, 1, why)
    others = checked_features("others", others, 1, why)
    check_same_dimensions(codes=codes, others=others)
    if len(codes) != len(others):
        raise ValueError(
            f"codes and others must be equally many; received {len(codes)} and {len(others)}."
        )
    if directions < 1:
        raise ValueError(f"directions must be at least 1; received {directions}.")
    units = np.random.default_rng(seed).normal(size=(codes.shape[1], directions))
    units /= np.linalg.norm(units, axis=0)
    difference = np.sort(codes @ units, axis=0) - np.sort(others @ units, axis=0)
    return float(np.mean(np.square(difference)))


def distance_from_prior(codes: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Gives how far codes are from N(0, I), and how far draws of N(0, I) themselves would be.

    Both are `sliced_wasserstein` to the same draws along the same directions. The second is what a
    perfect match would give: not 0, and lower with more clips.

    Args:
        codes: Codes, [clips, dimensions].
        seed: Seed of draws and directions.

    Returns:
        The distance of the codes to as many draws, and that of as many other draws to them.

    Raises:
        ValueError: Wrong shape or non-finite values.
    """
    codes = checked_features("codes", codes, 1, "an empty set has no distance")
    # Not the stream of the directions: those would otherwise be the directions of the first draws.
    draws, others = np.random.default_rng([seed, 1]).normal(size=(2, *codes.shape))
    return (
        sliced_wasserstein(codes, draws, seed=seed),
        sliced_wasserstein(others, draws, seed=seed),
    )


def class_share(outputs: np.ndarray) -> float:
    """Gives the share of a decoder's variance that the class decides.

    Var = E_style Var_class + Var_style E_class: the first of the two over their sum, both as means
    over pixels. 1 if outputs differ by class alone, 0 if by style alone.

    Args:
        outputs: What the decoder makes of every style with every class, float [styles, classes,
            ...]; at least 2 of either.

    Returns:
        A value in [0, 1]; 0 if all outputs are equal.

    Raises:
        ValueError: Wrong shape, or non-finite values.
    """
    x = np.asarray(outputs, dtype=np.float64)
    if x.ndim < 2 or min(x.shape[:2]) < 2 or not x.size:
        raise ValueError(
            f"outputs must be [styles, classes, ...] with at least 2 of either; received shape "
            f"{x.shape}."
        )
    if not np.all(np.isfinite(x)):
        raise ValueError(f"outputs must be finite; {np.sum(~np.isfinite(x))} values are not.")
    of_class = np.mean(np.var(x, axis=1))
    of_style = np.mean(np.var(np.mean(x, axis=1), axis=0))
    total = of_class + of_style
    if total <= (_ROUNDING * np.abs(x).max()) ** 2:
        return 0.0
    return float(of_class / total)


def _covariance(codes: np.ndarray) -> np.ndarray:
    """The unbiased covariance, [dimensions, dimensions]; 0 where a code varies by rounding only."""
    x = checked_features("codes", codes, 2, "one code has no variance")
    x = x - x.mean(axis=0)
    x[:, np.abs(x).max(axis=0) <= _ROUNDING * np.abs(codes).max(axis=0)] = 0.0
    return x.T @ x / (len(x) - 1)
