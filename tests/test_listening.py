import numpy as np

from gaae_tf.listening import _numbers_or_texts, _smoothness


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
