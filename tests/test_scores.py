"""The form of `scores.json`: which figures there are, and how one is read and shown."""

import dataclasses

import numpy as np
import pytest
import scipy.stats

from gaae_tf.scores import catalogue, figure

ALL = [measure for group in catalogue.GROUPS.values() for measure in group]


def test_no_two_measures_have_one_key_or_one_title():
    for names in ([m.key for m in ALL], [m.title for m in ALL]):
        assert len(set(names)) == len(names)
    assert set(catalogue.MAIN) <= set(ALL)
    assert {m.better for m in ALL} <= {"", "higher", "lower"}


def test_measures_at_equal_counts_and_of_real_clips_lie_where_these_are():
    of_sounds, distance = catalogue.INCEPTION_SCORE, catalogue.PRECISION
    equal = ("details", "samples", "at_real_test_count")
    assert catalogue.at_real_test_count(of_sounds).key == (*equal, "inception_score")
    assert catalogue.at_real_test_count(distance).key == (*equal, "against_real_train", "precision")
    assert catalogue.of_real_test(of_sounds).key == ("details", "real_test", "inception_score")
    expected = ("details", "real_test", "against_real_train", "precision")
    for measure in (distance, catalogue.at_real_test_count(distance)):
        assert catalogue.of_real_test(measure).key == expected
    expected = ("details", "samples", "against_real_train", "precision")
    assert catalogue.against(distance, "real_train").key == expected
    path = catalogue.cross_fade(catalogue.path_length_ratio("pitch"))
    assert path.key == ("details", "interpolation", "pitch", "cross_fade", "path_length_ratio")


def test_a_style_code_should_tell_little_of_the_class_and_much_of_the_rest():
    better = {
        (label, code): catalogue.probe("guiding", label, code).better
        for label in ("class", "speaker")
        for code in ("guided", "style", "both")
    }
    assert better == {
        ("class", "guided"): "higher",
        ("class", "style"): "lower",
        ("class", "both"): "higher",
        ("speaker", "guided"): "",
        ("speaker", "style"): "higher",
        ("speaker", "both"): "higher",
    }


def test_a_share_has_wilsons_interval_or_a_reason():
    found = figure.share(np.array([True, True, False, True]))
    expected = scipy.stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert (found["value"], found["clips"]) == (0.75, 4)
    assert found["interval_95"] == pytest.approx(list(expected))
    nothing = figure.share(np.zeros(0, bool), "of class low")
    assert nothing == {"value": None, "reason": "no sample has a label of class low"}


def test_a_measure_that_cannot_be_had_says_why_and_what_it_would_rest_on():
    def too_few():
        raise ValueError("few")

    assert figure.measured(too_few, "spread", clips=3) == {
        "value": None,
        "reason": "few",
        "clips": 3,
    }
    assert figure.measured(lambda: (2.0, 0.5), "spread", clips=3) == {
        "value": 2.0,
        "deviation": 0.5,
        "deviation_is": "spread",
        "clips": 3,
    }


def test_figures_plain_numbers_and_probes_are_read_alike():
    probe = {"linear": 0.75, "linear_interval_95": [0.5, 1.0], "neighbours": 0.5, "clips": 8}
    scores = {
        "details": {
            "classifier_test_accuracy": {"value": 0.5, "interval_95": [0.25, 0.75]},
            "validation": {"accuracy": 0.625},
            "representations": {"guiding": {"probes": {"class": {"style": probe}}}},
        },
        "provenance": {"labels_of_the_run": 12},
    }
    read = {
        measure: figure.read(scores, measure.key)
        for measure in (
            *(catalogue.CLASSIFIER_ACCURACY, catalogue.VALIDATION_ACCURACY, catalogue.LABELS),
            *(catalogue.probe("guiding", "class", "style", by) for by in ("linear", "neighbours")),
        )
    }
    assert [found["value"] for found in read.values()] == [0.5, 0.625, 12.0, 0.75, 0.5]
    texts = [figure.shown(found, measure) for measure, found in read.items()]
    assert texts == [
        *(("50.0", "(25.0–75.0)"), ("62.5", ""), ("12", "")),
        *(("75.0", "(50.0–100.0)"), ("50.0", "")),
    ]
    missing = figure.read(scores, catalogue.INCEPTION_SCORE.key)
    assert missing == {"value": None, "reason": figure.NOT_MEASURED}
    assert figure.shown(missing, catalogue.INCEPTION_SCORE) == ("–", "")


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"mse": 3}, r"run: details\.reconstruction\.mse must be an object with a value; it is 3"),
        ({"mse": {"value": float("nan")}}, r"mse must be a finite number or null; it is nan"),
        ({"mse": {"value": True}}, "mse must be a finite number or null; it is True"),
        ({"mse": {"value": 1.0, "deviation": "x"}}, "its deviation, must be a finite number"),
        ({"mse": {"value": 1.0, "interval_95": [1]}}, "interval_95 must be two numbers"),
        (7, r"run: details\.reconstruction must be an object; it is 7"),
    ],
)
def test_what_is_no_figure_is_named(figures, message):
    scores = {"details": {"reconstruction": figures}}
    with pytest.raises(ValueError, match=message):
        figure.read(scores, catalogue.RECONSTRUCTION_ERROR.key, "run")


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.1234, 2, "0.12"),
        (1234.56, 2, "1,235"),
        (2_931_415.0, 0, "2.9e+06"),
        (0.00012, 3, "0.00012"),
        (-20.04, 1, "−20.0"),
        (0.0, 1, "0.0"),
    ],
)
def test_numbers_are_rounded_for_reading(value, decimals, text):
    assert figure.rounded(value, decimals) == text


def test_numbers_of_clips_are_told_in_words():
    assert figure.clips_text({"clips": 2000, "splits": 10}) == "2,000, 200 a split"
    assert figure.clips_text({"clips": [80, 60]}) == "80 against 60"
    assert figure.clips_text({"value": 1.0}) == ""


def test_a_deviation_of_nothing_is_left_out_of_whole_numbers():
    whole = dataclasses.replace(catalogue.INCEPTION_SCORE, decimals=0)
    assert figure.shown({"value": 7.0, "deviation": 0.0}, whole) == ("7", "")
    spread = {"value": 7.0, "deviation": 0.0}
    assert figure.shown(spread, catalogue.INCEPTION_SCORE) == ("7.00", "± 0.00")
