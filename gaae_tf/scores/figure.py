"""The one form of a figure in `scores.json`: how it is written, read and shown.

    value             a number, or null
    reason            why the value is null
    interval_95       [low, high], of a share (Wilson's)
    deviation         a number; null where there is none, with `deviation_reason`
    deviation_is      what the deviation is, and over what
    clips             how many clips it rests on, or [clips, reference clips]
    splits            parts that the clips were divided into
    rule              how it is measured, where the name does not tell

and what else belongs to a measure, such as `neighbours` or `training_clips`. Shares lie in [0, 1].
Which scorer, data set, seed, vocoder and versions all figures come from stands once, in
`provenance`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gaae_tf.metrics.intervals import wilson_interval
from gaae_tf.scores.measure import Key, Measure

Figure = dict[str, Any]

NOT_MEASURED = "not measured"


def absent(reason: str, **known: Any) -> Figure:
    """A figure that cannot be had, and why."""
    return {"value": None, "reason": reason, **known}


def spread(value: float, deviation: float, deviation_is: str, **known: Any) -> Figure:
    """A figure with its deviation, and what that is."""
    return {"value": value, "deviation": deviation, "deviation_is": deviation_is, **known}


def single(value: float, reason: str, **known: Any) -> Figure:
    """A figure without a deviation, and why it has none."""
    return {"value": value, "deviation": None, "deviation_reason": reason, **known}


def measured(measure: Callable[[], tuple[float, float]], deviation_is: str, **known: Any) -> Figure:
    """The figure of a measure that gives a value and its deviation, or why it cannot be had.

    Args:
        measure: raises ValueError, with the reason, where there is no value.
        deviation_is: what its deviation is.
        known: what stands beside it either way: numbers of clips, say.
    """
    try:
        value, deviation = measure()
    except ValueError as error:
        return absent(str(error), **known)
    return spread(value, deviation, deviation_is, **known)


def share(found: np.ndarray, of: str = "") -> Figure:
    """Share of clips of which something is true, bool [clips], with its 95 % Wilson interval.

    `of` says, for the reason, which clips these would be: "of class low".
    """
    if not len(found):
        return absent(f"no sample has a label {of}".rstrip())
    return {
        "value": float(found.mean()),
        "interval_95": list(wilson_interval(int(found.sum()), len(found))),
        "clips": len(found),
    }


def at(scores: Mapping[str, Any], key: Key, name: str = "scores.json") -> Any:
    """What lies under a key, None where a part of the key is missing.

    Args:
        scores: what a `scores.json` holds; sections may be missing.
        key: names, from outside in.
        name: of the run, for the message.

    Raises:
        ValueError: something on the way is not an object.
    """
    node: Any = scores
    for depth, part in enumerate(key):
        if not isinstance(node, Mapping):
            raise ValueError(
                f"{name}: {'.'.join(key[:depth])} must be an object; it is {node!r:.60}"
            )
        if part not in node:
            return None
        node = node[part]
    return node


def read(scores: Mapping[str, Any], key: Key, name: str = "scores.json") -> Figure:
    """The figure under a key, checked; `NOT_MEASURED` is the reason of one that is not there.

    Of a probe of codes, the key's end names the classifier whose accuracy it is. Plain numbers, as
    of labels or validation, are figures too.

    Args:
        scores: what a `scores.json` holds; sections may be missing.
        key: as `catalogue.Measure` has it.
        name: of the run, for the message.

    Raises:
        ValueError: it is no figure; the message names run and key.
    """
    where = f"{name}: {'.'.join(key)}"
    if key[-1] in ("linear", "neighbours"):
        figure = _of_probe(at(scores, key[:-1], name), key[-1])
    else:
        figure = at(scores, key, name)
    if figure is None:
        return absent(NOT_MEASURED)
    plain = key[0] == "provenance" or key[:2] == ("details", "validation")
    if plain and not isinstance(figure, Mapping):
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


def _of_probe(probe: Any, classifier: str) -> Any:
    """A probe's accuracy by one of its two classifiers, as a figure."""
    if not isinstance(probe, Mapping):
        return probe
    figure = {name: probe[name] for name in ("clips", "reason") if name in probe}
    if f"{classifier}_interval_95" in probe:
        figure["interval_95"] = probe[f"{classifier}_interval_95"]
    return {**figure, "value": probe.get(classifier)}


def number(value: Any, where: str) -> float:
    """A finite number of a file.

    Raises:
        ValueError: it is none; the message begins with `where`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{where} must be a finite number or null; it is {value!r:.60}")
    return float(value)


def clips_text(figure: Mapping[str, Any] | None) -> str:
    """Numbers of clips of a figure: "80, 8 a split", "80 against 60"; "" where it has none."""
    figure = figure or {}
    clips, splits = figure.get("clips"), figure.get("splits")
    text = " against ".join(
        f"{one:,}" if isinstance(one, int) and one < 1 << 53 else str(one)[:60]
        for one in (clips if isinstance(clips, list) else [clips])
        if one is not None
    )
    known = isinstance(clips, int) and isinstance(splits, int)
    if known and 0 < splits <= clips < 1 << 53:  # a stranger's file may say anything
        text += f", {clips / splits:,.5g} a split"
    return text


def rounded(value: float, decimals: int) -> str:
    """A number for reading: fewer digits of large ones, more of small ones; a true minus sign."""
    text = f"{value:,.{decimals if abs(value) < 1000 else 0}f}"
    if abs(value) >= 1e6 or (value and not float(text.replace(",", ""))):
        text = f"{value:.2g}"
    return text.replace("-", "−")


def shown(figure: Mapping[str, Any], measure: Measure) -> tuple[str, str]:
    """A figure for reading: its value, and its deviation or interval or nothing, without unit.

    The value of one that cannot be had is "–".
    """
    if figure["value"] is None:
        return "–", ""

    def form(value: float) -> str:
        return rounded(measure.factor * value, measure.decimals)

    deviation, interval = figure.get("deviation"), figure.get("interval_95")
    if deviation is not None and (deviation or measure.decimals):
        return form(figure["value"]), f"± {form(deviation)}"
    if interval is not None:
        return form(figure["value"]), f"({form(interval[0])}–{form(interval[1])})"
    return form(figure["value"]), ""
