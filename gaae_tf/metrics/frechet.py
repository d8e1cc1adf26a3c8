"""Fréchet distance between Gaussians fitted to features (Heusel et al. 2017; METHOD §7).

Fitted to finite samples it is biased upwards, the more the fewer clips and the more dimensions
(Bińkowski et al. 2018; Chong & Forsyth 2020, who extrapolate to infinitely many). Nothing is
corrected here: distances compare only at equal numbers of clips, which stand beside each. Nor
is the deviation a bootstrap's: resamples have fewer different clips and lie further apart than the
samples do, so that a percentile interval may leave out the distance itself.
"""

from collections.abc import Iterator

import numpy as np

GROUPS = 20  # deletions of the jackknife, of either set


def gaussian_statistics(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fits a Gaussian to feature vectors.

    Args:
        features: [clips, dimensions], with more clips than dimensions: with fewer the covariance
            has no full rank, and distances between two such fits measure the sample count.

    Returns:
        Mean [dimensions] and unbiased covariance [dimensions, dimensions], float64.

    Raises:
        ValueError: Wrong shape, non-finite values, or too few clips.
    """
    x = np.asarray(features, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < 1:
        raise ValueError(f"features must be [clips, dimensions], not of shape {x.shape}.")
    clips, dimensions = x.shape
    if clips <= dimensions:
        raise ValueError(
            f"A covariance of {dimensions}-dimensional features needs at least {dimensions + 1} "
            f"clips; received {clips}."
        )
    if not np.all(np.isfinite(x)):
        bad = int(np.sum(~np.isfinite(x).all(axis=1)))
        raise ValueError(f"features must be finite; {bad} of {clips} rows are not.")
    mean = x.mean(axis=0)
    centred = x - mean
    return mean, centred.T @ centred / (clips - 1)


def frechet_distance(
    mean_a: np.ndarray, covariance_a: np.ndarray, mean_b: np.ndarray, covariance_b: np.ndarray
) -> float:
    """Gives ‖μa − μb‖² + Tr(Σa + Σb − 2(ΣaΣb)^½), in float64, never complex and never negative.

    Tr((ΣaΣb)^½) is taken as the sum of the singular values of Σa^½·Σb^½, whose factors are the
    symmetric roots by eigenvalues: no root of a non-symmetric matrix is needed, and singular
    covariances are exact to rounding.

    Args:
        mean_a: [dimensions].
        covariance_a: [dimensions, dimensions], symmetric and positive semi-definite.
        mean_b: As `mean_a`.
        covariance_b: As `covariance_a`.

    Returns:
        The squared distance, as the literature's FID is.

    Raises:
        ValueError: Wrong shapes, non-finite values, or a matrix that is no covariance.
    """
    mean_a, mean_b = (np.asarray(mean, dtype=np.float64) for mean in (mean_a, mean_b))
    if mean_a.ndim != 1 or mean_a.shape != mean_b.shape:
        raise ValueError(
            f"mean_a and mean_b must be [dimensions] alike; received shapes {mean_a.shape} and "
            f"{mean_b.shape}."
        )
    if not (np.all(np.isfinite(mean_a)) and np.all(np.isfinite(mean_b))):
        raise ValueError("mean_a and mean_b must be finite; received NaN or infinity.")
    root_a, trace_a = _symmetric_root("covariance_a", covariance_a, len(mean_a))
    root_b, trace_b = _symmetric_root("covariance_b", covariance_b, len(mean_b))
    cross = np.linalg.svd(root_a @ root_b, compute_uv=False).sum()
    difference = mean_a - mean_b
    # Rounding can leave −1e-13 for equal Gaussians.
    return max(0.0, float(difference @ difference + trace_a + trace_b - 2.0 * cross))


def frechet_deviation(
    features_a: np.ndarray, features_b: np.ndarray, groups: int = GROUPS, seed: int = 0
) -> float:
    """Gives the standard error of the Fréchet distance of two samples' fitted Gaussians.

    By the delete-a-group jackknife (Kott 2001) of either sample, the two variances added (as of
    independent samples): clips are dealt to groups of one size by `seed`, and the distance is taken
    again without each group g in turn. Of those distances D_g the variance is (G − 1)/G ·
    Σ (D_g − mean D)². All deletions leave equally many clips, so the bias, the same in
    each, is no part of it; the jackknife errs upwards (Efron & Stein 1981). Beside repeated
    experiments it was 0.96 to 1.23 times their scatter, but 1.5 times between two samples of one
    distribution, where the distance is all bias. Group sums of first and second moments give
    all fits in one pass.

    Args:
        features_a: [clips, dimensions], with more clips than dimensions when a group is gone.
        features_b: Likewise; its number of clips may differ.
        groups: At least 2. The deviation itself scatters by about 1/√(2·groups).
        seed: Of the dealing.

    Returns:
        The standard error, in the distance's unit.

    Raises:
        ValueError: Wrong shapes, non-finite values, or too few clips or groups.
    """
    if groups < 2:
        raise ValueError(f"groups must be at least 2; received {groups}.")
    a, b = (np.asarray(x, dtype=np.float64) for x in (features_a, features_b))
    variance = 0.0
    for x, other in ((a, b), (b, a)):
        mean_b, covariance_b = gaussian_statistics(other)
        root_b, trace_b = _symmetric_root("covariance", covariance_b, len(mean_b))
        distances = []
        for mean_a, covariance_a in _fits_without_a_group(x, groups, seed):
            # Σb^½ΣaΣb^½ has the eigenvalues of ΣaΣb; one root serves all deletions. Roots of
            # rounded zeros are off by 1e-8 of the largest, which no deviation needs.
            cross = np.linalg.eigvalsh(root_b @ covariance_a @ root_b)
            distances.append(
                np.sum((mean_a - mean_b) ** 2)
                + np.trace(covariance_a)
                + trace_b
                - 2.0 * np.sqrt(np.maximum(cross, 0.0)).sum()
            )
        variance += (groups - 1) * float(np.var(distances))
    return float(np.sqrt(variance))


def _fits_without_a_group(
    features: np.ndarray, groups: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Mean and unbiased covariance without each group of clips in turn."""
    mean, _ = gaussian_statistics(features)
    clips, dimensions = features.shape
    left = clips - -(-clips // groups)
    if left <= dimensions:
        raise ValueError(
            f"A deviation of {dimensions}-dimensional features needs more clips than dimensions "
            f"when one of {groups} groups is gone; of {clips} clips {left} are left."
        )
    parts = np.array_split(np.random.default_rng(seed).permutation(clips), groups)
    sums, squares = np.empty([groups, dimensions]), np.empty([groups, dimensions, dimensions])
    for group, part in enumerate(parts):
        x = features[part] - mean  # lest squares of an offset swallow the variance
        sums[group], squares[group] = x.sum(axis=0), x.T @ x
    of_all, squares_of_all = sums.sum(axis=0), squares.sum(axis=0)
    for part, total, square in zip(parts, sums, squares, strict=True):
        left = clips - len(part)
        shift = (of_all - total) / left
        covariance = squares_of_all - square - left * np.outer(shift, shift)
        yield mean + shift, covariance / (left - 1)


def _symmetric_root(name: str, covariance: np.ndarray, dimensions: int) -> tuple[np.ndarray, float]:
    """Returns the symmetric square root of a covariance, and the covariance's trace."""
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.shape != (dimensions, dimensions):
        raise ValueError(
            f"{name} must be of shape {(dimensions, dimensions)}, as its mean; received "
            f"{matrix.shape}."
        )
    if not np.all(np.isfinite(matrix)):
        raise ValueError(f"{name} must be finite; received NaN or infinity.")
    tolerance = 1e-8 * max(float(np.max(np.abs(matrix))), np.finfo(np.float64).tiny)
    if np.max(np.abs(matrix - matrix.T)) > tolerance:
        raise ValueError(f"{name} must be symmetric; received a matrix that is not.")
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    if values[0] < -tolerance * dimensions:
        raise ValueError(
            f"{name} must be positive semi-definite; its smallest eigenvalue is {values[0]:.3g}."
        )
    values = np.maximum(values, 0.0)
    return (vectors * np.sqrt(values)) @ vectors.T, float(values.sum())
