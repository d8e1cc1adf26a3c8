"""All measures of one set of sounds, with their spread or why they are missing."""

import numpy as np
import pytest

from gaae_tf.quality import Scored, quality

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


def test_every_figure_has_a_value_or_a_reason_and_its_clips():
    def leaves(figures):
        for figure in figures.values():
            if "value" in figure:
                yield figure
            else:
                yield from leaves(figure)

    found = list(leaves(quality(scored("generated", 300, 2), TRAIN, TEST, CLASSES)))
    assert len(found) == 1 + 3 + 3 + 2 * 7 + 1
    for figure in found:
        assert figure["value"] is not None or figure["reason"]
        assert np.isfinite(figure["value"])
