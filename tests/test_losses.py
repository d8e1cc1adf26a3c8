import numpy as np
import pytest

from gaae_tf import losses

SCORES = np.array([[2.0], [0.5], [-3.0]], "float32")


def test_generator_hinge_is_the_negated_score():
    assert np.asarray(losses.hinge_generator(SCORES)).tolist() == [-2.0, -0.5, 3.0]


def test_real_hinge_wants_scores_above_one():
    assert np.asarray(losses.hinge_real(SCORES)).tolist() == [0.0, 0.5, 4.0]


def test_fake_hinge_wants_scores_below_minus_one():
    assert np.asarray(losses.hinge_fake(SCORES)).tolist() == [3.0, 1.5, 0.0]


def test_reconstruction_is_the_mean_square_of_each_example():
    x = np.zeros((2, 2, 2, 1), "float32")
    y = np.array([[1, 1, 1, 1], [2, 0, 0, 0]], "float32").reshape(x.shape)
    assert np.asarray(losses.reconstruction(y, x)).tolist() == [1.0, 1.0]
    assert np.asarray(losses.reconstruction(2 * y, x)).tolist() == [4.0, 4.0]


def test_cross_entropy_of_logits_by_hand():
    # softmax(ln 1, ln 3) = (1/4, 3/4); a soft label weighs both logarithms.
    logits = np.log(np.array([[1.0, 3.0], [1.0, 3.0]], "float32"))
    labels = np.array([[0.0, 1.0], [0.5, 0.5]], "float32")
    expected = [-np.log(0.75), -(np.log(0.25) + np.log(0.75)) / 2]
    assert np.asarray(losses.cross_entropy(labels, logits)) == pytest.approx(expected, rel=1e-6)


def test_logistic_losses_are_the_logarithms_of_the_sigmoid():
    scores = np.array([[-30.0], [-1.0], [0.0], [2.0], [30.0]], np.float32)
    sigmoid = 1.0 / (1.0 + np.exp(-scores.astype(float)[:, 0]))
    np.testing.assert_allclose(
        losses.logistic_real(scores), -np.log(sigmoid), rtol=1e-5, atol=1e-12
    )
    fake = np.asarray(losses.logistic_fake(scores))
    np.testing.assert_allclose(fake[:-1], -np.log(1.0 - sigmoid[:-1]), rtol=1e-5, atol=1e-12)
    assert fake[-1] == pytest.approx(30.0)


def test_an_emphasis_of_zero_leaves_the_mean_square_as_it_is():
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(-1, 1, (3, 4, 2, 1)).astype("float32") for _ in range(2))
    plain = np.asarray(losses.reconstruction(y, x))
    assert np.asarray(losses.emphasised_reconstruction(y, x, 0.0)) == pytest.approx(plain, rel=1e-6)


def test_emphasis_weighs_each_bin_by_its_loudness():
    x = np.array([1.0, -1.0], "float32").reshape(1, 2, 1, 1)
    loud, silent = np.exp(2.0), np.exp(-2.0)
    wrong = x + np.array([0.5, 0.0], "float32").reshape(1, 2, 1, 1)
    expected = loud / ((loud + silent) / 2) * 0.25 / 2
    found = losses.emphasised_reconstruction(wrong, x, 2.0)
    assert float(found[0]) == pytest.approx(expected, rel=1e-6)


def test_magnitude_error_is_the_spectral_convergence_of_magnitudes():
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(-1, 1, (2, 6, 3, 1)).astype("float32") for _ in range(2))
    real, made = np.exp(5.0 * x.astype(float)), np.exp(5.0 * y.astype(float))
    expected = [
        np.linalg.norm((made - real)[i].ravel()) / np.linalg.norm(real[i].ravel()) for i in (0, 1)
    ]
    assert np.asarray(losses.magnitude_error(y, x, 5.0)) == pytest.approx(expected, rel=1e-4)
    silence = np.full_like(x, -30.0)
    assert np.asarray(losses.magnitude_error(silence, x, 5.0)) == pytest.approx([1, 1], rel=1e-4)


def test_sliced_wasserstein_of_a_shift_is_its_square_along_each_direction():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(50, 3)).astype("float32")
    shift = np.array([2.0, -1.0, 0.5], "float32")
    directions = np.linalg.qr(rng.normal(size=(3, 3)))[0].astype("float32")
    draws = rng.permutation(codes + shift)
    expected = np.mean((shift @ directions) ** 2)
    assert float(losses.sliced_wasserstein(codes, draws, directions)) == pytest.approx(
        expected, rel=1e-4
    )


def test_sliced_wasserstein_along_one_direction_is_the_optimal_assignment():
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(12, 1)), rng.normal(1.0, 2.0, size=(12, 1))
    costs = (a - b.T) ** 2
    expected = costs[linear_sum_assignment(costs)].mean()
    found = losses.sliced_wasserstein(a, b, np.ones((1, 1)))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_whitening_is_zero_of_white_codes_and_grows_with_scale_and_mean():
    codes = np.random.default_rng(0).normal(size=(200, 4))
    codes -= codes.mean(axis=0)
    values, vectors = np.linalg.eigh(codes.T @ codes / len(codes))
    white = (codes @ vectors / np.sqrt(values)).astype("float32")
    assert float(losses.whitening(white)) == pytest.approx(0.0, abs=1e-5)
    # Covariance 4·I: 3² in each of 4 diagonal places of 16, times 4; means of 1.
    assert float(losses.whitening(2.0 * white + 1.0)) == pytest.approx(9.0 + 1.0, rel=1e-4)


def test_only_a_confident_teacher_is_heard():
    teacher = np.array([[0.97, 0.03], [0.6, 0.4]], "float32")
    logits = np.log(np.array([[0.25, 0.75], [0.25, 0.75]], "float32"))
    found = np.asarray(losses.confident_cross_entropy(teacher, logits, 0.95))
    assert found == pytest.approx([-np.log(0.25), 0.0], rel=1e-6)
