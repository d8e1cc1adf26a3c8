"""Cells of a comparison: a run's figure, or that of several runs together."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from gaae_tf.report.compare.runs import Run, number, thousands
from gaae_tf.report.compare.table import Cell, Key

# Of one figure, what must be equal for it to compare with another.
_BASIS = ("clips", "splits", "dimensions", "subset_clips", "neighbours", "training_clips", "unit")
NOT_MEASURED = "not measured"


def joined(runs: Sequence[Run], key: Key) -> Cell:
    """One run's figure, or the mean over several and their sample standard deviation.

    Raises:
        ValueError: a figure is malformed.
    """
    figures = [figure_of(run, key) for run in runs]
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
    clips = "; ".join(dict.fromkeys(text for text in map(_clips, figures) if text))
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


def _clips(figure: Mapping[str, Any]) -> str:
    """Numbers of clips of a figure for reading, "" where it does not tell them."""
    clips, splits = figure.get("clips"), figure.get("splits")
    text = " against ".join(
        thousands(str(number))
        for number in (clips if isinstance(clips, list) else [clips])
        if number is not None
    )
    known = isinstance(clips, int) and isinstance(splits, int)
    if known and 0 < splits <= clips < 1 << 53:  # a stranger's file may say anything
        text += f", {clips / splits:,.5g} a split"
    return text


def figure_of(run: Run, key: Key) -> dict[str, Any]:
    """A figure as {"value": ...}, checked; of a probe, the accuracy that the key's end names."""
    where = f"{run.name}: {'.'.join(key)}"
    if key[-1] in ("linear", "neighbours"):
        figure = run.at(key[:-1])
        if isinstance(figure, Mapping):
            known = {name: figure[name] for name in ("clips", "reason") if name in figure}
            figure = {**known, "value": figure.get(key[-1])}
    else:
        figure = run.at(key)
    if figure is None:
        return {"value": None, "reason": NOT_MEASURED}
    if key[0] == "provenance":
        figure = {"value": figure}
    if not isinstance(figure, Mapping) or "value" not in figure:
        raise ValueError(f"{where} must be an object with a value; it is {figure!r:.60}")
    figure = dict(figure)
    if figure["value"] is None:
        return figure
    figure["value"] = number(figure["value"], where)
    if figure.get("deviation") is not None:
        figure["deviation"] = number(figure["deviation"], f"{where}, its deviation,")
    interval = figure.get("interval_95")
    if interval is not None:
        if not isinstance(interval, Sequence) or len(interval) != 2:
            raise ValueError(f"{where}: interval_95 must be two numbers; it is {interval!r:.60}")
        figure["interval_95"] = tuple(number(end, f"{where}, its interval,") for end in interval)
    return figure
