import numpy as np
import pytest
from scipy.special import log_softmax, rel_entr, softmax
from scipy.stats import entropy

from gaae_tf.metrics.mode_scores import am_score, modified_inception_score


def logits(seed, clips=60, classes=4, scale=2.0):
    return np.random.default_rng(seed).normal(scale=scale, size=(clips, classes))


def test_modified_score_agrees_with_all_pairs_by_scipy():
    x = logits(0)
    p = softmax(x, axis=1)
    pairs = [rel_entr(a, b).sum() for a in p for b in p]
    assert modified_inception_score(x)[0] == pytest.approx(np.exp(np.mean(pairs)), rel=1e-12)


def test_modified_score_of_two_mirrored_clips_is_the_closed_form():
    # p and its mirror image: half the pairs have KL = (p1 − p2) log(p1/p2) = tanh(a/2)·a.
    x = np.array([[3.0, 0.0], [0.0, 3.0]])
    assert modified_inception_score(x)[0] == pytest.approx(np.exp(np.tanh(1.5) * 3.0 / 2.0))


def test_random_pairs_of_the_public_protocol_scatter_around_all_pairs():
    x = logits(1, clips=500)
    p, rng = softmax(x, axis=1), np.random.default_rng(0)
    drawn = entropy(p[rng.integers(500, size=10_000)], p[rng.integers(500, size=10_000)], axis=1)
    error = np.std(drawn) / np.sqrt(10_000)
    assert abs(np.mean(drawn) - np.log(modified_inception_score(x)[0])) < 4.0 * error


def test_am_score_agrees_with_scipy():
    x, training = logits(2), np.array([0.4, 0.3, 0.2, 0.1])
    p = softmax(x, axis=1)
    expected = entropy(training, p.mean(axis=0)) + entropy(p, axis=1).mean()
    assert am_score(x, training)[0] == pytest.approx(expected, rel=1e-12)


def test_am_score_is_zero_for_certain_clips_in_the_training_shares():
    x = 60.0 * np.eye(3)[[0, 0, 1, 2]]
    assert am_score(x, np.array([0.5, 0.25, 0.25]))[0] == pytest.approx(0.0, abs=1e-12)


def test_am_score_of_uniform_predictions_is_log_classes():
    # KL(u ‖ u) + log n
    assert am_score(np.zeros((40, 5)), np.full(5, 0.2))[0] == pytest.approx(np.log(5.0))


def test_am_score_ignores_classes_that_training_lacks():
    x = logits(3, classes=3)
    p = softmax(x, axis=1)
    expected = -np.log(p[:, 1].mean()) + entropy(p, axis=1).mean()
    assert am_score(x, np.array([0.0, 1.0, 0.0]))[0] == pytest.approx(expected)


def test_alike_clips_score_one_and_do_not_vary():
    x = np.tile([1.0, -2.0, 0.5], (30, 1))
    assert modified_inception_score(x) == pytest.approx((1.0, 0.0), abs=1e-12)
    assert am_score(x, np.full(3, 1 / 3))[1] == pytest.approx(0.0, abs=1e-12)


def test_certain_logits_keep_the_logarithms_that_probabilities_lose():
    # Softmax of a gap of 800 underflows to 0. Unlike pairs, 2 · 1 · 59 of 60², have KL 800.
    x = 800.0 * np.eye(2)[[0] * 59 + [1]]
    score, _ = modified_inception_score(x)
    assert np.log(score) == pytest.approx(800.0 * 2 * 59 / 60**2)
    # Classes that no clip reaches: ȳ has e^−800 of them, and its logarithm is kept.
    collapsed = np.tile([800.0, 0.0, 0.0], (30, 1))
    expected = np.log(1 / 3) - log_softmax([800.0, 0.0, 0.0]).mean()
    assert am_score(collapsed, np.full(3, 1 / 3))[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    "score", [modified_inception_score, lambda x, **k: am_score(x, np.full(4, 0.25), **k)]
)
def test_bootstrap_deviation_is_that_of_repeated_experiments_and_seeded(score):
    repeated = [score(logits(seed, clips=300), resamples=100) for seed in range(60)]
    scatter = np.std([value for value, _ in repeated], ddof=1)
    assert np.mean([d for _, d in repeated]) == pytest.approx(scatter, rel=0.35)
    assert score(logits(0), seed=3) == score(logits(0), seed=3) != score(logits(0), seed=4)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(9), r"not of shape \(9,\)"),
        (np.zeros((9, 1)), "at least 2 classes"),
        (np.zeros((9, 10)), "at least 10 clips; received 9"),
        (np.full((9, 3), np.nan), "9 of 9 rows are not"),
    ],
)
def test_bad_logits_are_named(x, message):
    with pytest.raises(ValueError, match=message):
        modified_inception_score(x)
    with pytest.raises(ValueError, match=message):
        am_score(x, np.full(3, 1 / 3))


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (np.full(3, 1 / 3), r"must be of shape \(4,\).*received \(3,\)"),
        (np.full(4, 0.3), "must be non-negative and sum to 1"),
        (np.array([1.5, -0.5, 0.0, 0.0]), "must be non-negative and sum to 1"),
        (np.array([np.nan, 1.0, 0.0, 0.0]), "must be non-negative and sum to 1"),
    ],
)
def test_bad_training_distributions_are_named(training, message):
    with pytest.raises(ValueError, match=message):
        am_score(logits(0), training)


def test_divergences_beyond_the_exponential_and_single_resamples_are_refused():
    with pytest.raises(ValueError, match=r"2000 nats .*largest logit 4000"):
        modified_inception_score(4000.0 * np.eye(2)[[0, 1] * 10])
    for score in (modified_inception_score, lambda x, **k: am_score(x, np.full(4, 0.25), **k)):
        with pytest.raises(ValueError, match="resamples must be at least 2"):
            score(logits(0), resamples=1)
    with pytest.raises(ValueError, match="certain beyond measure"):
        am_score(np.array([[0.0, 4000.0]] * 19 + [[4000.0, 0.0]]), np.full(2, 0.5), seed=0)
