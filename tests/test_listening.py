import numpy as np

from gaae_tf.evaluation.listening import _numbers_or_texts, _smoothness
from gaae_tf.evaluation.measures.quality import Scored, at_real_test_count, quality
from gaae_tf.evaluation.page_scores import page_scores


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
