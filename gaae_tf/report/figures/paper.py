"""What figures for paper and screen share: widths, letters, panels in inches, and their files.

Figures are made without pyplot: nothing global, no window, no figure left open. Names of classes
and files are written as they are: a dollar sign in one begins no formula.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from gaae_tf.files import written_whole
from gaae_tf.report.figures.fonts import drawable, families, without_warnings

# Widths of a paper's text and of one of its two columns, and the largest height of its text.
WIDE_INCHES, NARROW_INCHES, PAGE_INCHES = 17.6 / 2.54, 8.5 / 2.54, 22.0 / 2.54
SMALL_POINTS, TITLE_POINTS = 6.5, 7.5  # at those widths
LONGEST_NAME = 24  # letters that are written of a name


@dataclasses.dataclass(frozen=True)
class Grid:
    """Equal panels in rows and columns, with room around them; all lengths in inches.

    The room is fixed, because matplotlib's own layout draws everything several times over.

    Attributes:
        rows: of panels.
        columns: of panels.
        panel_width: of one panel.
        panel_height: of one panel.
        gap: between panels.
        left: room left of the panels.
        right: room right of them.
        bottom: room below them.
        top: room above them.
    """

    rows: int
    columns: int
    panel_width: float
    panel_height: float
    gap: float
    left: float
    right: float
    bottom: float
    top: float

    @property
    def panels_width(self) -> float:
        """From the first panel's left edge to the last one's right edge."""
        return self.columns * self.panel_width + (self.columns - 1) * self.gap

    @property
    def panels_height(self) -> float:
        """From the lowest panel's lower edge to the highest one's upper edge."""
        return self.rows * self.panel_height + (self.rows - 1) * self.gap

    @property
    def width(self) -> float:
        """Of the whole figure."""
        return self.left + self.panels_width + self.right

    @property
    def height(self) -> float:
        """Of the whole figure."""
        return self.bottom + self.panels_height + self.top

    def subplots(self) -> tuple[Figure, np.ndarray]:
        """The figure and its panels, Axes [rows, columns]."""
        figure = Figure(figsize=(self.width, self.height), dpi=100)
        # Shared axes tell each other of every limit: with 50 rows that took minutes.
        axes = figure.subplots(
            self.rows,
            self.columns,
            squeeze=False,
            gridspec_kw={
                "left": self.left / self.width,
                "right": 1.0 - self.right / self.width,
                "bottom": self.bottom / self.height,
                "top": 1.0 - self.top / self.height,
                "wspace": self.gap / self.panel_width,
                "hspace": self.gap / self.panel_height,
            },
        )
        return figure, axes

    def place(self, left: float, bottom: float, width: float, height: float) -> tuple[float, ...]:
        """A rectangle in inches as the fractions of the figure that `add_axes` takes."""
        return left / self.width, bottom / self.height, width / self.width, height / self.height


def for_print(axes: Axes) -> None:
    """Thin ticks and small letters, for the width of a paper."""
    axes.tick_params(labelsize=SMALL_POINTS, length=2.0, width=0.5, pad=1.5)
    axes.spines[:].set_linewidth(0.5)


def print_bar(bar: Colorbar) -> None:
    """A colour bar for print: its thin frame, and no hairlines in PDF viewers."""
    bar.solids.set_edgecolor("face")
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(labelsize=SMALL_POINTS, length=2.0, width=0.5, pad=1.5)


def text_inches(text: str, points: float) -> float:
    """How wide a line of text is in the figures' font."""
    font = FontProperties(family=families(text), size=points)
    with without_warnings():
        return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72.0


def short(name: str) -> str:
    """The name's beginning; letters of file names that are no text show as question marks."""
    name = name.encode("utf-8", errors="replace").decode()
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def figure_to_rgb(figure: Figure) -> np.ndarray:
    """The drawn figure as uint8 [height, width, 3]."""
    canvas = FigureCanvasAgg(figure)
    with drawable(figure):
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
    with (
        matplotlib.rc_context({"pdf.fonttype": 42}),
        written_whole(path) as temporary,
        drawable(figure),
    ):
        figure.savefig(temporary, dpi=dpi, metadata=undated)
