"""Fréchet distance between Gaussians fitted to features (Heusel et al. 2017; METHOD §7)."""

import numpy as np


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
