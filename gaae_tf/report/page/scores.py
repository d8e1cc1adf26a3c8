"""A page's scores: a few large ones, and the table of all, folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree

from gaae_tf.report.page.contents import Score
from gaae_tf.report.page.elements import fold, listing, node

_LARGE = 6


def score_blocks(scores: Sequence[Score]) -> Iterator[ElementTree.Element]:
    """The large scores, the first six where none is meant to be large, and the table of all."""
    known = [score for score in scores if score.value is not None]
    large = [score for score in known if score.large] or known[:_LARGE]
    if large:
        yield node("ul", *map(_tile, large), class_="tiles")
    yield fold("All scores, and where they come from", len(scores), _table(scores))


def _tile(score: Score) -> ElementTree.Element:
    parts = [node("h3", *_name(score)), node("p", *_value(score), class_="value")]
    if score.yardsticks:
        parts.append(_yardsticks(score, "ul", "li"))
    if score.explanation:
        parts.append(node("p", score.explanation, class_="note"))
    return node("li", *parts)


def _table(scores: Sequence[Score]) -> ElementTree.Element:
    bodies: dict[str, list[ElementTree.Element]] = {}
    for i, score in enumerate(scores):
        bodies.setdefault(score.group, []).extend(_rows(score, i))
    titles = ("Measure", "Value", "For comparison")
    return node(
        "table",
        node(
            "thead",
            node(
                "tr", *(node("th", t, scope="col", role="columnheader") for t in titles), role="row"
            ),
            role="rowgroup",
        ),
        *(
            node("tbody", *([_group_row(name)] if name else []), *rows, role="rowgroup")
            for name, rows in bodies.items()
        ),
        class_="scores",
        role="table",  # on a telephone it is laid out as blocks, which would take the role away
    )


def _group_row(name: str) -> ElementTree.Element:
    head = node("th", name, colspan=3, scope="rowgroup", role="rowheader")
    return node("tr", head, class_="group", role="row")


def _rows(score: Score, number: int) -> Iterator[ElementTree.Element]:
    """A score's row, and the one that unfolds below it."""
    name = _name(score)
    more = [node("p", score.explanation)] if score.explanation else []
    if score.provenance:
        more.append(listing("provenance", score.provenance))
    if more:
        name = [
            node(
                "button",
                *name,
                type="button",
                class_="more",
                aria_expanded="true",
                aria_controls=f"provenance-{number}",
            )
        ]
    yield node(
        "tr",
        node("th", *name, scope="row", role="rowheader"),
        node("td", *_value(score), class_="value", role="cell"),
        node("td", *([_yardsticks(score, "div", "div")] if score.yardsticks else []), role="cell"),
        role="row",
    )
    if more:
        cell = node("td", *more, colspan=3, role="cell")
        yield node("tr", cell, id=f"provenance-{number}", class_="provenance", role="row")


def _name(score: Score) -> list[str | ElementTree.Element]:
    if not score.better:
        return [score.name]
    arrow, hint = ("↑", "higher") if score.better == "higher" else ("↓", "lower")
    return [
        score.name,
        node("span", arrow, class_="better", role="img", aria_label=f"{hint} is better"),
    ]


def _value(score: Score) -> Iterable[str | ElementTree.Element]:
    if score.value is None:
        yield node("span", f"none: {score.reason}", class_="missing")
        return
    yield node("strong", _number(score.value, score))
    if score.interval is not None:
        low, high = (_digits(end, score.decimals) for end in score.interval)
        yield node("small", f" {low} to {high}")
    elif score.deviation is not None:
        yield node("small", f" ± {_digits(score.deviation, score.decimals)}")


def _yardsticks(score: Score, outer: str, inner: str) -> ElementTree.Element:
    entries = (
        node(inner, _number(value, score), node("small", " ", kind))
        for kind, value in score.yardsticks.items()
    )
    return node(outer, *entries, class_="yardsticks")


def _number(value: float, score: Score) -> str:
    unit = f"\N{NO-BREAK SPACE}{score.unit}" if score.unit else ""
    return _digits(value, score.decimals) + unit


def _digits(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")
