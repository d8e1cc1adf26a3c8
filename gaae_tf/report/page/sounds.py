"""A page's sounds: of classes, styles in classes, interpolations."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from gaae_tf.report.page.contents import FREQUENCY_AXES, ClassSounds, Sound, Strip, StyleMatrix
from gaae_tf.report.page.elements import group, node
from gaae_tf.report.page.media import Media

LOWEST_HZ = 50  # of a logarithmic frequency axis


def axis_choice(chosen: str) -> ElementTree.Element:
    """The switch between the pictures' frequency axes; one is chosen at first."""
    options = (
        node(
            "label",
            node(
                "input",
                type="radio",
                name="axis",
                value=axis,
                **({"checked": ""} if axis == chosen else {}),
            ),
            node("span", axis),
        )
        for axis in FREQUENCY_AXES
    )
    return node("fieldset", node("legend", "Frequency axis"), *options, class_="axis")


def class_block(sounds: ClassSounds, media: Media) -> ElementTree.Element:
    """The sounds of a class, real, reconstructed and generated in rows."""
    paired = bool(sounds.reconstructed)
    rows = [
        node(
            "div",
            node("h4", kind),
            node(
                "div",
                *(media.card(sound, i if pairs else None) for i, sound in enumerate(part)),
                class_="cards",
            ),
            class_="kind",
        )
        for kind, part, pairs in (
            ("Real", sounds.real, paired),
            ("Reconstructed", sounds.reconstructed, paired),
            ("Generated", sounds.generated, False),
        )
        if part
    ]
    every = [*sounds.real, *sounds.reconstructed, *sounds.generated]
    head = [node("h3", sounds.name)]
    if every:
        head += [_play("Play all"), _row(sounds.name, every, media)]
    return group(
        f"Sounds of {sounds.name}", node("div", *head, class_="line"), *rows, class_="class"
    )


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
    head = (
        node("h3", strip.name),
        _play("Play in order"),
        _row(strip.name, strip.sounds, media),
    )
    return group(
        strip.name,
        node("div", *head, class_="line"),
        *([node("p", strip.note, class_="note")] if strip.note else []),
        node("ol", *steps, class_="strip"),
        class_="interpolation",
    )


def _play(text: str) -> ElementTree.Element:
    """The button that plays a group's sounds one after the other."""
    return node("button", text, type="button", class_="sequence", aria_pressed="false")


def _row(name: str, sounds: Sequence[Sound], media: Media) -> ElementTree.Element:
    """The link to sounds in a row as one file, to keep or to send to somebody."""
    return node(
        "a",
        "Save all",
        class_="row",
        href=media.in_a_row(name, sounds),
        download="",
        title=f"All {len(sounds)} in a row as one file",
        aria_label=f"Save all as one file: {name}",
    )
