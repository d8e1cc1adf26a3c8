import numpy as np
import pytest
import scipy.linalg

from gaae_tf.metrics.frechet import frechet_distance, gaussian_statistics


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
