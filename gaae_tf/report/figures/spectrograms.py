"""Pictures of spectrograms: a grid for TensorBoard and the run folder, a plate for papers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from gaae_tf.report.figures.paper import (
    PAGE_INCHES,
    SMALL_POINTS,
    TITLE_POINTS,
    WIDE_INCHES,
    Grid,
    for_print,
    print_bar,
    short,
    text_inches,
)

# Perceptually uniform, told apart by colour-blind readers, and dark where there is no sound.
_COLOUR_MAP = "magma"
_SLANT_DEGREES = 35.0
_EDGE_INCHES = 0.06  # left of a plate's row titles
_HERTZ_INCHES = 0.6  # between them and the panels: hertz and their name


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
    spectrograms = _checked(spectrograms, row_titles, column_titles, dynamic_range_db)
    rows, columns = spectrograms.shape[:2]
    seconds = spectrograms.shape[3] * hop_samples / sample_rate_hz
    grid = Grid(
        *(rows, columns, 1.3, 1.3),
        gap=0.15,
        left=0.95,  # row titles and hertz
        right=0.9,  # the colour bar
        bottom=0.5,  # seconds
        top=0.6,  # column titles and title
    )
    figure, axes = grid.subplots()
    for (row, column), panel in np.ndenumerate(axes):
        image = _draw(panel, spectrograms[row, column], seconds, sample_rate_hz, dynamic_range_db)
        panel.tick_params(labelsize=7)
        panel.xaxis.set_major_locator(MaxNLocator(3))
        panel.yaxis.set_major_locator(MaxNLocator(4))
        panel.label_outer()
        if row == 0:
            panel.set_title(column_titles[column], fontsize=9, parse_math=False)
        if row == rows - 1:
            panel.set_xlabel("time (s)", fontsize=8)
        if column == 0:
            panel.set_ylabel("frequency (Hz)", fontsize=8)
            style = {"rotation": "vertical", "fontsize": 9, "fontweight": "bold"}
            _row_title(panel, row_titles[row], 0.1 / grid.width, "left", **style)
    _grid_bar(figure, grid, image)
    if title:
        top = 1.0 - 0.1 / grid.height
        figure.suptitle(title, fontsize=10, y=top, va="top", parse_math=False)
    return figure


def _grid_bar(figure: Figure, grid: Grid, image: AxesImage) -> None:
    left = grid.width - grid.right + 0.12
    bar_axes = figure.add_axes(grid.place(left, grid.bottom, 0.12, grid.panels_height))
    figure.colorbar(image, cax=bar_axes).set_label("magnitude (dB, peak at 0)", fontsize=8)
    bar_axes.tick_params(labelsize=7)


def spectrogram_plate(
    spectrograms: np.ndarray,
    row_titles: Sequence[str],
    column_titles: Sequence[str],
    *,
    sample_rate_hz: int,
    hop_samples: int,
    dynamic_range_db: float,
) -> Figure:
    """Spectrograms as wide as a paper's text, on common axes that are named once.

    Its letters are legible at that width, 17.6 cm, however many panels there are; panels shrink,
    down to what fits a page's height.

    Args:
        spectrograms: as in `spectrogram_grid`.
        row_titles: likewise; of long ones the beginning is written.
        column_titles: likewise; where one is wider than its panel, all slant.
        sample_rate_hz: of the audio.
        hop_samples: samples between frames.
        dynamic_range_db: how far below 1, the peak at 0 dB, the floor -1 lies; positive.

    Returns:
        The figure; `save` takes it.

    Raises:
        ValueError: the shape does not fit the titles, or the dynamic range is not positive.
    """
    spectrograms = _checked(spectrograms, row_titles, column_titles, dynamic_range_db)
    seconds = spectrograms.shape[3] * hop_samples / sample_rate_hz
    row_titles = [short(title) for title in row_titles]
    column_titles = [short(title) for title in column_titles]
    titles_end = _EDGE_INCHES + max(text_inches(title, TITLE_POINTS) for title in row_titles)
    grid, slanted = _plate_grid(titles_end, column_titles, len(row_titles))
    slant = {"rotation": _SLANT_DEGREES, "ha": "left", "rotation_mode": "anchor"} if slanted else {}
    figure, axes = grid.subplots()
    for (row, column), panel in np.ndenumerate(axes):
        image = _draw(panel, spectrograms[row, column], seconds, sample_rate_hz, dynamic_range_db)
        for_print(panel)
        if row == 0:
            style = {"fontsize": TITLE_POINTS, "pad": 3.0, "parse_math": False}
            panel.set_title(column_titles[column], **style, **slant)
        panel.label_outer()
        if column == 0:
            at = titles_end / WIDE_INCHES
            _row_title(panel, row_titles[row], at, "right", fontsize=TITLE_POINTS)
    _plate_axes(figure, grid, axes, titles_end, (seconds, sample_rate_hz / 2))
    _plate_bar(figure, grid, image)
    return figure


def _plate_grid(titles_end: float, column_titles: Sequence[str], rows: int) -> tuple[Grid, bool]:
    """A plate's panels, and whether its column titles slant; lengths in inches."""
    columns, gap = len(column_titles), 0.06
    left, right, bottom = titles_end + _HERTZ_INCHES, 0.6, 0.36

    def panel_width() -> float:
        return (WIDE_INCHES - left - right - (columns - 1) * gap) / columns

    widest = max(text_inches(title, TITLE_POINTS) for title in column_titles)
    slanted = widest > panel_width()
    top = 0.22
    if slanted:  # the last title reaches beyond its panel
        reach = widest * np.cos(np.radians(_SLANT_DEGREES)) - panel_width() / 2
        right = max(right, reach + 0.1)
        top += widest * np.sin(np.radians(_SLANT_DEGREES))
    tallest = (PAGE_INCHES - bottom - top - (rows - 1) * gap) / rows
    panel_height = float(np.clip(panel_width(), 0.3, max(tallest, 0.3)))
    if rows == 1:
        panel_height = max(panel_height, 0.7)  # room for the colour bar's name
    return Grid(
        rows,
        columns,
        panel_width(),
        panel_height,
        gap,
        left=left,
        right=right,
        bottom=bottom,
        top=top,
    ), slanted


def _plate_axes(
    figure: Figure,
    grid: Grid,
    axes: np.ndarray,
    titles_end: float,
    ends: tuple[float, float],
) -> None:
    """Ticks of all panels up to `ends`, seconds and hertz, and the axes' names once."""
    for name, inches, end in (
        ("xaxis", grid.panel_width, ends[0]),
        ("yaxis", grid.panel_height, ends[1]),
    ):
        ticks = MaxNLocator(3 if inches < 1.0 else 4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, end)
        # One near the end would touch the first one of the panel beside it.
        ticks = [tick for tick in ticks if 0.0 <= tick <= 0.85 * end]
        for panel in axes.flat:
            getattr(panel, name).set_ticks(ticks)
            getattr(panel, name).set_major_formatter("{x:g}")
    figure.text(
        (titles_end + 0.1) / WIDE_INCHES,
        (grid.bottom + grid.panels_height / 2) / grid.height,
        "frequency (Hz)",
        rotation="vertical",
        ha="left",
        va="center",
        fontsize=SMALL_POINTS,
    )
    figure.text(
        (grid.left + WIDE_INCHES - grid.right) / 2 / WIDE_INCHES,
        0.05 / grid.height,
        "time (s)",
        ha="center",
        va="bottom",
        fontsize=SMALL_POINTS,
    )


def _plate_bar(figure: Figure, grid: Grid, image: AxesImage) -> None:
    tall = min(grid.panels_height, 2.5)
    middle = grid.bottom + grid.panels_height / 2
    left = WIDE_INCHES - grid.right + 0.08
    bar_axes = figure.add_axes(grid.place(left, middle - tall / 2, 0.08, tall))
    bar = figure.colorbar(image, cax=bar_axes)
    print_bar(bar)
    text = "dB, peak at 0" if tall < 1.4 else "magnitude (dB, peak at 0)"
    bar.set_label(text, fontsize=SMALL_POINTS, labelpad=3.0)
    bar_axes.yaxis.set_major_locator(MaxNLocator(4))


def _row_title(panel: Axes, title: str, x: float, ha: str, **style) -> None:
    """Writes beside a panel, at x as a fraction of the figure."""
    panel.annotate(
        title,
        (x, 0.5),
        xycoords=("figure fraction", "axes fraction"),
        ha=ha,
        va="center",
        parse_math=False,
        **style,
    )


def _checked(spectrograms, row_titles, column_titles, dynamic_range_db) -> np.ndarray:
    spectrograms = np.asarray(spectrograms, np.float32)
    rows, columns = len(row_titles), len(column_titles)
    if spectrograms.ndim != 4 or spectrograms.shape[:2] != (rows, columns) or not rows * columns:
        raise ValueError(
            f"spectrograms must be [{rows} row_titles, {columns} column_titles, bins, frames] and "
            f"hold one panel at least, got shape {spectrograms.shape}"
        )
    if not dynamic_range_db > 0.0:
        raise ValueError(f"dynamic_range_db must be positive, got {dynamic_range_db}")
    return spectrograms


def _draw(
    panel: Axes,
    spectrogram: np.ndarray,
    seconds: float,
    sample_rate_hz: int,
    dynamic_range_db: float,
) -> AxesImage:
    """One spectrogram [bins, frames] in dB, or the word "none" where it is not finite."""
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
    return image
