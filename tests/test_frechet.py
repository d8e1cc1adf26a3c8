import numpy as np
import pytest
import scipy.linalg

from gaae_tf.metrics.frechet import (
    frechet_deviation,
    frechet_distance,
    gaussian_statistics,
)


def random_gaussian(seed, dimensions=12, rank=None):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(dimensions, rank or 3 * dimensions))
    return rng.normal(size=dimensions), factor @ factor.T / factor.shape[1]


def test_distance_of_shifted_gaussians_is_the_squared_shift():
    mean, covariance = np.zeros(2), np.diag([1.0, 4.0])
    distance = frechet_distance(mean, covariance, mean + np.array([3.0, 4.0]), covariance)
    assert distance == pytest.approx(25.0)  # 3² + 4², covariances cancel


def test_distance_of_scaled_gaussians_is_the_squared_difference_of_deviations():
    a, b = np.diag([1.0, 9.0, 25.0]), np.diag([4.0, 4.0, 0.0])
    distance = frechet_distance(np.zeros(3), a, np.zeros(3), b)
    assert distance == pytest.approx(1.0 + 1.0 + 25.0)  # (1−2)² + (3−2)² + (5−0)²


def test_agrees_with_the_matrix_square_root_of_scipy():
    (mean_a, a), (mean_b, b) = random_gaussian(0), random_gaussian(1)
    root = scipy.linalg.sqrtm(a @ b).real
    expected = np.sum((mean_a - mean_b) ** 2) + np.trace(a + b - 2.0 * root)
    assert frechet_distance(mean_a, a, mean_b, b) == pytest.approx(expected, rel=1e-9)


def test_distance_to_itself_is_zero_and_never_negative():
    for seed in range(20):
        mean, covariance = random_gaussian(seed)
        assert 0.0 <= frechet_distance(mean, covariance, mean, covariance) < 1e-12


def test_singular_covariances_give_an_exact_real_distance():
    # Equal up to scale c², rank 3 of 12: distance = (1−c)² Tr Σ. sqrtm fails or turns complex here.
    mean, covariance = random_gaussian(3, rank=3)
    distance = frechet_distance(mean, covariance, mean, 4.0 * covariance)
    assert distance == pytest.approx(np.trace(covariance), rel=1e-10)


def test_distance_is_symmetric():
    a, b = random_gaussian(4), random_gaussian(5)
    assert frechet_distance(*a, *b) == pytest.approx(frechet_distance(*b, *a), rel=1e-12)


def test_statistics_agree_with_numpy_from_float32():
    features = np.random.default_rng(0).normal(5.0, size=(50, 7)).astype(np.float32)
    mean, covariance = gaussian_statistics(features)
    assert mean.dtype == covariance.dtype == np.float64
    np.testing.assert_allclose(mean, features.astype(np.float64).mean(axis=0))
    np.testing.assert_allclose(covariance, np.cov(features.astype(np.float64), rowvar=False))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((7, 7)), "at least 8 clips; received 7"),
        (np.zeros(7), r"not of shape \(7,\)"),
        (np.where(np.eye(9, 4, dtype=bool), np.nan, 0.0), "4 of 9 rows are not"),
    ],
)
def test_bad_features_are_named(features, message):
    with pytest.raises(ValueError, match=message):
        gaussian_statistics(features)


@pytest.mark.parametrize(
    ("mean_b", "covariance_b", "message"),
    [
        (np.zeros(3), np.eye(2), "mean_a and mean_b must be"),
        (np.zeros(2), np.eye(3), r"covariance_b must be of shape \(2, 2\)"),
        (np.array([0.0, np.inf]), np.eye(2), "must be finite"),
        (np.zeros(2), np.diag([1.0, np.nan]), "covariance_b must be finite"),
        (np.zeros(2), np.array([[1.0, 0.5], [0.0, 1.0]]), "covariance_b must be symmetric"),
        (np.zeros(2), np.diag([1.0, -1.0]), "smallest eigenvalue is -1"),
    ],
)
def test_bad_gaussians_are_named(mean_b, covariance_b, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(np.zeros(2), np.eye(2), mean_b, covariance_b)


def test_deviation_on_a_line_is_the_closed_form():
    # (μa − μb)² + (σa − σb)²: by the delta method the variance is 4δ²(σa²/n + σb²/m) and, of
    # deviations with variances σ²/2n, 4(σa − σb)²(σa²/2n + σb²/2m). Means over 40 experiments.
    n, m, shift, scale = 400, 300, 2.0, 1.5
    claimed = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=(n, 1)), shift + scale * rng.normal(size=(m, 1))
        claimed.append(frechet_deviation(a, b))
    variances = 1.0 / n, scale**2 / m
    expected = 4 * shift**2 * sum(variances) + 4 * (scale - 1) ** 2 * sum(variances) / 2
    assert np.mean(np.square(claimed)) == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize(
    ("shift", "scale", "least", "most"), [(0.5, 1.3, 0.9, 1.25), (0.0, 1.0, 1.0, 1.8)]
)
def test_deviation_is_that_of_repeated_experiments(shift, scale, least, most):
    distances, claimed = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=(200, 6)), shift + scale * rng.normal(size=(150, 6))
        distances.append(frechet_distance(*gaussian_statistics(a), *gaussian_statistics(b)))
        if seed < 40:
            claimed.append(frechet_deviation(a, b))
    assert least < np.mean(claimed) / np.std(distances, ddof=1) < most


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_deviation_agrees_with_whole_fits_and_scipy_without_each_group(offset):
    rng = np.random.default_rng(7)
    a, b = rng.normal(offset, 1.0, size=(61, 4)), rng.normal(offset + 0.5, 2.0, size=(50, 4))
    variance = 0.0
    for x, other in ((a, b), (b, a)):
        groups = np.array_split(np.random.default_rng(3).permutation(len(x)), 5)
        distances = []
        for group in groups:
            left = np.delete(x, group, axis=0)
            product = np.cov(left, rowvar=False) @ np.cov(other, rowvar=False)
            distances.append(
                np.sum((left.mean(axis=0) - other.mean(axis=0)) ** 2)
                + np.trace(np.cov(left, rowvar=False) + np.cov(other, rowvar=False))
                - 2.0 * np.trace(scipy.linalg.sqrtm(product).real)
            )
        variance += 4 / 5 * np.sum((distances - np.mean(distances)) ** 2)
    assert frechet_deviation(a, b, groups=5, seed=3) == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_identical_samples_are_a_point_at_the_distance_of_the_definition():
    # Zero covariance: ‖μa − μb‖² + Tr Σb, and no uncertainty but the other set's.
    real = np.random.default_rng(8).normal(size=(90, 5))
    same = np.full((60, 5), 3.0)
    mean, covariance = gaussian_statistics(real)
    received = frechet_distance(*gaussian_statistics(same), mean, covariance)
    assert received == pytest.approx(np.sum((3.0 - mean) ** 2) + np.trace(covariance))
    assert frechet_deviation(same, real) > 0.0
    assert frechet_deviation(same, np.zeros((60, 5))) == 0.0


def test_too_few_clips_or_groups_for_a_deviation_are_named():
    x = np.random.default_rng(9).normal(size=(21, 20))
    with pytest.raises(ValueError, match="20 groups is gone; of 21 clips 19 are left"):
        frechet_deviation(x, x)
    with pytest.raises(ValueError, match="at least 2; received 1"):
        frechet_deviation(x, x, groups=1)
