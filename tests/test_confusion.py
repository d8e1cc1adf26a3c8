import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from gaae_tf.metrics.confusion import confusion


def test_counts_are_scikit_learns():
    rng = np.random.default_rng(0)
    labels, found = rng.integers(0, 4, 200), rng.integers(0, 3, 200)  # class 3 is never found
    expected = confusion_matrix(labels, found, labels=range(4))
    np.testing.assert_array_equal(confusion(labels, found, 4), expected)


def test_clips_of_no_known_class_are_left_out():
    counts = confusion(np.array([-1, 1, -1]), np.array([0, 0, 1]), 2)
    np.testing.assert_array_equal(counts, [[0, 0], [1, 0]])
    assert not confusion(np.zeros(0, int), np.zeros(0, int), 2).any()


@pytest.mark.parametrize(
    ("labels", "found", "message"),
    [
        ([0, 1], [0], r"shapes \(2,\) and \(1,\)"),
        ([0, 3], [0, 1], "labels must lie below 3.*0 to 3"),
        ([0, 1], [0, -1], "found must lie below 3.*-1 to 0"),
    ],
)
def test_what_does_not_fit_is_named(labels, found, message):
    with pytest.raises(ValueError, match=message):
        confusion(np.array(labels), np.array(found), 3)
