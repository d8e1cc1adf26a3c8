import numpy as np
import pytest

from gaae_tf.metrics.inception_score import inception_score


def test_uniform_predictions_score_one():
    score, deviation = inception_score(np.full((100, 10), 0.1), splits=5)
    assert score == pytest.approx(1.0)  # KL(u ‖ u) = 0
    assert deviation == pytest.approx(0.0, abs=1e-12)


def test_balanced_certain_predictions_score_the_number_of_classes():
    # In one part of each class once, KL = log n for each clip. Two parts of many clips come close.
    score, _ = inception_score(np.tile(np.eye(4), (5000, 1)), splits=2)
    assert score == pytest.approx(4.0, abs=1e-2)


def test_one_certain_class_scores_one():
    assert inception_score(np.tile([1.0, 0.0, 0.0], (60, 1)))[0] == pytest.approx(1.0)


def test_agrees_with_entropies_by_scipy():
    # exp(mean KL) = exp(H(marginal) − mean H(p)), on the parts that the documented seed deals.
    from scipy.stats import entropy

    p = np.random.default_rng(1).dirichlet(np.full(5, 0.3), size=503)
    parts = np.array_split(np.random.default_rng(7).permutation(503), 10)
    expected = [np.exp(entropy(p[i].mean(axis=0)) - entropy(p[i], axis=1).mean()) for i in parts]
    assert inception_score(p, seed=7) == pytest.approx((np.mean(expected), np.std(expected)))


@pytest.mark.parametrize("order", ["class by class", "classes in turn"])
def test_order_of_the_clips_does_not_lower_the_score(order):
    # Ten parts of either order, taken as they come or by strides, would hold one class each.
    labels = np.arange(5000) % 10
    p = np.eye(10)[np.sort(labels) if order == "class by class" else labels]
    assert inception_score(p, splits=10)[0] > 9.5


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (np.full((29, 3), 1 / 3), "at least 30 clips; received 29"),
        (np.full(60, 0.5), r"not of shape \(60,\)"),
        (np.ones((60, 1)), "at least 2 classes"),
        (np.tile([0.5, np.nan], (60, 1)), "60 of 60 rows are not"),
        (np.tile([2.0, 3.0], (60, 1)), "not logits"),
        (np.tile([-0.5, 1.5], (60, 1)), "not logits"),
    ],
)
def test_bad_input_is_named(probabilities, message):
    with pytest.raises(ValueError, match=message):
        inception_score(probabilities)


def test_one_part_is_refused():
    with pytest.raises(ValueError, match=r"splits must be at least 2.* received 1"):
        inception_score(np.full((60, 3), 1 / 3), splits=1)
