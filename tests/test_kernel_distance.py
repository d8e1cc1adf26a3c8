import numpy as np
import pytest
from sklearn.metrics.pairwise import polynomial_kernel

from gaae_tf.metrics import kernel_distance as module
from gaae_tf.metrics.kernel_distance import kernel_distance, squared_mmd


def features(seed, clips, dimensions=6, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1.0, size=(clips, dimensions))


def reference(x, y):
    """Unbiased squared MMD by scikit-learn's kernel, its diagonals taken out as matrices."""
    gamma = 1.0 / x.shape[1]
    kxx, kyy, kxy = (
        polynomial_kernel(a, b, degree=3, gamma=gamma, coef0=1) for a, b in [(x, x), (y, y), (x, y)]
    )
    np.fill_diagonal(kxx, 0.0)
    np.fill_diagonal(kyy, 0.0)
    n, m = len(x), len(y)
    return kxx.sum() / (n * (n - 1)) + kyy.sum() / (m * (m - 1)) - 2.0 * kxy.mean()


def test_two_points_on_either_side_give_the_closed_form():
    # d = 1: k(1, 3) = 4³ = 64, k(0, 2) = 1, cross terms 1, 3³, 1, 7³ with mean 93.
    x, y = np.array([[1.0], [3.0]]), np.array([[0.0], [2.0]])
    assert squared_mmd(x, y) == pytest.approx(64.0 + 1.0 - 2.0 * 93.0)


def test_one_point_masses_give_the_squared_distance_of_their_kernels():
    # k(2, 2) + k(0, 0) − 2 k(2, 0) with d = 4 and x·x/d = 4: 125 + 1 − 2.
    assert squared_mmd(np.full((5, 4), 2.0), np.zeros((3, 4))) == pytest.approx(124.0)


@pytest.mark.parametrize("block_rows", [1, 7, 1000])
def test_agrees_with_scikit_learn_in_any_blocks(monkeypatch, block_rows):
    monkeypatch.setattr(module, "BLOCK_ROWS", block_rows)
    x, y = features(0, 41), features(1, 30, shift=0.5)
    assert squared_mmd(x, y) == pytest.approx(reference(x, y), rel=1e-10)


def test_one_set_on_both_sides_is_negative_by_its_own_pairs():
    # 2 (mean of k off the diagonal) − 2 (mean of all k) = (2/n) (off-diagonal mean − diagonal mean)
    x = features(2, 50)
    kernel = (x @ x.T / 6 + 1.0) ** 3
    own = np.trace(kernel) / 50
    others = (kernel.sum() - np.trace(kernel)) / (50 * 49)
    assert squared_mmd(x, x) == pytest.approx(2.0 / 50 * (others - own))
    assert squared_mmd(x, x) < 0.0


def test_mean_and_deviation_are_those_of_the_documented_subsets():
    x, y = features(3, 60), features(4, 50, shift=0.3)
    rng = np.random.default_rng(9)
    values = []
    for _ in range(8):
        a = x[rng.choice(60, 20, replace=False)]
        values.append(reference(a, y[rng.choice(50, 20, replace=False)]))
    received = kernel_distance(x, y, subsets=8, subset_size=20, seed=9)
    assert received == pytest.approx((np.mean(values), np.std(values)), rel=1e-9)


def test_expectation_is_zero_for_one_distribution_at_any_number_of_clips():
    # Means over independent draws within four of their standard errors.
    for clips in (10, 40):
        values = [squared_mmd(features(i, clips), features(10_000 + i, clips)) for i in range(400)]
        assert abs(np.mean(values)) < 4.0 * np.std(values) / np.sqrt(400)


def test_default_subsets_are_half_of_a_small_set_and_a_thousand_of_a_large_one():
    small = features(5, 40), features(6, 30, shift=0.2)
    assert kernel_distance(*small, subsets=3) == kernel_distance(*small, subsets=3, subset_size=15)
    large = features(5, 2100, 2), features(6, 2200, 2)
    assert kernel_distance(*large, subsets=2) == kernel_distance(
        *large, subsets=2, subset_size=1000
    )


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (features(0, 3), features(1, 9), "real must hold at least 4 clips.*received 3"),
        (features(0, 9), features(1, 3), "generated must hold at least 4 clips.*received 3"),
        (features(0, 9), features(1, 9, 5), "same number of dimensions: real 6, generated 5"),
        (np.zeros(9), features(1, 9), r"real must be \[clips, dimensions\], not of shape \(9,\)"),
        (np.full((9, 6), np.nan), features(1, 9), "real must be finite; 9 of 9 rows are not"),
        (features(0, 9), np.full((9, 6), 1e60), "generated must lie within .*magnitude 1e[+]60"),
    ],
)
def test_bad_features_are_named(real, generated, message):
    with pytest.raises(ValueError, match=message):
        kernel_distance(real, generated)


@pytest.mark.parametrize("size", [1, 9, 31])
def test_subsets_that_are_none_are_refused(size):
    real = features(0, 30 if size == 31 else 9)
    with pytest.raises(ValueError, match=rf"subset_size must lie in \[2, .*received {size} for"):
        kernel_distance(real, features(1, len(real)), subset_size=size)


def test_a_single_subset_and_a_single_clip_are_refused():
    with pytest.raises(ValueError, match=r"subsets must be at least 2.*received 1"):
        kernel_distance(features(0, 9), features(1, 9), subsets=1)
    with pytest.raises(ValueError, match=r"x must hold at least 2 clips.*received 1"):
        squared_mmd(features(0, 1), features(1, 9))
