"""A page's scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from gaae_tf.report.page.contents import Score
from gaae_tf.report.page.elements import listing, node


def score_table(scores: Sequence[Score]) -> ElementTree.Element:
    """A table of scores; where each comes from unfolds below it."""
    body = []
    for i, score in enumerate(scores):
        name: list[str | ElementTree.Element] = [score.name]
        if score.better:
            arrow, hint = ("↑", "higher") if score.better == "higher" else ("↓", "lower")
            name.append(
                node("span", arrow, class_="better", role="img", aria_label=f"{hint} is better")
            )
        if score.provenance:
            name = [
                node(
                    "button",
                    *name,
                    type="button",
                    class_="more",
                    aria_expanded="true",
                    aria_controls=f"provenance-{i}",
                )
            ]
        body.append(
            node(
                "tr",
                node("th", *name, scope="row"),
                node("td", *_score_value(score), class_="value"),
                node(
                    "td",
                    *(
                        node("div", _number(value, score), node("small", " ", kind))
                        for kind, value in score.yardsticks.items()
                    ),
                ),
            )
        )
        if score.provenance:
            body.append(
                node(
                    "tr",
                    node("td", listing("provenance", score.provenance), colspan=3),
                    id=f"provenance-{i}",
                    class_="provenance",
                )
            )
    titles = ("Measure", "Value", "For comparison")
    return node(
        "table",
        node("thead", node("tr", *(node("th", title, scope="col") for title in titles))),
        node("tbody", *body),
        class_="scores",
    )


def _score_value(score: Score) -> Iterable[str | ElementTree.Element]:
    if score.value is None:
        yield node("span", f"none: {score.reason}", class_="missing")
        return
    yield node("strong", _number(score.value, score))
    if score.interval is not None:
        low, high = (_digits(end, score.decimals) for end in score.interval)
        yield node("small", f" {low} to {high}")
    elif score.deviation is not None:
        yield node("small", f" ± {_digits(score.deviation, score.decimals)}")


def _number(value: float, score: Score) -> str:
    unit = f"\N{NO-BREAK SPACE}{score.unit}" if score.unit else ""
    return _digits(value, score.decimals) + unit


def _digits(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")
