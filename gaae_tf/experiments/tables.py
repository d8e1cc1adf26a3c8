"""The form of a table: a cell has what the paper printed, and what gives our figure beside it.

`published` has the paper's Tables I to VIII, its pictures and its sweeps in this form.
"""

from __future__ import annotations

import dataclasses

from gaae_tf.experiments.scales import Setting
from gaae_tf.scores.catalogue import Measure


@dataclasses.dataclass(frozen=True)
class Cell:
    """One figure of a table.

    Attributes:
        published: as the paper prints it, in its own units; "" where it prints none.
        setting: whose runs give ours; None where there is nothing to measure.
        measure: where in their scores it lies.
        of_data: whether it is a figure of real clips, the same whichever run of the data has it.
        scored_by: the setting whose guiding labels train the scorer, where not the run's own do.
    """

    published: str = ""
    setting: Setting | None = None
    measure: Measure | None = None
    of_data: bool = False
    scored_by: Setting | None = None


@dataclasses.dataclass(frozen=True)
class Column:
    """A column: a header, and what the published figures in it are by, "" where there are none."""

    header: str
    published_by: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of the paper, or a sweep in the same form.

    Attributes:
        name: what --table or --figure says.
        title: for reading.
        head: of the rows' names.
        columns: in order.
        rows: a name and a cell for each column.
        note: what belongs below it.
    """

    name: str
    title: str
    head: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    note: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, row by row."""
        return tuple(cell for _, cells in self.rows for cell in cells)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All settings whose scores the table shows, each once."""
        cells = [cell for cell in self.cells if cell.setting is not None]
        return tuple(
            dict.fromkeys(
                setting
                for cell in cells
                for setting in (cell.setting, cell.scored_by)
                if setting is not None
            )
        )

    @property
    def usefulness_seeds(self) -> int:
        """Trainings of each classifier that sounds teach: the paper's three where it needs them."""
        return 3 * any(cell.measure and "usefulness" in cell.measure.key for cell in self.cells)


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Pictures of the paper that an evaluated run's report holds, of one run for each data.

    Attributes:
        name: what --figure says.
        title: for reading.
        settings: whose runs draw them.
        files: patterns of file names in the run's report/figures.
        note: what the paper's has and these have not.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    files: tuple[str, ...]
    note: str = ""
