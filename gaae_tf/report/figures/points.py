"""Codes as points of a plane, coloured by what is known of their clips."""

from __future__ import annotations

import collections
import re
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from gaae_tf.report.figures.paper import (
    NARROW_INCHES,
    SMALL_POINTS,
    TITLE_POINTS,
    WIDE_INCHES,
    Grid,
    print_bar,
    short,
    text_inches,
)

# Okabe and Ito's eight colours, which all kinds of colour vision tell apart.
OKABE_ITO = (
    *("#0072b2", "#e69f00", "#009e73", "#d55e00"),
    *("#cc79a7", "#56b4e9", "#f0e442", "#000000"),
)
MARKERS = ("o", "^", "s")
MOST_NAMED = len(OKABE_ITO) * len(MARKERS)
_REST, _NONE = "#b0b0b0", "#d9d9d9"
_SCALE = "viridis"
_LEGEND_ROW_INCHES, _MARK_INCHES, _SCALE_INCHES = 0.135, 0.17, 0.62


def scatter(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray]],
    values: Sequence[str | None] | Sequence[float],
    label: str,
    order: Sequence[str] = (),
) -> Figure:
    """The same clips as points of one plane or two, with one label's values as colours.

    Texts have Okabe and Ito's colours, from the ninth on with another marker; of more than 24
    values the 23 most frequent are named and all others share a grey. Numbers run along a
    perceptually uniform scale.

    Args:
        panels: one or two of (title, x, y), coordinates float [points].
        values: of the points, either texts, None where there is none, named in order of their first
            number or letters; or numbers, NaN where there is none.
        label: what the values are: "speaker", "pitch".
        order: texts that are named first, in this order: the classes, say.

    Returns:
        The figure, as wide as a paper's column, with two panels as its text; `figures.save` takes
        it.

    Raises:
        ValueError: the numbers of panels or points do not fit, or no point has a value.
    """
    _check_lengths(panels, values)
    numbers = not all(isinstance(value, (str, type(None))) for value in values)
    missing = _missing(values, numbers)
    if missing.all():
        raise ValueError(f"no point has a value of {label!r}")
    groups = [] if numbers else _groups(values, order)
    legend = [(name, colour, marker) for name, colour, marker, _ in groups]
    if missing.any():
        legend.append((f"none ({missing.sum()})", _NONE, "o"))
    grid, in_a_row = _layout(len(panels), legend, numbers)
    figure, ((*axes,),) = grid.subplots()
    colour_scale = _number_scale(values, missing) if numbers else None
    for panel, (title, x, y) in zip(axes, panels, strict=True):
        # Distances alone mean something in such a plane, so it has no units and equal axes.
        panel.set(xticks=[], yticks=[])
        panel.set_title(title, fontsize=TITLE_POINTS, pad=3.0, parse_math=False)
        panel.spines[:].set_linewidth(0.5)
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        _mark(panel, x[missing], y[missing], _NONE, "o")
        if numbers:
            colours = colour_scale.to_rgba(np.asarray(values, np.float64)[~missing])
            _mark(panel, x[~missing], y[~missing], colours, "o")
        for _, colour, marker, chosen in groups[::-1]:  # the rest below those named
            _mark(panel, x[chosen], y[chosen], colour, marker)
        _square(panel, x, y)
    if numbers:
        _bar(figure, grid, colour_scale, label)
    if legend:
        _legend(figure, legend, in_a_row, None if numbers else label, grid.bottom - 0.06)
    return figure


def _check_lengths(panels: Sequence[tuple[str, np.ndarray, np.ndarray]], values: Sequence) -> None:
    if not 1 <= len(panels) <= 2:
        raise ValueError(f"scatter draws one or two panels, got {len(panels)}")
    for title, x, y in panels:
        if not len(x) == len(y) == len(values):
            raise ValueError(
                f"panel {title!r} must have as many x and y as there are values, got {len(x)}, "
                f"{len(y)} and {len(values)}"
            )


def _missing(values: Sequence, numbers: bool) -> np.ndarray:
    """Where a point has no value, bool [points]."""
    if numbers:
        return ~np.isfinite(np.asarray(values, np.float64))
    return np.array([value is None for value in values], bool)


def _layout(panels: int, legend: Sequence[tuple], numbers: bool) -> tuple[Grid, int]:
    """Square panels above their legend or beside their scale, and the legend's entries a row."""
    width = WIDE_INCHES if panels == 2 else NARROW_INCHES
    longest = max((text_inches(name, SMALL_POINTS) for name, *_ in legend), default=0.0)
    in_a_row = max(1, int((width - 0.2) / (_MARK_INCHES + 0.12 + longest)))
    legend_rows = -(-len(legend) // in_a_row) + (not numbers)  # of texts, the label stands above
    edge, gap = 0.06, 0.18
    right = edge + (_SCALE_INCHES if numbers else 0.0)
    side = (width - edge - right - gap * (panels - 1)) / panels
    bottom = 0.08 + (0.06 + legend_rows * _LEGEND_ROW_INCHES if legend else 0.0)
    return Grid(
        1, panels, side, side, gap, left=edge, right=right, bottom=bottom, top=0.24
    ), in_a_row


def _bar(figure: Figure, grid: Grid, scale: ScalarMappable, label: str) -> None:
    left = grid.left + grid.panels_width + 0.12
    bar_axes = figure.add_axes(grid.place(left, grid.bottom, 0.09, grid.panel_height))
    bar = figure.colorbar(scale, cax=bar_axes)
    print_bar(bar)
    bar.ax.set_ylabel(short(label), fontsize=SMALL_POINTS, labelpad=2.0, parse_math=False)
    bar_axes.yaxis.set_major_locator(MaxNLocator(6))


def _groups(
    values: Sequence[str | None], order: Sequence[str]
) -> list[tuple[str, str, str, np.ndarray]]:
    """Name, colour, marker and indices of the points, for each value or the rest of them."""
    place = {name: (i, *_order(name)) for i, name in enumerate(order)}

    def key(name: str) -> tuple:
        return place.get(name, (len(order), *_order(name)))

    points: dict[str, list[int]] = collections.defaultdict(list)
    for i, value in enumerate(values):
        if value is not None:
            points[value].append(i)
    named = sorted(points, key=lambda name: (-len(points[name]), key(name)))
    others = named[MOST_NAMED - 1 :] if len(named) > MOST_NAMED else []
    groups = [
        (
            short(name),
            OKABE_ITO[i % len(OKABE_ITO)],
            MARKERS[i // len(OKABE_ITO)],
            np.array(points[name]),
        )
        for i, name in enumerate(sorted(set(named) - set(others), key=key))
    ]
    if others:
        rest = np.array([i for name in others for i in points[name]])
        groups.append((f"other ({len(others):,} values)", _REST, "o", rest))
    return groups


def _order(name: str) -> tuple[float, str]:
    """By a number at the beginning, if there is one, so that 10 comes after 9."""
    number = re.match(r"\d+", name)
    return (float(number[0]) if number else float("inf"), name)


def _number_scale(values: Sequence[float], missing: np.ndarray) -> ScalarMappable:
    known = np.asarray(values, np.float64)[~missing]
    low, high = known.min(), known.max()
    if low == high:
        low, high = low - 0.5, high + 0.5
    return ScalarMappable(Normalize(low, high), matplotlib.colormaps[_SCALE])


def _mark(axes, x, y, colour, marker) -> None:
    axes.scatter(x, y, s=9.0, c=colour, marker=marker, linewidths=0.25, edgecolors="#303030")


def _square(axes, x: np.ndarray, y: np.ndarray) -> None:
    """Equal scales on both axes, with room around the points."""
    middle = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    reach = 0.54 * max(np.ptp(x), np.ptp(y)) or 1.0
    axes.set(
        xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach)
    )


def _legend(figure: Figure, entries, in_a_row: int, title: str | None, top_inches: float) -> None:
    """Below the panels, read row by row."""
    rows = -(-len(entries) // in_a_row)
    columns = -(-len(entries) // rows)
    # matplotlib fills column by column.
    by_column = [
        entries[i] for start in range(columns) for i in range(start, len(entries), columns)
    ]
    marks = [
        Line2D(
            *([], []),
            linestyle="",
            marker=marker,
            color=colour,
            markersize=3.4,
            markeredgewidth=0.25,
            markeredgecolor="#303030",
        )
        for _, colour, marker in by_column
    ]
    legend = figure.legend(
        marks,
        [name for name, *_ in by_column],
        title=None if title is None else short(title),
        loc="upper center",
        bbox_to_anchor=(0.5, top_inches / figure.get_figheight()),
        ncols=columns,
        fontsize=SMALL_POINTS,
        title_fontsize=SMALL_POINTS,
        frameon=False,
        borderpad=0.0,
        borderaxespad=0.0,
        handlelength=0.9,
        handletextpad=0.4,
        columnspacing=0.9,
        labelspacing=0.35,
    )
    for text in (*legend.get_texts(), legend.get_title()):
        text.set_parse_math(False)
