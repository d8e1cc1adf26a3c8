"""A page's charts and figures, and the data that its script draws them of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.etree import ElementTree

import numpy as np

from gaae_tf.report.page.contents import Curve, PageContents, Picture, PointSet
from gaae_tf.report.page.elements import fold, node, text_of
from gaae_tf.report.page.media import Media

PICTURE_DPI = 300  # what printers ask for


def point_figure(points: PointSet, number: int) -> ElementTree.Element:
    """The frame of a plot of codes; `point_data` of the same number fills it."""
    readout = f"readout-{number}"
    parts = [node("figcaption", node("h3", points.name))]
    if points.note:
        parts[0].append(node("p", points.note, class_="note"))
    if points.labels:
        options = (node("option", name) for name in points.labels)
        parts.append(node("label", "Colour by ", node("select", *options)))
    parts.append(
        node(
            "div",
            node("canvas"),
            class_="plot",
            tabindex=0,
            role="application",
            aria_label=(
                f"{points.name}: {len(points.x)} points. Arrow keys move among them, Page Up and "
                "Page Down go through all, Enter plays."
            ),
            aria_describedby=readout,
        )
    )
    parts.append(node("div", class_="legend"))
    parts.append(node("p", class_="readout", id=readout, aria_live="polite"))
    return node("figure", *parts, class_="points", data_points=number)


def curve_groups(curves: Sequence[Curve]) -> Iterator[ElementTree.Element]:
    """Frames of all curves by their groups; groups after the first are folded."""
    groups: dict[str, list[ElementTree.Element]] = {}
    for i, curve in enumerate(curves):
        groups.setdefault(curve.group, []).append(_curve_figure(curve, i))
    for i, (name, figures) in enumerate(groups.items()):
        frames = node("div", *figures, class_="curves")
        if i:
            yield fold(name or "Others", len(figures), frames)
        else:
            yield from ([node("h3", name)] if name else [])
            yield frames


def _curve_figure(curve: Curve, number: int) -> ElementTree.Element:
    """The frame of a curve, with its last value; `curve_data` of the same number fills it."""
    finite = np.flatnonzero(np.isfinite(np.asarray(curve.values, np.float64)))
    last = "nowhere finite"
    if finite.size:
        value, step = curve.values[finite[-1]], int(curve.steps[finite[-1]])
        last = f"{value:.4g} at {step:,}".replace("-", "\N{MINUS SIGN}")
    caption = [node("span", curve.title or curve.name), node("small", last)]
    if curve.title:
        caption.insert(1, node("code", curve.name))
    return node(
        "figure",
        node("figcaption", *caption),
        node("div", node("canvas", role="img", aria_label=f"{curve.title or curve.name}: {last}")),
        data_curve=number,
    )


def picture_figure(picture: Picture) -> ElementTree.Element:
    """A figure for papers, shown small and linked in full size and as PDF."""
    png, pdf = (f"figures/{picture.name}.{suffix}" for suffix in ("png", "pdf"))
    width, height = np.round(picture.figure.get_size_inches() * PICTURE_DPI).astype(int)
    image = node(
        "img",
        src=png,
        alt=picture.title,
        width=width,
        height=height,
        loading="lazy",
        decoding="async",
    )
    return node(
        "figure",
        node("a", image, href=png),
        node(
            "figcaption",
            f"{picture.title} ",
            node("a", "PDF", href=pdf, aria_label=f"PDF: {picture.title}"),
        ),
    )


def curve_data(curve: Curve) -> dict:
    """What the script draws a curve of."""
    return {"steps": _numbers(curve.steps, digits=12), "values": _numbers(curve.values)}


def point_data(points: PointSet, contents: PageContents, media: Media) -> dict:
    """What the script draws a plot of codes of; the sounds of its points are written."""
    order = {sounds.name: i for i, sounds in enumerate(contents.classes)}
    return {
        "x": _numbers(points.x),
        "y": _numbers(points.y),
        "sounds": [media.add(sound, on_a_card=False)[0] for sound in points.sounds],
        "labels": [
            {"name": text_of(name)}
            | _label_data(f"{points.name!r}: labels[{name!r}]", values, order)
            for name, values in points.labels.items()
        ],
    }


def _label_data(what: str, values: Sequence, order: Mapping[str, int]) -> dict:
    """Numbers, or the categories' names and their index a point; classes stand in their order."""
    values = list(values)
    if all(isinstance(value, (str, type(None))) for value in values):
        names = {value for value in values if value is not None}
        names = sorted(names, key=lambda name: (order.get(name, len(order)), name))
        index = {name: i for i, name in enumerate(names)}
        return {
            "names": [text_of(name) for name in names],
            "values": [index.get(value) for value in values],
        }
    if any(isinstance(value, (str, bool, np.bool_, type(None))) for value in values):
        raise ValueError(f"{what} must be texts and None, or numbers, got both or truth values")
    return {"values": _numbers(values)}


def _numbers(values: Iterable[float], digits: int = 5) -> list[float | None]:
    """Numbers for JSON, rounded to keep the page small; None where not finite."""
    return [
        float(f"{value:.{digits}g}") if np.isfinite(value) else None
        for value in np.asarray(values, np.float64)
    ]
