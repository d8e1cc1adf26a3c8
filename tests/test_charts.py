import numpy as np
import pytest
from matplotlib.colors import to_rgb

from gaae_tf.report import figures
from gaae_tf.report.figures import confusion_matrix, curves

STEPS = np.arange(0, 500, 10)


def inside(figure):
    figures.figure_to_rgb(figure)
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    return box.x0 >= 0.0 and box.y0 >= 0.0 and box.x1 <= width and box.y1 <= height


@pytest.mark.parametrize("count", [1, 3, 8])
def test_every_curve_has_its_panel_and_the_lowest_name_the_axis(count):
    figure = curves({f"loss {i}": (STEPS, STEPS * (i + 1.0)) for i in range(count)})
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == [f"loss {i}" for i in range(count)]
    for i, axes in enumerate(shown):
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), STEPS * (i + 1.0))
    assert [axes.get_xlabel() for axes in shown[-3:]] == ["iterations"] * min(count, 3)
    assert not any(axes.get_xlabel() for axes in shown[:-3])
    assert 2.54 * figure.get_figwidth() == pytest.approx(17.6)
    assert inside(figure)


def test_a_curve_has_a_gap_where_it_is_not_finite():
    values = np.where(STEPS == 100, np.nan, 1.0)
    (line,) = curves({"loss": (STEPS, values)}).axes[0].lines
    assert np.isnan(line.get_ydata()[10])


def cells(figure):
    """Texts of the matrix by (row, column)."""
    texts = figure.axes[0].texts
    places = [(int(text.get_position()[1]), int(text.get_position()[0])) for text in texts]
    return dict(zip(places, texts, strict=True))


def matrix(counts, classes="abc"):
    return confusion_matrix(np.array(counts), classes, meant="true class", found="class found")


def test_a_row_adds_up_to_100_percent_and_rows_are_what_was_meant():
    figure = matrix([[3, 1, 0], [0, 0, 0], [0, 0, 7]])
    texts = {place: text.get_text() for place, text in cells(figure).items()}
    assert texts == {(0, 0): "75", (0, 1): "25", (2, 2): "100"}
    shares = np.ma.filled(figure.axes[0].collections[0].get_array(), np.nan).reshape(3, 3)
    np.testing.assert_allclose(shares, [[75, 25, 0], [np.nan] * 3, [0, 0, 100]])
    assert figure.axes[0].get_ylabel() == "true class"
    assert figure.axes[0].get_ylim() == (3, 0)  # the first class at the top


def test_numbers_stand_out_from_their_cell():
    shares = 100 * np.eye(20, dtype=int)
    for i in range(1, 20):
        shares[i, i], shares[i, 0] = 100 - 5 * i, 5 * i
    figure = matrix(shares, "abcdefghijklmnopqrst")
    colours = figure.axes[0].collections[0]
    for (row, column), text in cells(figure).items():
        share = colours.get_array().reshape(20, 20)[row, column]
        ground = np.array(colours.cmap(colours.norm(share))[:3])
        light, dark = sorted(
            [_luminance(ground), _luminance(np.array(to_rgb(text.get_color())))], reverse=True
        )
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG AA


def _luminance(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize(
    ("size", "width_cm", "numbers"), [(3, 8.5, 3), (20, 17.6, 20), (35, 17.6, 0)]
)
def test_a_matrix_fits_its_column(size, width_cm, numbers):
    figure = matrix(np.eye(size, dtype=int), [f"a class, $the$ {i}" for i in range(size)])
    assert 2.54 * figure.get_figwidth() == pytest.approx(width_cm)
    assert len(cells(figure)) == numbers
    assert inside(figure)
    assert min(label.get_fontsize() for label in figure.axes[0].get_xticklabels()) >= 6.0


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: curves({}), "no curve"),
        (lambda: curves({"G": ([1, 2], [1.0])}), "curve 'G' has 2 steps and 1 values"),
        (lambda: matrix(np.eye(2)), r"counts must be \[3 classes, 3 classes\].*\(2, 2\)"),
        (lambda: matrix(-np.eye(3)), "none negative"),
        (lambda: matrix(np.zeros((3, 3))), "0 clips"),
    ],
)
def test_what_cannot_be_drawn_is_named(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
