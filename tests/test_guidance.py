import itertools

import numpy as np
import pytest

from gaae_tf.data.guidance import labelled_share

LABELS = np.repeat([0, 1, -1, 2], [200, 100, 50, 40])


def test_each_class_gives_its_share():
    chosen = labelled_share(LABELS, 5.0, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == [10, 5, 2]


def test_all_labelled_clips_and_no_other_are_chosen_at_100_percent():
    assert np.array_equal(labelled_share(LABELS, 100.0, 0), np.flatnonzero(LABELS >= 0))


def test_a_larger_share_contains_the_smaller():
    shares = [set(labelled_share(LABELS, percent, 3).tolist()) for percent in (2, 5, 10, 50, 100)]
    assert all(small < large for small, large in itertools.pairwise(shares))


def test_equal_seeds_choose_alike_and_others_do_not():
    assert np.array_equal(labelled_share(LABELS, 5, 1), labelled_share(LABELS, 5, 1))
    assert not np.array_equal(labelled_share(LABELS, 5, 1), labelled_share(LABELS, 5, 2))


def test_a_share_of_no_clip_is_refused_with_the_share_that_would_do():
    with pytest.raises(ValueError, match=r"40 clips of class 2 is no clip; at least 1.25"):
        labelled_share(LABELS, 1.0, 0)


def test_labels_that_are_all_missing_are_refused():
    with pytest.raises(ValueError, match="no training clip has a label"):
        labelled_share(np.full(5, -1), 50.0, 0)
