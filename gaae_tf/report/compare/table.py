"""The form of a comparison: tables of blocks of rows, whose cells hold figures.

Only rows of one block compare: those of the same scorer, data set and number of sounds, as far as
the table's figures depend on them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gaae_tf.scores.catalogue import Key, Measure


@dataclasses.dataclass(frozen=True)
class Cell:
    """A figure of a row; shares are in [0, 1].

    Attributes:
        value: the run's, or the mean over runs; None where it cannot be had.
        deviation: over runs, sample standard deviation; of one run its own. None where unknown.
        interval: of one run, ends of its 95 % interval.
        values: of each run.
        reason: why there is no value.
        basis: what must be equal in cells that compare.
        clips: numbers of clips it rests on, for reading: "80", "80 against 60".
    """

    value: float | None
    deviation: float | None = None
    interval: tuple[float, float] | None = None
    values: tuple[float, ...] = ()
    reason: str = ""
    basis: str = ""
    clips: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a block.

    Attributes:
        name: of the system, or of the yardstick.
        cells: one for each measure of the block, by its key.
        about: the run's seed, vocoder, step and the like, for notes; by name.
        yardstick: whether it is real data or chance, which no system competes with.
    """

    name: str
    cells: Mapping[Key, Cell]
    about: Mapping[str, str]
    yardstick: bool = False


@dataclasses.dataclass(frozen=True)
class Block:
    """Rows that compare.

    Attributes:
        title: what they have in common: scorer, data set, sounds.
        context: the same by name, for CSV.
        groups: columns that are shown together, by title.
        rows: systems, and yardsticks after them.
    """

    title: str
    context: Mapping[str, str]
    groups: Mapping[str, tuple[Measure, ...]]
    rows: tuple[Row, ...]

    def best(self, measure: Measure) -> frozenset[int]:
        """Indices of the rows whose value is the best.

        Empty where fewer than two rows have a value, where these rest on different numbers of
        clips, or where neither direction is better.
        """
        found = {
            index: row.cells[measure.key]
            for index, row in enumerate(self.rows)
            if not row.yardstick and row.cells[measure.key].value is not None
        }
        if not measure.better or len(found) < 2 or len({c.basis for c in found.values()}) > 1:
            return frozenset()
        values = [cell.value for cell in found.values()]
        best = max(values) if measure.better == "higher" else min(values)
        return frozenset(index for index, cell in found.items() if cell.value == best)


@dataclasses.dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: of its files.
        title: for reading.
        blocks: one at least.
        notes: sentences that belong below it.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
