import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from gaae_tf.metrics.codes import (
    class_share,
    deviation,
    distance_from_prior,
    effective_rank,
    rank_of_prior_draws,
    share_within,
    sliced_wasserstein,
)


def codes_of_covariance(eigenvalues, clips=200, seed=0):
    """Codes whose sample covariance has exactly these eigenvalues, in turned directions."""
    rng = np.random.default_rng(seed)
    white = rng.normal(size=(clips, len(eigenvalues)))
    white = np.linalg.qr(white - white.mean(axis=0))[0] * np.sqrt(clips - 1)
    turned = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))[0]
    return 5.0 + white * np.sqrt(eigenvalues) @ turned


def test_effective_rank_counts_equal_eigenvalues_whatever_their_size():
    for scale in (1e-3, 1.0, 70.0):
        codes = codes_of_covariance(scale * np.array([1.0, 1.0, 1.0, 0.0, 0.0]))
        assert effective_rank(codes) == pytest.approx(3.0, rel=1e-9)


def test_effective_rank_of_known_eigenvalues():
    # (4 + 2 + 1)² / (16 + 4 + 1)
    assert effective_rank(codes_of_covariance([4.0, 2.0, 1.0])) == pytest.approx(49 / 21)


def test_effective_rank_is_that_of_numpys_eigenvalues():
    codes = np.random.default_rng(1).normal(size=(40, 6)) @ np.random.default_rng(2).normal(
        size=(6, 6)
    )
    eigenvalues = np.linalg.eigvalsh(np.cov(codes.T))
    expected = eigenvalues.sum() ** 2 / np.square(eigenvalues).sum()
    assert effective_rank(codes) == pytest.approx(expected, rel=1e-9)


def test_equal_codes_have_rank_and_deviation_0():
    codes = np.full((7, 3), 0.1, np.float32)
    assert effective_rank(codes) == deviation(codes) == share_within(codes) == 0.0


def test_draws_of_the_prior_have_the_rank_that_is_said():
    for clips, dimensions in ((500, 128), (60, 128), (2000, 16)):
        codes = np.random.default_rng(3).normal(size=(clips, dimensions))
        expected = rank_of_prior_draws(clips, dimensions)
        assert effective_rank(codes) == pytest.approx(expected, rel=0.03)


def test_deviation_is_the_root_of_the_mean_eigenvalue():
    assert deviation(codes_of_covariance([9.0, 1.0, 2.0])) == pytest.approx(2.0)


def test_share_within_counts_eigenvalues_between_the_factors():
    codes = codes_of_covariance([0.2, 0.34, 1.0, 2.9, 3.1])
    assert share_within(codes) == pytest.approx(3 / 5)
    assert share_within(codes, factor=6.0) == 1.0
    assert share_within(codes, factor=1.5) == pytest.approx(1 / 5)


def test_many_draws_of_the_prior_are_all_within():
    assert share_within(np.random.default_rng(0).normal(size=(2000, 32))) == 1.0


def test_sliced_distance_in_one_dimension_is_that_of_the_sorted_values():
    # Both unit directions of a line give the same; by hand: (0, 1, 4) to (1, 2, 2), 1 + 1 + 4.
    value = sliced_wasserstein([[4.0], [0.0], [1.0]], [[2.0], [1.0], [2.0]], directions=5)
    assert value == pytest.approx(2.0)


def test_sliced_distance_of_a_shift_is_its_square_a_dimension():
    """A shift by v moves each projection by u·v, and E (u·v)² = |v|² / d."""
    codes = np.random.default_rng(0).normal(size=(50, 3))
    shift = np.array([2.0, -1.0, 0.5])
    value = sliced_wasserstein(codes, codes + shift, directions=40_000)
    assert value == pytest.approx(shift @ shift / 3, rel=0.02)


def test_sliced_distance_of_scaled_gaussians_is_the_squared_difference_of_deviations():
    """W₂² of N(0, a²) and N(0, b²) is (a − b)², along every direction."""
    rng = np.random.default_rng(0)
    value = sliced_wasserstein(rng.normal(size=(20_000, 4)), 3.0 * rng.normal(size=(20_000, 4)))
    assert value == pytest.approx(4.0, rel=0.03)


def test_sliced_distance_of_sets_that_lie_apart_is_at_least_scipys_squared():
    """SciPy's is W₁, and W₁² <= W₂², with equality where all move alike."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 30, 1))
    assert sliced_wasserstein(a, b, 1) >= wasserstein_distance(a[:, 0], b[:, 0]) ** 2
    expected = wasserstein_distance(a[:, 0], a[:, 0] + 0.7) ** 2
    assert sliced_wasserstein(a, a + 0.7, 1) == pytest.approx(expected)


def test_sliced_distance_knows_no_order_and_no_sides():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 20, 6))
    value = sliced_wasserstein(a, b)
    assert sliced_wasserstein(b, a[::-1]) == pytest.approx(value)
    assert sliced_wasserstein(a, a[::-1]) == 0.0
    assert sliced_wasserstein(a, b, seed=1) != value


def test_draws_of_the_prior_are_as_far_from_it_as_is_said():
    codes = np.random.default_rng(9).normal(size=(500, 32))
    found = np.array([distance_from_prior(codes, seed) for seed in range(5)]).mean(axis=0)
    assert found[0] == pytest.approx(found[1], rel=0.15)
    assert found[1] < 0.02


def test_codes_of_half_the_deviation_are_a_quarter_from_the_prior():
    codes = 0.5 * np.random.default_rng(9).normal(size=(4000, 16))
    distance, least = distance_from_prior(codes)
    assert distance == pytest.approx(0.25, rel=0.05)
    assert least < 0.005
    assert distance_from_prior(codes) == (distance, least)


def test_output_of_the_class_alone_has_share_1_and_of_the_style_alone_0():
    rng = np.random.default_rng(0)
    of_class, of_style = rng.normal(size=(1, 4, 8, 3, 1)), rng.normal(size=(6, 1, 8, 3, 1))
    shape = (6, 4, 8, 3, 1)
    assert class_share(np.broadcast_to(of_class, shape)) == pytest.approx(1.0, abs=1e-12)
    assert class_share(np.broadcast_to(of_style, shape)) == pytest.approx(0.0, abs=1e-12)


def test_share_of_a_sum_of_both_is_the_ratio_of_their_variances():
    rng = np.random.default_rng(1)
    of_class, of_style = rng.normal(size=(1, 4, 30)), 2.0 * rng.normal(size=(6, 1, 30))
    expected = of_class.var(axis=1).mean()
    expected /= expected + of_style.var(axis=0).mean()
    assert class_share(of_class + of_style) == pytest.approx(expected, rel=1e-12)


def test_share_is_of_the_total_variance_where_style_and_class_interact():
    x = np.random.default_rng(2).normal(size=(5, 3, 40)).astype(np.float32)
    total = x.astype(float).reshape(15, 40).var(axis=0).mean()
    assert class_share(x) == pytest.approx(x.astype(float).var(axis=1).mean() / total, rel=1e-9)


def test_equal_outputs_have_share_0():
    assert class_share(np.full((3, 2, 5), 0.1, np.float32)) == 0.0


@pytest.mark.parametrize("measure", [effective_rank, deviation, share_within])
def test_one_code_or_none_is_refused(measure):
    with pytest.raises(ValueError, match="codes must hold at least 2 clips"):
        measure(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="codes must be finite"):
        measure(np.array([[0.0, np.nan], [1.0, 2.0]]))


def test_what_has_no_distance_is_refused():
    with pytest.raises(ValueError, match="equally many; received 3 and 2"):
        sliced_wasserstein(np.zeros((3, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="same number of dimensions"):
        sliced_wasserstein(np.zeros((3, 2)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="directions must be at least 1"):
        sliced_wasserstein(np.zeros((3, 2)), np.zeros((3, 2)), directions=0)
    with pytest.raises(ValueError, match="factor must be at least 1"):
        share_within(np.zeros((3, 2)), factor=0.5)


@pytest.mark.parametrize("shape", [(3,), (1, 3, 4), (3, 1, 4), (3, 2, 0)])
def test_outputs_without_pairs_are_refused(shape):
    with pytest.raises(ValueError, match="at least 2 of either"):
        class_share(np.zeros(shape))


def test_outputs_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="1 values are not"):
        class_share(np.array([[0.0, 1.0], [np.inf, 2.0]]))
