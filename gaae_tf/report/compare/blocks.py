"""Blocks of a comparison: which rows compare, and the yardstick of real test clips beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gaae_tf.report.compare.cells import joined
from gaae_tf.report.compare.runs import (
    System,
    about,
    on_dataset,
    scored_by,
    scorer_id,
    text_of,
    thousands,
)
from gaae_tf.report.compare.table import Block, Cell, Row
from gaae_tf.scores.catalogue import EQUAL_COUNT, Measure
from gaae_tf.scores.figure import NOT_MEASURED, read


def block(
    systems: Sequence[System],
    title: str,
    context: Mapping[str, str],
    groups: Mapping[str, tuple[Measure, ...]],
    yardsticks: Callable[..., Sequence[Row]] = lambda *_: (),
) -> Block:
    """A block of these systems, without the columns that nobody measured.

    Args:
        systems: the rows.
        title: what they have in common.
        context: the same by name.
        groups: columns by title.
        yardsticks: makes further rows of systems and groups.
    """
    rows = [
        Row(
            system.name,
            {m.key: joined(system.runs, m.key) for group in groups.values() for m in group},
            about(system.runs),
        )
        for system in systems
    ]
    rows += yardsticks(systems, groups)
    kept = {}
    for name, group in groups.items():
        # A column that nobody measured says nothing.
        kept[name] = tuple(
            measure
            for measure in group
            if any(
                row.cells[measure.key].reason != NOT_MEASURED for row in rows if not row.yardstick
            )
        )
    return Block(title, context, {n: group for n, group in kept.items() if group}, tuple(rows))


def real_test(systems: Sequence[System], groups: Mapping[str, Sequence[Measure]]) -> list[Row]:
    """The real test clips themselves, as the first run that has them scored them."""
    runs = [run for system in systems for run in system.runs if run.at(("details", "real_test"))]
    if not runs:
        return []
    cells = {}
    for group in groups.values():
        for measure in group:
            part, *rest = measure.key[2:]
            at = rest if part == EQUAL_COUNT else (part, *rest)
            equal = ("details", "samples", EQUAL_COUNT, *at)
            cell = joined(runs[:1], ("details", "real_test", *at))
            if part != EQUAL_COUNT and any(run.at(equal) for s in systems for run in s.runs):
                cell = Cell(None, reason="compares only with as many sounds")
            elif part == "against_real_test":
                cell = Cell(None, reason="they are the reference")
            elif part == "memorisation":
                cell = Cell(None, reason="5 % by the measure's rule")
            cells[measure.key] = cell
    return [Row("real test clips", cells, {"figures of": runs[0].name}, yardstick=True)]


def measured(systems: Sequence[System], groups: Mapping[str, Sequence[Measure]]) -> bool:
    """Whether any of the systems' runs tells of any of the measures, a reason for none included."""
    return any(
        read(run.scores, measure.key, run.name).get("reason") != NOT_MEASURED
        for system in systems
        for run in system.runs
        for group in groups.values()
        for measure in group
    )


def by_scorer(
    systems: Sequence[System],
) -> Iterator[tuple[str, dict[str, str], list[System]]]:
    """Systems of one scorer, data set and number of sounds, with what says so."""
    for members in _grouped(
        systems,
        lambda run: (
            scorer_id(run),
            text_of(run, "guidance_dataset", "id"),
            text_of(run, "samples"),
            text_of(run, "test_clips"),
        ),
    ):
        title, context = scored_by(members[0].runs[0])
        yield f"{title}; {thousands(context['sounds'])} sounds", context, members


def by_dataset(
    systems: Sequence[System], which: str
) -> Iterator[tuple[str, dict[str, str], list[System]]]:
    """Systems of one data set, with what says so."""
    for members in _grouped(systems, lambda run: (text_of(run, which, "id"),)):
        title, context = on_dataset(members[0].runs[0], which)
        yield title, context, members


def _grouped(systems: Sequence[System], key) -> list[list[System]]:
    """Systems of equal keys together; one that lacks a part of its key stands alone."""
    groups: dict[Any, list[System]] = {}
    for system in systems:
        found = key(system.runs[0])
        groups.setdefault(found if all(found) else (*found, system.name), []).append(system)
    return list(groups.values())
