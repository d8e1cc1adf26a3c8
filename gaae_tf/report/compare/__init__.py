"""Evaluated runs side by side: what `scores.json` files say, put into tables (METHOD §8).

`compare.text` writes the tables, `compare.pictures` draws them, `compare.write` makes the files.
"""

from gaae_tf.report.compare.cells import joined
from gaae_tf.report.compare.layout import tables
from gaae_tf.report.compare.runs import (
    Run,
    System,
    check_systems,
    on_dataset,
    read_systems,
    scored_by,
)
from gaae_tf.report.compare.table import Block, Cell, Row, Table

__all__ = [
    "Block",
    "Cell",
    "Row",
    "Run",
    "System",
    "Table",
    "check_systems",
    "joined",
    "on_dataset",
    "read_systems",
    "scored_by",
    "tables",
]
