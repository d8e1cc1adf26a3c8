"""A page's sounds: of classes, styles in classes, interpolations."""

from __future__ import annotations

from xml.etree import ElementTree

from gaae_tf.report.page.contents import ClassSounds, Strip, StyleMatrix
from gaae_tf.report.page.elements import group, node
from gaae_tf.report.page.media import Media


def class_block(sounds: ClassSounds, media: Media) -> ElementTree.Element:
    """The sounds of a class, real, reconstructed and generated in rows."""
    rows = [
        node(
            "div",
            node("h4", kind),
            node("div", *map(media.card, part), class_="cards"),
            class_="kind",
        )
        for kind, part in (
            ("Real", sounds.real),
            ("Reconstructed", sounds.reconstructed),
            ("Generated", sounds.generated),
        )
        if part
    ]
    return group(f"Sounds of {sounds.name}", node("h3", sounds.name), *rows, class_="class")


def matrix_table(matrix: StyleMatrix, media: Media) -> ElementTree.Element:
    """Every style in every class, as a table."""
    rows = []
    for source, sounds in zip(matrix.sources, matrix.sounds, strict=True):
        head = source if isinstance(source, str) else media.card(source)
        rows.append(
            node(
                "tr",
                node("th", head, scope="row"),
                *(node("td", media.card(sound)) for sound in sounds),
            )
        )
    titles = (node("th", name, scope="col") for name in matrix.classes)
    table = node(
        "table",
        node("thead", node("tr", node("th", "Style of", scope="col"), *titles)),
        node("tbody", *rows),
        class_="matrix",
    )
    return group("Every style in every class", table, class_="scroll")


def strip_block(strip: Strip, media: Media) -> ElementTree.Element:
    """An interpolation, with a button that plays it in order."""
    captions = strip.captions or [""] * len(strip.sounds)
    steps = (
        node("li", media.card(sound), *([node("span", caption)] if caption else []))
        for sound, caption in zip(strip.sounds, captions, strict=True)
    )
    play = node("button", "Play in order", type="button", class_="sequence", aria_pressed="false")
    return group(
        strip.name,
        node("div", node("h3", strip.name), play, class_="line"),
        *([node("p", strip.note, class_="note")] if strip.note else []),
        node("ol", *steps, class_="strip"),
        class_="interpolation",
    )
