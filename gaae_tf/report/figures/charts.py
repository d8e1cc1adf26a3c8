"""Training curves and confusion matrices for papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from gaae_tf.report.figures.paper import (
    NARROW_INCHES,
    SMALL_POINTS,
    TITLE_POINTS,
    WIDE_INCHES,
    Grid,
    for_print,
    print_bar,
    short,
    text_inches,
)

_COLUMNS = 3
_LINE = "#0072b2"  # Okabe and Ito's blue
_COLOURS = "magma_r"  # dark where there is much
_MOST_NARROW, _MOST_NUMBERED = 12, 24  # classes


def curves(of: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Small multiples of what training logged, over iterations, each on its own scale.

    Args:
        of: name -> (steps, values), each [points], steps ascending; a line has gaps where values
            are not finite.

    Returns:
        The figure, as wide as a paper's text; `figures.save` takes it.

    Raises:
        ValueError: there is no curve, or one has not as many steps as values.
    """
    if not of:
        raise ValueError("there is no curve to draw")
    for name, (steps, values) in of.items():
        if len(steps) != len(values):
            raise ValueError(f"curve {name!r} has {len(steps)} steps and {len(values)} values")
    columns = min(_COLUMNS, len(of))
    rows = -(-len(of) // columns)
    height = 0.1 + rows * 1.45
    figure = Figure(figsize=(WIDE_INCHES, height), dpi=100)
    axes = figure.subplots(
        rows,
        columns,
        sharex=True,
        squeeze=False,
        gridspec_kw={
            "left": 0.45 / WIDE_INCHES,
            "right": 1.0 - 0.12 / WIDE_INCHES,
            "bottom": 0.38 / height,
            "top": 1.0 - 0.24 / height,
            "wspace": 0.25,
            "hspace": 0.42,
        },
    )
    panels = list(axes.flat)
    for panel, (name, (steps, values)) in zip(panels, of.items(), strict=False):
        panel.plot(steps, values, color=_LINE, linewidth=0.5)
        panel.set_title(short(name), fontsize=TITLE_POINTS, pad=3.0, parse_math=False)
        panel.grid(color="#e4e4e4", linewidth=0.4)
        panel.set_axisbelow(True)
        panel.margins(x=0.01)
        panel.spines[["top", "right"]].set_visible(False)
        for_print(panel)
        panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        panel.xaxis.set_major_formatter(EngFormatter(sep=""))
        panel.yaxis.set_major_locator(MaxNLocator(4))
    for i, panel in enumerate(panels):
        if i >= len(of):
            panel.set_visible(False)
        elif i + columns >= len(of):  # the lowest of its column
            panel.tick_params(labelbottom=True)
            panel.set_xlabel("iterations", fontsize=SMALL_POINTS, labelpad=1.5)
    return figure


def confusion_matrix(
    counts: np.ndarray, classes: Sequence[str], *, meant: str, found: str
) -> Figure:
    """How often each class was found where each was meant, rows adding up to 100 %.

    Args:
        counts: clips, [classes, classes], rows meant, columns found; a row of none stays blank.
        classes: names.
        meant: what the rows are: "requested class".
        found: what the columns are: "class found by the scorer".

    Returns:
        The figure, as wide as a paper's column, with more than 12 classes as its text;
        `figures.save` takes it. Numbers are written for up to 24 classes.

    Raises:
        ValueError: the shape does not fit the classes, a count is negative, or all are 0.
    """
    counts, size = np.asarray(counts, np.float64), len(classes)
    if counts.shape != (size, size) or not counts.min() >= 0.0 or not counts.sum() > 0.0:
        raise ValueError(
            f"counts must be [{size} classes, {size} classes], none negative and not all 0, got "
            f"shape {counts.shape} and {counts.sum():g} clips"
        )
    totals = counts.sum(axis=1, keepdims=True)
    percent = 100.0 * np.divide(counts, totals, where=totals > 0, out=np.full_like(counts, np.nan))
    names = [short(name) for name in classes]
    longest = max(text_inches(name, SMALL_POINTS) for name in names)
    width = NARROW_INCHES if size <= _MOST_NARROW else WIDE_INCHES
    left, right = 0.3 + longest, 0.62
    side = width - left - right
    slanted = longest > 0.9 * side / size
    bottom = 0.24 + (longest if slanted else 0.1)
    grid = Grid(1, 1, side, side, 0.0, left=left, right=right, bottom=bottom, top=0.08)
    figure, ((axes,),) = grid.subplots()
    # Edges in the cells' own colours close the hairlines that PDF viewers would leave.
    image = axes.pcolormesh(
        percent, cmap=_COLOURS, vmin=0.0, vmax=100.0, edgecolor="face", linewidth=0.2
    )
    places = np.arange(size) + 0.5
    axes.set(xlim=(0, size), ylim=(size, 0))
    axes.set_xticks(places, names, rotation="vertical" if slanted else "horizontal")
    axes.set_yticks(places, names)
    axes.tick_params(labelsize=SMALL_POINTS, length=0.0, pad=2.0)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set_parse_math(False)
    axes.set_xlabel(found, fontsize=SMALL_POINTS, labelpad=3.0)
    axes.set_ylabel(meant, fontsize=SMALL_POINTS, labelpad=3.0)
    axes.spines[:].set_linewidth(0.5)
    if size <= _MOST_NUMBERED:
        _number(axes, percent)
    bar_axes = figure.add_axes(grid.place(width - right + 0.1, bottom, 0.09, side))
    bar = figure.colorbar(image, cax=bar_axes)
    print_bar(bar)
    bar.set_label("share of the row (%)", fontsize=SMALL_POINTS, labelpad=2.0)
    return figure


def _number(axes: Axes, percent: np.ndarray) -> None:
    """Writes the share of each cell that holds any."""
    for (row, column), share in np.ndenumerate(percent):
        if np.isfinite(share) and share > 0.0:
            axes.text(
                column + 0.5,
                row + 0.5,
                f"{share:.0f}",
                ha="center",
                va="center",
                fontsize=6.0,
                color=_ink(share),
            )


def _ink(percent: float) -> str:
    """Black or white, whichever stands out more from the colour behind it (WCAG's contrast)."""
    rgb = np.array(matplotlib.colormaps[_COLOURS](percent / 100.0)[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"
