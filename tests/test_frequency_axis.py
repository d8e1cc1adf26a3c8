import numpy as np
import pytest

from gaae_tf.networks.frequency_axis import LOWEST_BIN, places, to_linear_axis, to_log_axis

BINS = 128


def along_bins(values):
    return np.asarray(values, "float32").reshape(1, -1, 1, 1)


def test_places_are_equally_far_apart_in_octaves():
    at = places(BINS)
    assert at[0] == LOWEST_BIN
    assert at[-1] == pytest.approx(BINS - 1)
    assert np.diff(np.log2(at)) == pytest.approx(np.log2((BINS - 1) / LOWEST_BIN) / (BINS - 1))


def test_a_level_that_is_the_same_everywhere_stays_it():
    level = along_bins(np.full(BINS, 0.3))
    assert np.asarray(to_log_axis(level)).ravel() == pytest.approx(np.full(BINS, 0.3), abs=1e-6)
    assert np.asarray(to_linear_axis(level)).ravel() == pytest.approx(np.full(BINS, 0.3), abs=1e-6)


def test_a_straight_line_has_at_each_place_its_own_value():
    mapped = np.asarray(to_log_axis(along_bins(np.arange(BINS)))).ravel()
    dense = places(BINS) < 20  # where places are closer than bins: exact interpolation
    assert mapped[dense] == pytest.approx(places(BINS)[dense], abs=1e-4)


def test_to_the_bins_and_back_is_numpys_interpolation():
    values = np.sin(np.arange(BINS) / 9.0)
    back = np.asarray(to_linear_axis(along_bins(values))).ravel()
    assert back == pytest.approx(np.interp(np.arange(BINS), places(BINS), values), abs=1e-6)


def test_an_octave_is_the_same_move_at_every_pitch():
    octave = (BINS - 1) / np.log2((BINS - 1) / LOWEST_BIN)  # in places
    peaks = []
    for bin_ in (10, 20, 40, 80):
        shape = np.exp(-0.5 * ((np.arange(BINS) - bin_) / (0.05 * bin_)) ** 2)
        peaks.append(np.asarray(to_log_axis(along_bins(shape))).ravel().argmax())
    assert np.diff(peaks) == pytest.approx(octave, abs=1.0)
