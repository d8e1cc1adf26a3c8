"""Pictures of spectrograms, for TensorBoard, the run folder and the report.

Figures are made without pyplot: nothing global, no window, no figure left open.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Perceptually uniform, told apart by colour-blind readers, and dark where there is no sound.
_COLOUR_MAP = "magma"
_PANEL_INCHES = (1.3, 1.3)
_GAP_INCHES = 0.15
# Room for row titles and hertz, seconds, the colour bar, column titles and title. Fixed, because
# matplotlib's own layout draws everything several times over.
_LEFT_INCHES, _BOTTOM_INCHES, _RIGHT_INCHES, _TOP_INCHES = 0.95, 0.5, 0.9, 0.6


def spectrogram_grid(
    spectrograms: np.ndarray,
    row_titles: Sequence[str],
    column_titles: Sequence[str],
    *,
    sample_rate_hz: int,
    hop_samples: int,
    dynamic_range_db: float,
    title: str = "",
) -> Figure:
    """Spectrograms side by side on common axes: seconds to the right, hertz upwards, colour in dB.

    Args:
        spectrograms: float [rows, columns, bins, frames] in [-1, 1], the bins from 0 Hz up to just
            below half the sample rate. A panel that is not finite throughout is left blank.
        row_titles: one a row, written at its left.
        column_titles: one a column, written at its top.
        sample_rate_hz: of the audio.
        hop_samples: samples between frames.
        dynamic_range_db: how far below 1, the peak at 0 dB, the floor -1 lies; positive.
        title: of the whole figure.

    Returns:
        The figure; `figure_to_rgb` and `save` take it.

    Raises:
        ValueError: the shape does not fit the titles, or the dynamic range is not positive.
    """
    spectrograms = np.asarray(spectrograms, np.float32)
    rows, columns = len(row_titles), len(column_titles)
    if spectrograms.ndim != 4 or spectrograms.shape[:2] != (rows, columns) or not rows * columns:
        raise ValueError(
            f"spectrograms must be [{rows} row_titles, {columns} column_titles, bins, frames] and "
            f"hold one panel at least, got shape {spectrograms.shape}"
        )
    if not dynamic_range_db > 0.0:
        raise ValueError(f"dynamic_range_db must be positive, got {dynamic_range_db}")
    seconds = spectrograms.shape[3] * hop_samples / sample_rate_hz
    panel_width, panel_height = _PANEL_INCHES
    grid_width = columns * panel_width + (columns - 1) * _GAP_INCHES
    grid_height = rows * panel_height + (rows - 1) * _GAP_INCHES
    width = _LEFT_INCHES + grid_width + _RIGHT_INCHES
    height = _BOTTOM_INCHES + grid_height + _TOP_INCHES
    right, top = 1.0 - _RIGHT_INCHES / width, 1.0 - _TOP_INCHES / height
    figure = Figure(figsize=(width, height), dpi=100)
    axes = figure.subplots(
        rows,
        columns,
        sharex=True,
        sharey=True,
        squeeze=False,
        gridspec_kw={
            "left": _LEFT_INCHES / width,
            "right": right,
            "bottom": _BOTTOM_INCHES / height,
            "top": top,
            "wspace": _GAP_INCHES / panel_width,
            "hspace": _GAP_INCHES / panel_height,
        },
    )
    for row, row_title in enumerate(row_titles):
        for column, column_title in enumerate(column_titles):
            panel = axes[row, column]
            spectrogram = spectrograms[row, column]
            blank = not np.isfinite(spectrogram).all()
            image = panel.imshow(
                np.full_like(spectrogram, np.nan)
                if blank
                else (spectrogram - 1.0) * (dynamic_range_db / 2.0),
                origin="lower",
                aspect="auto",
                extent=(0.0, seconds, 0.0, sample_rate_hz / 2),
                vmin=-dynamic_range_db,
                vmax=0.0,
                cmap=_COLOUR_MAP,
            )
            if blank:
                panel.text(0.5, 0.5, "none", transform=panel.transAxes, ha="center", va="center")
            panel.tick_params(labelsize=7)
            panel.xaxis.set_major_locator(MaxNLocator(3))
            panel.yaxis.set_major_locator(MaxNLocator(4))
            if row == 0:
                panel.set_title(column_title, fontsize=9)
            if row == rows - 1:
                panel.set_xlabel("time (s)", fontsize=8)
            if column == 0:
                panel.set_ylabel("frequency (Hz)", fontsize=8)
                panel.annotate(
                    row_title,
                    (0.1 / width, 0.5),
                    xycoords=("figure fraction", "axes fraction"),
                    rotation="vertical",
                    ha="left",
                    va="center",
                    fontsize=9,
                    fontweight="bold",
                )
    bar_axes = figure.add_axes(
        (right + 0.12 / width, _BOTTOM_INCHES / height, 0.12 / width, grid_height / height)
    )
    bar = figure.colorbar(image, cax=bar_axes)
    bar.set_label("magnitude (dB, peak at 0)", fontsize=8)
    bar_axes.tick_params(labelsize=7)
    if title:
        figure.suptitle(title, fontsize=10, y=1.0 - 0.1 / height, va="top")
    return figure


def figure_to_rgb(figure: Figure) -> np.ndarray:
    """The drawn figure as uint8 [height, width, 3]."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save(figure: Figure, path: str | Path) -> None:
    """Writes the figure, whole or not at all, in the format of the suffix (.png, .svg, .pdf).

    Raises:
        ValueError: matplotlib writes no format of that suffix.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        figure.savefig(temporary, dpi=150)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
