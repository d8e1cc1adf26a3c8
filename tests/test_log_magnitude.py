import math

import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.ops.log_magnitude import (
    BinStatistics,
    LogMagnitudeScaling,
    LogMagnitudeStatistics,
    to_magnitude,
    to_unit,
)
from gaae_tf.ops.settings import SCALINGS

STATISTICS = LogMagnitudeStatistics(maximum=4.0, mean=-2.0, deviation=2.0)


def scaling(mode, dynamic_range_nepers=10.0):
    bins = BinStatistics(means=(-1.0,) * 5, deviations=(0.7, 0.8, 0.9, 1.0, 1.1))
    return LogMagnitudeScaling(mode, dynamic_range_nepers, statistics=STATISTICS, bins=bins)


def magnitudes(*logs):
    return np.exp(np.array(logs, np.float32)).reshape(1, 1, -1)


def test_dataset_peak_spans_the_range_below_the_data_sets_maximum():
    unit = to_unit(magnitudes(4.0, -1.0, -6.0, -9.0, 5.0), scaling("dataset_peak"))
    np.testing.assert_allclose(unit[0, 0], [1.0, 0.0, -1.0, -1.0, 1.0], atol=1e-6)


def test_clip_peak_spans_the_range_below_each_clips_own():
    loud, soft = magnitudes(0.0, -5.0, -12.0), magnitudes(-7.0, -12.0, -19.0)
    unit = to_unit(np.concatenate([loud, soft]), scaling("clip_peak"))
    np.testing.assert_allclose(unit[:, 0], [[1.0, 0.0, -1.0]] * 2, atol=1e-5)


def test_standardised_clips_in_units_of_the_deviation():
    # Log -2 - 3·2 = -8 is the floor, the maximum 4 the ceiling, -2 their middle.
    unit = to_unit(magnitudes(4.0, -2.0, -8.0, -9.0), scaling("standardised", 3.0))
    np.testing.assert_allclose(unit[0, 0], [1.0, 0.0, -1.0, -1.0], atol=1e-6)


def test_per_bin_standardises_each_bin_by_its_own_statistics():
    bins = BinStatistics(means=(1.0, -2.0), deviations=(0.5, 2.0))
    scaling = LogMagnitudeScaling("per_bin", 3.0, statistics=STATISTICS, bins=bins)
    # Three deviations either way: -0.5 to 2.5 in the first bin, -8 to 4 in the second.
    logs = np.array([[[1.0, 2.5, 1.75, 9.0]], [[-2.0, -8.0, 1.0, -9.0]]]).reshape(1, 2, 4)
    unit = to_unit(np.exp(logs).astype(np.float32) - np.float32(1e-6), scaling)
    np.testing.assert_allclose(unit[0], [[0.0, 1.0, 0.5, 1.0], [0.0, -1.0, 0.5, -1.0]], atol=1e-4)
    back = np.log(to_magnitude(unit, scaling))
    np.testing.assert_allclose(back[0, 0], [1.0, 2.5, 1.75, 2.5], atol=1e-4)
    assert scaling.limits_nepers == (-8.0, 4.0)


@pytest.mark.parametrize(
    ("means", "deviations", "message"),
    [
        ((1.0,), (1.0, 2.0), "one value a bin, not 1 and 2"),
        ((), (), "one value a bin"),
        ((1.0, math.nan), (1.0, 2.0), "means must be finite"),
        ((1.0, 2.0), (1.0, 0.0), "deviations must be positive, not 0.0"),
    ],
)
def test_bad_statistics_of_bins_are_refused(means, deviations, message):
    with pytest.raises(ValueError, match=message):
        BinStatistics(means, deviations)


def test_per_bin_without_statistics_of_bins_is_refused():
    with pytest.raises(ValueError, match="mode per_bin needs"):
        LogMagnitudeScaling("per_bin", 3.0, statistics=STATISTICS)


@pytest.mark.parametrize("mode", SCALINGS)
def test_inverse_returns_everything_above_the_floor(mode):
    logs = np.random.default_rng(0).uniform(-5.9, 4.0, (2, 5, 7)).astype(np.float32)
    logs[:, 2, 3] = 4.0  # both clips reach the maximum, so clip_peak loses nothing
    back = to_magnitude(to_unit(np.exp(logs), scaling(mode)), scaling(mode))
    np.testing.assert_allclose(np.log(back), logs, atol=1e-4)


def test_clip_peaks_inverse_puts_the_peak_at_the_data_sets_maximum():
    back = to_magnitude(
        to_unit(magnitudes(-7.0, -12.0), scaling("clip_peak")), scaling("clip_peak")
    )
    np.testing.assert_allclose(np.log(back[0, 0]), [4.0, -1.0], atol=1e-4)


@pytest.mark.parametrize("mode", [mode for mode in SCALINGS if mode != "per_bin"])
@pytest.mark.parametrize("dynamic_range_nepers", [1.0, 15.0, 60.0])
def test_silence_is_the_floor(mode, dynamic_range_nepers):
    unit = to_unit(np.zeros((1, 3, 4), np.float32), scaling(mode, dynamic_range_nepers))
    np.testing.assert_allclose(unit, -np.ones((1, 3, 4)), atol=1e-6)


def test_half_precision_is_widened_on_the_way_back():
    unit = tf.zeros((1, 1, 1), tf.float16)
    back = to_magnitude(unit, scaling("dataset_peak"))
    assert back.dtype == tf.float32
    assert float(back[0, 0, 0]) == pytest.approx(math.exp(-1.0), rel=1e-6)


@pytest.mark.parametrize("mode", SCALINGS)
def test_gradient_is_finite_at_zero_magnitude(mode):
    magnitude = tf.constant([[[0.0, 1.0, 2.0]]])
    with tf.GradientTape() as tape:
        tape.watch(magnitude)
        unit = tf.reduce_sum(to_unit(magnitude, scaling(mode)))
    assert np.all(np.isfinite(tape.gradient(unit, magnitude)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mode": "decibel"}, "mode must be one of .*'decibel'"),
        ({"dynamic_range_nepers": 0.0}, "dynamic_range_nepers must be above 0.*not 0.0"),
        ({"dynamic_range_nepers": math.nan}, "dynamic_range_nepers must be above 0.*nan"),
        ({"dynamic_range_nepers": 80.0}, "dynamic_range_nepers must be .* at most 60, not 80.0"),
    ],
)
def test_impossible_scalings_are_refused_by_name(fields, message):
    with pytest.raises(ValueError, match=message):
        LogMagnitudeScaling(**fields, statistics=STATISTICS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((math.inf, 0.0, 1.0), "maximum must be finite, not inf"),
        ((1.0, 0.0, 0.0), "deviation must be positive, not 0.0"),
        ((1.0, 2.0, 1.0), r"maximum must be at least the mean \(2.0\), not 1.0"),
    ],
)
def test_impossible_statistics_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=message):
        LogMagnitudeStatistics(*values)
