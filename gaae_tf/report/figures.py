"""Pictures of spectrograms, for TensorBoard, the run folder, the report and papers.

Figures are made without pyplot: nothing global, no window, no figure left open. Names of classes
and files are written as they are: a dollar sign in one begins no formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from gaae_tf.files import written_whole

# Widths of a paper's text and of one of its two columns, and the largest height of its text.
WIDE_INCHES, NARROW_INCHES, PAGE_INCHES = 17.6 / 2.54, 8.5 / 2.54, 22.0 / 2.54
SMALL_POINTS, TITLE_POINTS = 6.5, 7.5  # at those widths
LONGEST_NAME = 24  # letters that are written of a name

# Perceptually uniform, told apart by colour-blind readers, and dark where there is no sound.
_COLOUR_MAP = "magma"
_PANEL_INCHES = (1.3, 1.3)
_GAP_INCHES = 0.15
# Room for row titles and hertz, seconds, the colour bar, column titles and title. Fixed, because
# matplotlib's own layout draws everything several times over.
_LEFT_INCHES, _BOTTOM_INCHES, _RIGHT_INCHES, _TOP_INCHES = 0.95, 0.5, 0.9, 0.6
_SLANT_DEGREES = 35.0


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
    panel_width, panel_height = _PANEL_INCHES
    grid_width = columns * panel_width + (columns - 1) * _GAP_INCHES
    grid_height = rows * panel_height + (rows - 1) * _GAP_INCHES
    width = _LEFT_INCHES + grid_width + _RIGHT_INCHES
    height = _BOTTOM_INCHES + grid_height + _TOP_INCHES
    right, top = 1.0 - _RIGHT_INCHES / width, 1.0 - _TOP_INCHES / height
    figure = Figure(figsize=(width, height), dpi=100)
    # Shared axes tell each other of every limit: with 50 rows that took minutes.
    axes = figure.subplots(
        rows,
        columns,
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
            image = _draw(
                panel, spectrograms[row, column], seconds, sample_rate_hz, dynamic_range_db
            )
            panel.tick_params(labelsize=7)
            panel.xaxis.set_major_locator(MaxNLocator(3))
            panel.yaxis.set_major_locator(MaxNLocator(4))
            panel.label_outer()
            if row == 0:
                panel.set_title(column_title, fontsize=9, parse_math=False)
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
                    parse_math=False,
                )
    bar_axes = figure.add_axes(
        (right + 0.12 / width, _BOTTOM_INCHES / height, 0.12 / width, grid_height / height)
    )
    bar = figure.colorbar(image, cax=bar_axes)
    bar.set_label("magnitude (dB, peak at 0)", fontsize=8)
    bar_axes.tick_params(labelsize=7)
    if title:
        figure.suptitle(title, fontsize=10, y=1.0 - 0.1 / height, va="top", parse_math=False)
    return figure


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
    rows, columns = spectrograms.shape[:2]
    seconds = spectrograms.shape[3] * hop_samples / sample_rate_hz
    row_titles = [short(title) for title in row_titles]
    column_titles = [short(title) for title in column_titles]
    gap, bottom, right = 0.06, 0.36, 0.6
    titles_width = max(text_inches(title, TITLE_POINTS) for title in row_titles)
    left = 0.06 + titles_width + 0.6  # hertz and their name
    panel_width = (WIDE_INCHES - left - right - (columns - 1) * gap) / columns
    widest = max(text_inches(title, TITLE_POINTS) for title in column_titles)
    slanted = widest > panel_width
    if slanted:  # the last title reaches beyond its panel
        reach = widest * np.cos(np.radians(_SLANT_DEGREES)) - panel_width / 2
        right = max(right, reach + 0.1)
        panel_width = (WIDE_INCHES - left - right - (columns - 1) * gap) / columns
    top = 0.22 + (widest * np.sin(np.radians(_SLANT_DEGREES)) if slanted else 0.0)
    tallest = (PAGE_INCHES - bottom - top - (rows - 1) * gap) / rows
    panel_height = float(np.clip(panel_width, 0.3, max(tallest, 0.3)))
    if rows == 1:
        panel_height = max(panel_height, 0.7)  # room for the colour bar's name
    grid_height = rows * panel_height + (rows - 1) * gap
    height = bottom + grid_height + top
    figure = Figure(figsize=(WIDE_INCHES, height), dpi=100)
    axes = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": left / WIDE_INCHES,
            "right": 1.0 - right / WIDE_INCHES,
            "bottom": bottom / height,
            "top": 1.0 - top / height,
            "wspace": gap / panel_width,
            "hspace": gap / panel_height,
        },
    )
    for (row, column), panel in np.ndenumerate(axes):
        image = _draw(panel, spectrograms[row, column], seconds, sample_rate_hz, dynamic_range_db)
        panel.tick_params(labelsize=SMALL_POINTS, length=2.0, width=0.5, pad=1.5)
        panel.spines[:].set_linewidth(0.5)
        if row == 0:
            panel.set_title(
                column_titles[column],
                fontsize=TITLE_POINTS,
                pad=3.0,
                parse_math=False,
                **(
                    {"rotation": _SLANT_DEGREES, "ha": "left", "rotation_mode": "anchor"}
                    if slanted
                    else {}
                ),
            )
        panel.label_outer()
        if column == 0:
            panel.annotate(
                row_titles[row],
                ((0.06 + titles_width) / WIDE_INCHES, 0.5),
                xycoords=("figure fraction", "axes fraction"),
                ha="right",
                va="center",
                fontsize=TITLE_POINTS,
                parse_math=False,
            )
    for name, inches, end in (
        ("xaxis", panel_width, seconds),
        ("yaxis", panel_height, sample_rate_hz / 2),
    ):
        ticks = MaxNLocator(3 if inches < 1.0 else 4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, end)
        # One near the end would touch the first one of the panel beside it.
        ticks = [tick for tick in ticks if 0.0 <= tick <= 0.85 * end]
        for panel in axes.flat:
            getattr(panel, name).set_ticks(ticks)
            getattr(panel, name).set_major_formatter("{x:g}")
    middle = bottom + grid_height / 2
    figure.text(
        (0.16 + titles_width) / WIDE_INCHES,
        middle / height,
        "frequency (Hz)",
        rotation="vertical",
        ha="left",
        va="center",
        fontsize=SMALL_POINTS,
    )
    figure.text(
        (left + WIDE_INCHES - right) / 2 / WIDE_INCHES,
        0.05 / height,
        "time (s)",
        ha="center",
        va="bottom",
        fontsize=SMALL_POINTS,
    )
    bar_height = min(grid_height, 2.5)
    bar_axes = figure.add_axes(
        (
            1.0 - (right - 0.08) / WIDE_INCHES,
            (middle - bar_height / 2) / height,
            0.08 / WIDE_INCHES,
            bar_height / height,
        )
    )
    bar = figure.colorbar(image, cax=bar_axes)
    bar.solids.set_edgecolor("face")  # no hairlines in PDF viewers
    bar.outline.set_linewidth(0.5)
    bar.set_label(
        "dB, peak at 0" if bar_height < 1.4 else "magnitude (dB, peak at 0)",
        fontsize=SMALL_POINTS,
        labelpad=3.0,
    )
    bar_axes.tick_params(labelsize=SMALL_POINTS, length=2.0, width=0.5, pad=1.5)
    bar_axes.yaxis.set_major_locator(MaxNLocator(4))
    return figure


def text_inches(text: str, points: float) -> float:
    """How wide a line of text is in the figures' font."""
    font = FontProperties(size=points)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72.0


def short(name: str) -> str:
    """The name's beginning; letters of file names that are no text show as question marks."""
    name = name.encode("utf-8", errors="replace").decode()
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def figure_to_rgb(figure: Figure) -> np.ndarray:
    """The drawn figure as uint8 [height, width, 3]."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save(figure: Figure, path: str | Path, dpi: int = 150) -> None:
    """Writes the figure, whole or not at all, in the format of the suffix (.png, .svg, .pdf).

    Equal figures give equal PNG and PDF files. In a PDF all but spectrograms are vectors, and
    letters are embedded TrueType outlines, as printers ask.

    Args:
        figure: what to write.
        path: where to.
        dpi: pixels an inch, of pictures within a PDF too.

    Raises:
        ValueError: matplotlib writes no format of that suffix.
    """
    path = Path(path)
    undated = {"CreationDate": None} if path.suffix == ".pdf" else None
    with matplotlib.rc_context({"pdf.fonttype": 42}), written_whole(path) as temporary:
        figure.savefig(temporary, dpi=dpi, metadata=undated)


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
