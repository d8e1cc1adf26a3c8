"""Cells of a comparison: a run's figure, or that of several runs together."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence

from gaae_tf.report.compare.runs import Run
from gaae_tf.report.compare.table import Cell
from gaae_tf.scores.catalogue import Key
from gaae_tf.scores.figure import clips_text, read

# Of one figure, what must be equal for it to compare with another.
_BASIS = ("clips", "splits", "dimensions", "subset_clips", "neighbours", "training_clips", "unit")


def joined(runs: Sequence[Run], key: Key) -> Cell:
    """One run's figure, or the mean over several and their sample standard deviation.

    Raises:
        ValueError: a figure is malformed.
    """
    figures = [read(run.scores, key, run.name) for run in runs]
    lacking = {
        run.name: figure.get("reason") or "no reason given"
        for run, figure in zip(runs, figures, strict=True)
        if figure["value"] is None
    }
    if lacking:
        if len(lacking) == len(runs) and len(set(lacking.values())) == 1:
            return Cell(None, reason=next(iter(lacking.values())))
        return Cell(None, reason="; ".join(f"{name}: {why}" for name, why in lacking.items()))
    values = tuple(figure["value"] for figure in figures)
    bases = {
        json.dumps([figure.get(name) for name in _BASIS], sort_keys=True) for figure in figures
    }
    basis = "; ".join(sorted(bases))
    clips = "; ".join(dict.fromkeys(text for text in map(clips_text, figures) if text))
    if len(runs) > 1:
        return Cell(
            statistics.fmean(values),
            statistics.stdev(values),
            values=values,
            basis=basis,
            clips=clips,
        )
    (figure,) = figures
    interval = figure.get("interval_95")
    return Cell(values[0], figure.get("deviation"), interval, values, basis=basis, clips=clips)
