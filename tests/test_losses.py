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
