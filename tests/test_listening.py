import types

import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.evaluation.curves import curves
from gaae_tf.evaluation.listening import (
    _frequency_axis,
    _introduction,
    _numbers_or_texts,
    _smoothness,
)
from gaae_tf.evaluation.measures.quality import Scored, at_real_test_count, quality
from gaae_tf.evaluation.page_scores import page_scores
from gaae_tf.scores import catalogue


def test_labels_that_are_all_numbers_are_numbers():
    np.testing.assert_array_equal(_numbers_or_texts(("60", "", "61.5")), [60.0, np.nan, 61.5])
    np.testing.assert_array_equal(_numbers_or_texts(("60", "inf")), [60.0, np.nan])
    assert _numbers_or_texts(("60", "", "c4")) == ["60", None, "c4"]


def test_a_strips_note_tells_the_figures_of_its_class():
    figures = {
        "path_length_ratio": {"value": 1.254, "deviation": 0.1, "pairs": 8},
        "largest_step_share": {"value": 0.2, "deviation": 0.1, "pairs": 8},
    }
    interpolation = {"points": 9, "scorer_features": {"by_class": {"dog": figures}}}
    note = _smoothness("dog", interpolation)
    assert "8 paths" in note
    assert "1.25 times as long as straight" in note
    assert "largest of 8 steps is 20 % of it (even steps: 12.5 %)" in note
    figures["path_length_ratio"] = {"value": None, "reason": "the ends coincide", "pairs": 0}
    assert _smoothness("dog", interpolation) == "Smoothness: none; the ends coincide"


def table(counted):
    """Scores of 400 sounds, 80 real test and 120 training clips; and the page's, by name."""
    rng = np.random.default_rng(0)
    classes = ("a", "b")

    def clips(name, count):
        labels = np.arange(count) % 2
        logits = 4.0 * np.eye(2)[labels] + rng.normal(size=(count, 2))
        return Scored(name, logits, rng.normal(size=(count, 3)), labels)

    samples, train, test = (
        clips(name, count)
        for name, count in (("generated", 400), ("real train", 120), ("real test", 80))
    )
    figures = quality(samples, train, test, classes)
    if counted:
        figures["at_real_test_count"] = at_real_test_count(samples, train, test)
    accuracy = {"value": 1.0, "clips": 80}
    scores = {
        "details": {"samples": figures, "real_test": quality(test, train, test, classes)},
        "provenance": {
            "scorer": {"name": "simple", "source": "trained", "test_accuracy": accuracy},
            "guidance_dataset": {"name": "tones"},
            "seed": 0,
            "samples": 400,
            "samples_are": {},
        },
    }
    return scores, {score.name: score for score in page_scores(scores)}


def test_figures_are_held_against_real_ones_at_equal_counts_and_tell_them():
    scores, found = table(counted=True)
    equal = scores["details"]["samples"]["at_real_test_count"]
    real = scores["details"]["real_test"]
    assert found["Inception Score"].provenance["clips"] == "400, 40 a split"
    assert found["Fréchet distance, logits"].provenance["clips"] == "400 against 80"
    assert found["Inception Score"].yardsticks == {
        "as many sounds as real test (80, 8 a split)": equal["inception_score"]["value"],
        "real test clips (80, 8 a split)": real["inception_score"]["value"],
    }
    assert found["Fréchet distance, logits"].yardsticks == {
        "as many sounds as real test (80 against 120)": equal["against_real_train"][
            "frechet_logits"
        ]["value"],
        "real test against real training clips (80 against 120)": real["against_real_train"][
            "frechet_logits"
        ]["value"],
    }


def test_scores_without_figures_at_equal_counts_show_what_there_is_with_its_counts():
    scores, found = table(counted=False)
    real = scores["details"]["real_test"]["inception_score"]["value"]
    score = found["Inception Score"]
    assert score.yardsticks == {"real test clips (80, 8 a split)": real}
    reason = {"value": None, "reason": "few", "clips": 80}
    scores["details"]["samples"]["at_real_test_count"] = reason
    score = next(score for score in page_scores(scores) if score.name == "Inception Score")
    assert len(score.yardsticks) == 1
    assert score.provenance["as many sounds as real test"] == "none: few"


def run_of(*abilities, axis="linear"):
    return types.SimpleNamespace(
        config=types.SimpleNamespace(model="gaae", frequency_axis=axis),
        step=1830,
        can=abilities.__contains__,
    )


@pytest.mark.parametrize(
    ("abilities", "words"),
    [
        (
            ("generate", "choose_class", "reconstruct", "represent"),
            [
                "makes of them",
                "of the class that was asked for, and for",
                "keeps of its recording.",
            ],
        ),
        (("generate", "choose_class"), ["makes of them", "of the class that was asked for."]),
        (("generate",), ["makes of them", "how near generated sounds come to recordings."]),
        (("represent",), ["orders them", "with codes near one another have in common."]),
        ((), ["orders them", "recordings of one class have in common."]),
    ],
)
def test_one_sentence_says_what_the_page_is_and_what_to_listen_for(abilities, words):
    text = _introduction(run_of(*abilities), "notes")
    assert text.startswith("Recordings of notes, and ")
    assert "the model gaae" in text
    assert "after 1,830 iterations: listen for " in text
    assert all(part in text for part in words)
    assert text.count(".") == 1


@pytest.mark.parametrize(
    ("axis", "harmonicity", "expected"),
    [
        ("linear", 0.78, "linear"),
        ("linear", 0.98, "log"),
        ("log", 0.5, "log"),
        ("linear", None, "linear"),
    ],
)
def test_sounds_with_a_pitch_are_shown_in_octaves(axis, harmonicity, expected):
    figure = {} if harmonicity is None else {"harmonicity": {"value": harmonicity}}
    run = run_of("generate", axis=axis)
    assert _frequency_axis(run, {"details": {"real_test": figure}}) == expected


def test_the_pages_scores_are_the_catalogues_with_its_words_and_groups():
    scores, found = table(counted=True)
    score = found["requested class found"]
    figure = scores["details"]["samples"]["class_accuracy"]
    assert score.value == pytest.approx(100.0 * figure["value"])
    assert score.unit == "%"
    assert score.interval == pytest.approx([100.0 * end for end in figure["interval_95"]])
    assert score.explanation == catalogue.CLASS_FOUND.explanation
    assert score.group == "sounds"
    assert found["precision"].group == "sounds against real test clips"
    large = [score.name for score in found.values() if score.large]
    assert large == ["requested class found", "Inception Score", "Fréchet distance, logits"]


def test_large_numbers_have_no_decimals_on_the_page():
    scores, _ = table(counted=True)
    figure = scores["details"]["samples"]["modified_inception_score"]
    for value, decimals in ((12.345, 2), (293_241_527.4, 0)):
        figure["value"] = value
        found = {score.name: score for score in page_scores(scores)}
        assert found["modified Inception Score"].decimals == decimals


def test_what_a_score_is_held_against_has_no_row_of_its_own():
    scores, _ = table(counted=True)
    share = {"value": 0.5, "interval_95": [0.4, 0.6], "clips": 80}
    scores["provenance"]["labels_of_the_run"] = 59
    details = scores["details"]
    details["classifier_test_accuracy"] = share | {"value": 0.92}
    details["simple_classifier_same_labels_accuracy"] = share | {"value": 0.82}
    details["augmented_classifier_same_labels_accuracy"] = {"value": None, "reason": "few"}
    found = {score.name: score for score in page_scores(scores)}
    held = found["C's accuracy on real test clips"]
    assert held.yardsticks == {"simple CNN, same labels": pytest.approx(82.0)}
    assert held.provenance["labels"] == "59"
    assert "simple CNN, same labels" not in found
    assert found["augmented CNN, same labels"].reason == "few"


def test_a_label_that_the_data_lack_is_no_row():
    scores, _ = table(counted=True)
    known = {"linear": 0.9, "neighbours": 0.8, "chance": 0.1, "values": 10, "clips": 80}
    probes = {
        "class": {"guided": {**known, "protocol": "test"}, "style": {"reason": "too few clips"}},
        "speaker": {code: {"reason": "there are 0"} for code in ("guided", "style", "both")},
    }
    scores["details"]["representations"] = {"guiding": {"dataset": "tones", "probes": probes}}
    found = {score.name: score for score in page_scores(scores)}
    assert not [name for name in found if name.startswith("speaker")]
    told = found["class recognised from the guided code"]
    assert told.value == pytest.approx(90.0)
    assert told.yardsticks == pytest.approx({"nearest neighbours": 80.0, "chance": 10.0})
    assert found["class recognised from the style code"].reason == "too few clips"


def test_curves_are_losses_first_in_words_and_groups(tmp_path):
    tags = ("codes/deviation", "loss/R", "loss/EDC", "my/own", "collapse/generated_variance/dog")
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        for step in (200, 100):
            for tag in tags:
                tf.summary.scalar(tag, step / 2.0, step=step)
        tf.summary.text("config", "no curve", step=0)
    writer.close()
    drawn = list(curves(tmp_path))
    assert [(curve.name, curve.group) for curve in drawn] == [
        ("loss/EDC", "Losses"),
        ("loss/R", "Losses"),
        ("codes/deviation", "Style codes of validation clips"),
        ("collapse/generated_variance/dog", "Signs of collapse"),
        ("my/own", "Others"),
    ]
    assert drawn[1].title == "Error of reconstructions, R"
    assert drawn[3].title == "Variance of generated spectrograms, dog"
    assert drawn[4].title == ""
    np.testing.assert_array_equal(drawn[0].steps, [100, 200])
    np.testing.assert_array_equal(drawn[0].values, [50.0, 100.0])


def test_a_run_without_logs_has_no_curves(tmp_path):
    assert list(curves(tmp_path / "none")) == []


def test_of_a_long_curve_the_last_value_is_kept(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        for step in range(550):
            tf.summary.scalar("loss/R", float(step), step=step)
    writer.close()
    (drawn,) = curves(tmp_path)
    assert len(drawn.values) <= 500
    assert (drawn.steps[0], drawn.steps[-1]) == (0, 549)
