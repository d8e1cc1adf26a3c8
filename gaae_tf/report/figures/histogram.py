"""Histogram of a data set's log-magnitudes, with what its dynamic range leaves out."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

_DB_PER_NEPER = 20.0 / math.log(10.0)
_SHOWN_NEPERS = 20.0  # unless the range goes deeper; 16-bit audio has next to nothing below
_KEPT, _CLIPPED = "#4c3a8c", "#c9c3dd"  # dark and light, so that a grey print tells them apart


def histogram_figure(
    counts: np.ndarray,
    edges_nepers: np.ndarray,
    *,
    maximum: float,
    dynamic_range_nepers: float,
    clipped_share: float,
    silent_share: float,
    title: str = "",
) -> Figure:
    """How often which log-magnitude occurs, relative to the largest, and where the range ends.

    Args:
        counts: spectrogram bins that are not digital silence, [n], one at least not 0.
        edges_nepers: log-magnitudes between which they lie, rising, [n + 1].
        maximum: the largest log-magnitude, 0 on the axis.
        dynamic_range_nepers: r, drawn as a line r below the maximum.
        clipped_share: of `counts` below that line, 0 to 1, written beside it.
        silent_share: of all bins that are digital silence, 0 to 1, written too.
        title: of the whole figure.

    Returns:
        The figure; `figures.save` takes it.

    Raises:
        ValueError: the shapes do not fit, all counts are 0, or the range is not positive.
    """
    counts, edges = np.asarray(counts, np.float64), np.asarray(edges_nepers, np.float64)
    if counts.ndim != 1 or edges.shape != (counts.size + 1,) or not counts.sum() > 0.0:
        raise ValueError(
            "counts must be [n] and hold one bin at least, edges_nepers [n + 1], got shapes "
            f"{counts.shape} and {edges.shape} and {counts.sum():g} bins"
        )
    if not dynamic_range_nepers > 0.0:
        raise ValueError(f"dynamic_range_nepers must be positive, got {dynamic_range_nepers}")
    edges = edges - maximum
    percent = 100.0 * counts / counts.sum() / np.diff(edges)
    figure = Figure(figsize=(6.4, 4.0), dpi=100)
    axes = figure.add_axes((0.11, 0.14, 0.85, 0.64))
    _bars(axes, percent, edges, dynamic_range_nepers)
    _note(
        axes,
        dynamic_range_nepers,
        f"r = {dynamic_range_nepers:g} nepers clips {100.0 * clipped_share:.2f} % of bins\n"
        f"digital silence, not shown: {100.0 * silent_share:.2f} %",
    )
    axes.set_xlabel("log-magnitude below the data set's largest (nepers)", fontsize=9)
    axes.set_ylabel("bins (% a neper)", fontsize=9)
    decibels = axes.secondary_xaxis(
        "top", functions=(lambda x: x * _DB_PER_NEPER, lambda x: x / _DB_PER_NEPER)
    )
    decibels.set_xlabel("dB", fontsize=9)
    axes.xaxis.set_major_locator(MultipleLocator(2.0))
    axes.tick_params(labelsize=8)
    decibels.tick_params(labelsize=8)
    if title:
        figure.suptitle(title, fontsize=10, y=0.98, va="top", parse_math=False)
    return figure


def _bars(axes: Axes, percent: np.ndarray, edges: np.ndarray, range_nepers: float) -> None:
    """The histogram, in another colour where the range leaves it out, and the range's end."""
    for colour, shown in ((_KEPT, edges > -np.inf), (_CLIPPED, edges <= -range_nepers)):
        inside = edges[shown]
        if inside.size > 1:
            axes.stairs(percent[: inside.size - 1], inside, fill=True, color=colour)
    axes.axvline(-range_nepers, color="black", linewidth=1.2)
    lowest = max(edges[np.flatnonzero(percent)[0]], -_SHOWN_NEPERS)
    axes.set(xlim=(min(lowest, -range_nepers) - 0.5, 0.5), ylim=(0.0, 1.25 * percent.max()))


def _note(axes: Axes, range_nepers: float, text: str) -> None:
    """Writes beside the range's end, on the side that has more room."""
    left = range_nepers > 0.5 * -axes.get_xlim()[0]
    axes.annotate(
        text,
        (-range_nepers, 0.97 * axes.get_ylim()[1]),
        xytext=(6 if left else -6, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="top",
        fontsize=9,
    )
