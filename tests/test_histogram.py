import math

import numpy as np
import pytest

from gaae_tf.report import figures
from gaae_tf.report.figures import histogram_figure

EDGES = np.arange(-13.0, 8.01, 0.5)  # 42 steps
MAXIMUM = 4.0


def figure(counts=None, edges=EDGES, dynamic_range_nepers=10.0, **changes):
    if counts is None:
        counts = np.exp(-(((EDGES[:-1] + 4.0) / 3.0) ** 2))
        counts[EDGES[:-1] >= MAXIMUM] = 0.0
    settings = {"maximum": MAXIMUM, "clipped_share": 0.2345, "silent_share": 0.01} | changes
    return histogram_figure(counts, edges, dynamic_range_nepers=dynamic_range_nepers, **settings)


def test_the_axes_count_nepers_and_decibels_from_the_maximum():
    axes = figure().axes[0]
    low, high = axes.get_xlim()
    assert low <= -17.0
    assert 0.0 < high < 1.0
    assert "nepers" in axes.get_xlabel()
    (decibels,) = axes.child_axes
    assert decibels.get_xlabel() == "dB"
    figures.figure_to_rgb(axes.figure)  # places the second axis
    assert decibels.get_xlim() == pytest.approx((low * 20 / math.log(10), high * 20 / math.log(10)))


def test_the_steps_are_shares_of_all_bins_a_neper():
    counts = np.zeros(len(EDGES) - 1)
    counts[10], counts[30] = 30, 10
    kept = figure(counts).axes[0].patches[0].get_data()
    assert kept.values[10] == pytest.approx(75.0 / 0.5)
    assert kept.values.sum() * 0.5 == pytest.approx(100.0)
    assert kept.edges == pytest.approx(EDGES - MAXIMUM)


@pytest.mark.parametrize("dynamic_range_nepers", [2.0, 10.0, 15.0, 30.0])
def test_a_line_stands_at_the_range_with_its_share_beside_it(dynamic_range_nepers):
    drawn = figure(dynamic_range_nepers=dynamic_range_nepers)
    axes = drawn.axes[0]
    (line,) = axes.lines
    assert list(line.get_xdata()) == [-dynamic_range_nepers] * 2
    (text,) = axes.texts
    assert f"r = {dynamic_range_nepers:g} nepers clips 23.45 % of bins" in text.get_text()
    assert "silence, not shown: 1.00 %" in text.get_text()
    figures.figure_to_rgb(drawn)
    box = text.get_window_extent(drawn.canvas.get_renderer())
    inside = axes.get_window_extent()
    assert inside.x0 <= box.x0 <= box.x1 <= inside.x1
    low, high = axes.get_xlim()
    assert low < -dynamic_range_nepers < high


def test_what_is_clipped_has_its_own_colour():
    kept, clipped = figure(dynamic_range_nepers=10.0).axes[0].patches
    assert kept.get_facecolor() != clipped.get_facecolor()
    assert clipped.get_data().edges[-1] == pytest.approx(-10.0)


def test_equal_histograms_are_saved_as_equal_bytes(tmp_path):
    for name in ("one.png", "two.png"):
        figures.save(figure(title="cats"), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"edges": EDGES[:-1]}, r"shapes \(42,\) and \(42,\)"),
        ({"counts": np.zeros(42)}, "and 0 bins"),
        ({"dynamic_range_nepers": 0.0}, "dynamic_range_nepers must be positive, got 0"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(changes, reason):
    with pytest.raises(ValueError, match=reason):
        figure(**changes)
