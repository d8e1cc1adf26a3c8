"""All measures of one set of sounds, with their spread or why they are missing."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

from gaae_tf.evaluation.measures.quality import Scored, at_real_test_count, quality
from gaae_tf.metrics.frechet import frechet_deviation

CLASSES = ("a", "b", "c")


def scored(name, count, seed, shift=0.0, labels=True):
    """Confident logits of the right class, Gaussian features around a centre a class."""
    rng = np.random.default_rng(seed)
    of = np.arange(count) % 3
    logits = 20.0 * np.eye(3)[of] + rng.normal(size=[count, 3])
    features = 5.0 * np.eye(3, 8)[of] + rng.normal(size=[count, 8]) + shift
    return Scored(name, logits, features, of if labels else np.full(count, -1))


TRAIN, TEST = scored("real train", 300, 0), scored("real test", 240, 1)


def test_fair_samples_have_the_figures_of_real_ones():
    figures = quality(scored("generated", 300, 2), TRAIN, TEST, CLASSES)
    assert figures["class_accuracy"]["value"] == 1.0
    assert figures["class_accuracy_by_class"]["b"]["clips"] == 100
    assert figures["inception_score"]["value"] == pytest.approx(3.0, abs=0.15)
    for against in ("against_real_train", "against_real_test"):
        assert figures[against]["frechet_features"]["value"] < 0.5
        distance = figures[against]["kernel_distance_features"]
        assert abs(distance["value"]) < 3 * distance["deviation"] + 0.05
        assert figures[against]["coverage"]["value"] > 0.85
        assert figures[against]["precision"]["value"] > 0.85
    assert figures["memorisation"]["value"] == pytest.approx(0.05, abs=0.05)


def test_samples_of_another_kind_are_told_from_real_ones():
    figures = quality(scored("generated", 300, 2, shift=4.0), TRAIN, TEST, CLASSES)
    against = figures["against_real_test"]
    assert against["frechet_features"]["value"] == pytest.approx(8 * 16.0, rel=0.05)
    assert against["precision"]["value"] < 0.1
    assert against["kernel_distance_features"]["value"] > 10.0


def test_copies_of_training_clips_are_seen():
    copies = Scored("generated", TRAIN.logits, TRAIN.features, TRAIN.labels)
    assert quality(copies, TRAIN, TEST, CLASSES)["memorisation"]["value"] == 1.0


def test_samples_without_labels_have_no_accuracy_and_say_so():
    figures = quality(scored("samples", 300, 2, labels=False), TRAIN, TEST, CLASSES)
    assert figures["class_accuracy"] == {"value": None, "reason": "no sample has a label"}
    assert figures["inception_score"]["value"] > 2.8


def test_copies_of_unlabelled_training_clips_are_seen():
    unlabelled = scored("unlabelled", 200, 3)
    copies = Scored("generated", unlabelled.logits, unlabelled.features, unlabelled.labels)
    assert quality(copies, TRAIN, TEST, CLASSES)["memorisation"]["value"] < 0.2
    seen = np.concatenate([TRAIN.features, unlabelled.features])
    found = quality(copies, TRAIN, TEST, CLASSES, seen=seen)["memorisation"]
    assert found["value"] == 1.0
    assert found["clips"] == [200, 500]


def test_every_value_has_an_interval_or_a_deviation_that_says_what_it_is():
    figures = quality(scored("generated", 300, 2), TRAIN, TEST, CLASSES)
    for figure in leaves(figures):
        if "interval_95" in figure:
            low, high = figure["interval_95"]
            assert low <= figure["value"] <= high
        else:
            assert figure["deviation"] > 0.0
            assert len(figure["deviation_is"]) > 20
    frechet = figures["against_real_test"]["frechet_features"]
    assert frechet["deviation"] == pytest.approx(
        frechet_deviation(scored("generated", 300, 2).features, TEST.features)
    )


def test_a_distance_of_just_enough_clips_has_no_deviation_and_says_so():
    figure = quality(scored("generated", 9, 2), TRAIN, TEST, CLASSES)["against_real_test"]
    figure = figure["frechet_features"]  # of 8 dimensions
    assert figure["value"] > 0.0
    assert figure["deviation"] is None
    assert "of 9 clips 8 are left" in figure["deviation_reason"]


def test_samples_of_one_class_alone_have_no_accuracy_of_the_others():
    few = scored("samples", 300, 2)
    chosen = few.labels == 1
    one = Scored("samples", few.logits[chosen], few.features[chosen], few.labels[chosen])
    figures = quality(one, TRAIN, TEST, CLASSES)
    shares = [figures["class_share"][name] for name in CLASSES]
    assert [share["value"] for share in shares] == [0.0, 1.0, 0.0]
    assert shares[1]["interval_95"][0] > 0.95
    by_class = figures["class_accuracy_by_class"]
    assert by_class["a"] == {"value": None, "reason": "no sample has a label of class a"}
    assert by_class["b"]["value"] == 1.0
    assert figures["inception_score"]["value"] == pytest.approx(1.0, abs=1e-3)


def test_identical_samples_have_the_figures_of_a_point():
    same = Scored(
        "generated",
        np.tile([20.0, 0.0, 0.0], (60, 1)),
        np.tile(TEST.features.mean(axis=0), (60, 1)),
        np.zeros(60, int),
    )
    figures = quality(same, TRAIN, TEST, CLASSES)
    assert figures["inception_score"]["value"] == pytest.approx(1.0)
    assert figures["modified_inception_score"]["value"] == pytest.approx(1.0)
    against = figures["against_real_test"]
    # ‖μ − μ‖² + Tr Σ of the real clips alone.
    trace = np.trace(np.cov(TEST.features.astype(float), rowvar=False))
    assert against["frechet_features"]["value"] == pytest.approx(trace)
    assert against["recall"]["value"] == 0.0
    assert against["kernel_distance_features"]["value"] > 0.1


def test_scores_that_are_not_finite_give_no_figure_of_distance():
    bad = scored("generated", 300, 2)
    bad.features[4, 2] = np.nan
    figures = quality(bad, TRAIN, TEST, CLASSES)
    for name, figure in figures["against_real_test"].items():
        if name != "frechet_logits":
            assert figure["value"] is None
            assert "1 of 300 rows are not" in figure["reason"]
    assert figures["memorisation"]["value"] is None


def test_training_clips_have_the_scores_that_need_no_reference():
    figures = quality(TRAIN, TRAIN, TEST, CLASSES)
    assert set(figures) == {
        "class_accuracy",
        "class_accuracy_by_class",
        "class_share",
        "inception_score",
        "modified_inception_score",
        "am_score",
    }
    # KL of the training distribution to itself is 0: the mean entropy is left.
    p = scipy.special.softmax(TRAIN.logits, axis=1)
    expected = scipy.stats.entropy(p, axis=1).mean()
    assert figures["am_score"]["value"] == pytest.approx(expected)


def test_the_yardstick_is_measured_against_training_clips_alone():
    figures = quality(TEST, TRAIN, TEST, CLASSES)
    assert "against_real_test" not in figures
    assert "memorisation" not in figures
    assert figures["against_real_train"]["coverage"]["value"] > 0.85


def test_too_few_samples_have_reasons_in_place_of_figures():
    figures = quality(scored("generated", 7, 2), TRAIN, TEST, CLASSES)
    assert figures["class_accuracy"]["value"] == 1.0
    missing = [
        figures["inception_score"],
        figures["against_real_test"]["coverage"],
        figures["against_real_test"]["frechet_features"],
    ]
    for figure in missing:
        assert figure["value"] is None
        assert len(figure["reason"]) > 20


def leaves(figures):
    for figure in figures.values():
        if "value" in figure:
            yield figure
        else:
            yield from leaves(figure)


def test_every_figure_has_a_value_or_a_reason_and_its_clips():
    found = list(leaves(quality(scored("generated", 300, 2), TRAIN, TEST, CLASSES)))
    assert len(found) == 1 + 2 * 3 + 3 + 2 * 7 + 1
    for figure in found:
        assert figure["clips"]
        assert np.isfinite(figure["value"])


def test_samples_are_measured_at_the_real_test_clips_number_as_these_are():
    yardstick = quality(TEST, TRAIN, TEST, CLASSES)
    figures = at_real_test_count(scored("generated", 300, 2), TRAIN, TEST)
    assert figures["clips"] == 240
    assert len(list(leaves({k: v for k, v in figures.items() if k != "clips"}))) == 3 + 7
    for name in ("inception_score", "modified_inception_score", "am_score"):
        assert figures[name]["clips"] == yardstick[name]["clips"] == 240
    assert figures["inception_score"]["splits"] == yardstick["inception_score"]["splits"]
    for name, figure in figures["against_real_train"].items():
        assert figure["clips"] == yardstick["against_real_train"][name]["clips"] == [240, 300]


def test_the_real_test_clips_as_samples_have_the_yardsticks_very_figures():
    figures = at_real_test_count(TEST, TRAIN, TEST, seed=3)
    yardstick = quality(TEST, TRAIN, TEST, CLASSES, seed=3)
    assert figures == {"clips": 240} | {k: yardstick[k] for k in figures if k != "clips"}


def test_the_part_of_the_samples_is_random_and_follows_the_seed():
    samples = scored("generated", 600, 2)
    figures = at_real_test_count(samples, TRAIN, TEST, seed=1)
    assert figures == at_real_test_count(samples, TRAIN, TEST, seed=1)
    values = {
        at_real_test_count(samples, TRAIN, TEST, seed)["against_real_train"]["frechet_features"][
            "value"
        ]
        for seed in (1, 2)
    }
    assert len(values) == 2
    # Sorted by class, the first 240 of 600 would lack the third.
    order = np.argsort(samples.labels, kind="stable")
    by_class = Scored(
        "generated", samples.logits[order], samples.features[order], samples.labels[order]
    )
    score = at_real_test_count(by_class, TRAIN, TEST)["inception_score"]["value"]
    assert score == pytest.approx(2.9, abs=0.15)


def test_many_perfect_sounds_lose_the_lead_that_their_number_gave_them():
    few = scored("real test", 30, 1)  # ten splits of three clips: seldom one of each class
    samples = scored("generated", 3000, 2)
    real = quality(few, TRAIN, few, CLASSES)["inception_score"]["value"]
    assert quality(samples, TRAIN, few, CLASSES)["inception_score"]["value"] > real + 0.5
    at_count = at_real_test_count(samples, TRAIN, few)["inception_score"]["value"]
    assert at_count == pytest.approx(real, abs=0.4)


def test_fewer_samples_than_real_test_clips_have_a_reason():
    assert at_real_test_count(scored("generated", 239, 2), TRAIN, TEST) == {
        "value": None,
        "reason": "239 samples are fewer than the 240 real test clips",
        "clips": 240,
    }
