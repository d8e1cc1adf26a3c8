import numpy as np
import pytest

from gaae_tf.metrics.smoothness import smoothness


def test_a_straight_even_path_is_1_and_its_largest_step_one_of_k():
    start, end = np.array([1.0, -2.0, 5.0]), np.array([4.0, 2.0, 5.0])
    path = smoothness(start + np.linspace(0.0, 1.0, 9)[:, np.newaxis] * (end - start))
    assert path.path_length_ratio == pytest.approx(1.0, rel=1e-12)
    assert path.largest_step_share == pytest.approx(1 / 8, rel=1e-12)


@pytest.mark.parametrize("degrees", [30.0, 180.0, 300.0])
def test_an_arc_is_as_long_as_its_chords(degrees):
    steps, angle = 12, np.radians(degrees)
    at = np.linspace(0.0, angle, steps + 1)
    path = smoothness(3.0 * np.stack([np.cos(at), np.sin(at)], axis=1))
    # K chords of 2r sin(θ/2K) over one of 2r sin(θ/2).
    expected = steps * np.sin(angle / (2 * steps)) / np.sin(angle / 2)
    assert path.path_length_ratio == pytest.approx(expected, rel=1e-12)
    assert path.largest_step_share == pytest.approx(1 / steps, rel=1e-12)


def test_a_single_jump_is_straight_and_all_in_one_step():
    path = smoothness(np.array([[0.0], [0.0], [7.0], [7.0], [7.0]]))
    assert path.path_length_ratio == 1.0
    assert path.largest_step_share == 1.0


def test_a_detour_there_and_back_counts_both_ways():
    path = smoothness(np.array([[0.0], [3.0], [1.0]]))  # 3 + 2 for 1
    assert path.path_length_ratio == pytest.approx(5.0)
    assert path.largest_step_share == pytest.approx(3 / 5)


def test_neither_place_nor_scale_nor_shape_nor_direction_matters():
    points = np.random.default_rng(0).normal(size=(5, 4, 3))
    path = smoothness(points)
    for other in (100.0 + 7.0 * points, points.reshape(5, 12), points[::-1]):
        again = smoothness(other)
        assert again.path_length_ratio == pytest.approx(path.path_length_ratio, rel=1e-9)
        assert again.largest_step_share == pytest.approx(path.largest_step_share, rel=1e-9)


def test_float32_features_are_added_up_in_float64():
    points = (1e3 + np.linspace(0.0, 1.0, 9)[:, np.newaxis] * np.ones(400)).astype(np.float32)
    assert smoothness(points).path_length_ratio == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("end", [0.0, 1e-8], ids=["equal", "within rounding"])
def test_ends_that_coincide_have_no_figure(end):
    with pytest.raises(ValueError, match="Both ends of the path coincide"):
        smoothness(np.array([[1.0], [2.0], [1.0 + end]]))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros([2, 3]), r"received shape \(2, 3\)"),
        (np.zeros(5), r"received shape \(5,\)"),
        (np.zeros([5, 0]), r"received shape \(5, 0\)"),
        ([[0.0], [np.nan], [1.0]], "1 values are not"),
        ([[0.0], [np.inf], [1.0]], "1 values are not"),
    ],
)
def test_what_is_no_path_is_refused(points, message):
    with pytest.raises(ValueError, match=message):
        smoothness(points)
