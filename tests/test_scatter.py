import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from gaae_tf.report import figures
from gaae_tf.report.figures.points import OKABE_ITO, scatter

RNG = np.random.default_rng(0)


def panel(points, title="z"):
    return (title, *RNG.normal(size=(2, points)))


def marks(figure, axes=0):
    """(x, y) -> (colour, number of the marker's corners)."""
    found = {}
    for collection in figure.axes[axes].collections:
        colours = np.broadcast_to(collection.get_facecolors(), (len(collection.get_offsets()), 4))
        corners = len(collection.get_paths()[0].vertices)
        for place, colour in zip(collection.get_offsets(), colours, strict=True):
            found[tuple(map(float, place))] = to_hex(colour), corners
    return found


def names(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_equal_values_look_alike_and_others_differ_in_colour_or_marker():
    values = [f"reader {i % 24}" for i in range(96)]
    one = panel(96)
    looks = marks(scatter([one], values, "reader"))
    by_value = {}
    for place, value in zip(
        zip(*map(np.ndarray.tolist, one[1:]), strict=True), values, strict=True
    ):
        by_value.setdefault(value, set()).add(looks[place])
    assert all(len(found) == 1 for found in by_value.values())
    assert len(set.union(*by_value.values())) == 24


def test_the_first_eight_are_told_apart_by_colour_alone():
    figure = scatter([panel(8)], list("abcdefgh"), "class")
    assert {colour for colour, _ in marks(figure).values()} == set(OKABE_ITO)
    assert len({corners for _, corners in marks(figure).values()}) == 1
    assert names(figure) == list("abcdefgh")
    assert figure.legends[0].get_title().get_text() == "class"


def test_of_many_values_the_most_frequent_are_named_and_the_rest_is_grey():
    values = [f"{i}" for i in range(30) for _ in range(30 - i)]
    figure = scatter([panel(len(values))], values, "speaker")
    assert set(names(figure)) == {*map(str, range(23)), "other (7 values)"}
    greys = [colour for colour, _ in marks(figure).values() if colour == "#b0b0b0"]
    assert len(greys) == sum(range(1, 8))


def test_numbered_names_stand_in_the_order_of_their_numbers():
    figure = scatter([panel(4)], ["10", "9", "b", "a"], "class")
    # Row by row; matplotlib keeps them column by column, here one each.
    assert names(figure) == ["9", "10", "a", "b"]


def test_classes_stand_in_their_order_and_others_after_them():
    values = ["one", "two", "cat", "zero"]
    figure = scatter([panel(4)], values, "class", ["zero", "one", "two", "three"])
    assert names(figure) == ["zero", "one", "two", "cat"]


def test_points_without_a_value_are_counted():
    figure = scatter([panel(5)], ["a", None, "b", None, "a"], "speaker")
    assert names(figure) == ["a", "b", "none (2)"]
    figure = scatter([panel(3)], [1.0, np.nan, 3.0], "pitch")
    assert names(figure) == ["none (1)"]


def test_numbers_run_along_a_scale_from_the_lowest_to_the_highest():
    one = panel(3)
    figure = scatter([one], np.array([20.0, 60.0, 100.0]), "pitch")
    looks = marks(figure)
    scale = matplotlib.colormaps["viridis"]
    for i, share in enumerate((0.0, 0.5, 1.0)):
        assert looks[one[1][i], one[2][i]][0] == to_hex(scale(share))
    assert figure.axes[-1].get_ylim() == (20.0, 100.0)
    assert figure.axes[-1].get_ylabel() == "pitch"


@pytest.mark.parametrize("panels", [1, 2])
@pytest.mark.parametrize("kind", ["few", "many", "numbers"])
def test_a_figure_fits_its_column_with_letters_to_read_inside(panels, kind):
    values = {
        "few": ["a", "b", None] * 20,
        "many": [f"a long $name$ {i}" for i in range(60)],
        "numbers": np.arange(60.0),
    }[kind]
    figure = scatter([panel(60, title) for title in ("z", "z′")[:panels]], values, "label")
    assert 2.54 * figure.get_figwidth() == pytest.approx([8.5, 17.6][panels - 1])
    figures.figure_to_rgb(figure)
    renderer = figure.canvas.get_renderer()
    lowest = min(axes.get_position().y0 for axes in figure.axes) * figure.bbox.height
    for legend in figure.legends:
        box = legend.get_window_extent(renderer)
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= lowest
        assert min(text.get_fontsize() for text in legend.get_texts()) >= 6.0
    box = figure.axes[-1].get_tightbbox(renderer)
    assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1


@pytest.mark.parametrize(
    ("panels", "values", "message"),
    [
        ([], [], "one or two panels, got 0"),
        ([panel(2)] * 3, ["a", "b"], "one or two panels, got 3"),
        ([panel(2)], ["a"], "panel 'z' .* got 2, 2 and 1"),
        ([panel(2)], [None, None], "no point has a value of 'class'"),
        ([panel(2)], [np.nan, np.nan], "no point has a value of 'class'"),
    ],
)
def test_what_cannot_be_drawn_is_named(panels, values, message):
    with pytest.raises(ValueError, match=message):
        scatter(panels, values, "class")
