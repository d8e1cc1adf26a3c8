"""Elements of HTML: texts are escaped when they are written, whatever they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from xml.etree import ElementTree


def node(tag: str, *children: str | ElementTree.Element, **attributes) -> ElementTree.Element:
    """An element; texts among its children and attributes are escaped when it is written."""
    element = ElementTree.Element(
        tag, {name.rstrip("_").replace("_", "-"): str(value) for name, value in attributes.items()}
    )
    for child in children:
        if not isinstance(child, str):
            element.append(child)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + child
        else:
            element.text = (element.text or "") + child
    return element


def markup(element: ElementTree.Element) -> str:
    """An element as HTML."""
    return ElementTree.tostring(element, encoding="unicode", method="html")


def group(name: str, *children: ElementTree.Element, class_: str) -> ElementTree.Element:
    """What the arrow keys move within."""
    return node("div", *children, class_=class_, role="group", aria_label=name, data_group="")


def fold(title: str, count: int, content: ElementTree.Element) -> ElementTree.Element:
    """Something that a reader may unfold; the count stands beside its title."""
    summary = node("summary", title, node("small", f" {count}"))
    return node("details", summary, content, class_="fold", aria_label=title)


def listing(class_: str, facts: Mapping[str, str]) -> ElementTree.Element:
    """Names and texts as a description list."""
    entries = (node("div", node("dt", name), node("dd", str(text))) for name, text in facts.items())
    return node("dl", *entries, class_=class_)


def text_of(text: str) -> str:
    """Leaves surrogates out, which file names may hold and UTF-8 cannot write."""
    return text.encode("utf-8", errors="replace").decode()


def script_json(data: dict) -> str:
    """JSON that ends no script element, whatever texts it holds."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
