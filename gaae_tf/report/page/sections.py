"""A page's heading and sections, in order; what is empty is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

from gaae_tf.report.page.charts import curve_groups, picture_figure, point_figure
from gaae_tf.report.page.contents import PageContents
from gaae_tf.report.page.elements import listing, node
from gaae_tf.report.page.media import Media
from gaae_tf.report.page.scores import score_blocks
from gaae_tf.report.page.sounds import (
    LOWEST_HZ,
    axis_choice,
    class_block,
    matrix_table,
    strip_block,
)

_HOW_TO_PLAY = "Press a picture to hear it."


def heading(contents: PageContents) -> Iterable[ElementTree.Element]:
    """The page's title and introduction."""
    yield node("h1", contents.title)
    if contents.introduction:
        yield node("p", contents.introduction, class_="introduction")


def sections(contents: PageContents, media: Media) -> Iterator[ElementTree.Element]:
    """The page's sections; their sounds and pictures are written.

    What is to be heard comes first, then what was measured, and what only its author needs last.
    """
    yield from _of_sounds(contents, media)
    if contents.points:
        note = _note(
            "Each point is the code of one sound; near points have similar codes. "
            "Press a point to hear it, a name to single it out."
        )
        plots = [point_figure(points, i) for i, points in enumerate(contents.points)]
        yield _section("codes", "Codes", note, _tiles("plots", plots))
    if contents.scores:
        yield _section("scores", "Scores", *score_blocks(contents.scores))
    if contents.pictures:
        note = _note("For papers. Press one for its full size.")
        pictures = map(picture_figure, contents.pictures)
        yield _section("figures", "Figures", note, _tiles("pictures", pictures))
    if contents.curves:
        note = _note("Over iterations; beside each name its last value.")
        yield _section("training", "Training", note, *curve_groups(contents.curves))
    if contents.facts:
        yield _section("about", "About this run", listing("facts", contents.facts))


def _of_sounds(contents: PageContents, media: Media) -> Iterator[ElementTree.Element]:
    """The sections whose pictures play: classes, styles, interpolations."""
    parts = []
    if contents.classes:
        pairs = any(sounds.reconstructed for sounds in contents.classes)
        note = [_HOW_TO_PLAY, *([_how_to_compare()] if pairs else [])]
        blocks = [class_block(sounds, media) for sounds in contents.classes]
        parts.append(("sounds", "Sounds", note, [_tiles("classes", blocks)]))
    if contents.matrix:
        note = ["Each row keeps one style, each column one class."]
        parts.append(("styles", "Styles", note, [matrix_table(contents.matrix, media)]))
    if contents.strips:
        note = ["From one style to another in equal steps."]
        strips = [strip_block(strip, media) for strip in contents.strips]
        parts.append(("interpolations", "Interpolations", note, strips))
    for i, (name, title, note, blocks) in enumerate(parts):
        if i:
            head = _note(*note)
        else:  # one switch for all pictures
            text = _note(*note, *_axes(contents.sample_rate_hz))
            head = node("div", text, axis_choice(contents.frequency_axis), class_="axes")
        yield _section(name, title, head, *blocks)


def _how_to_compare() -> ElementTree.Element:
    return node(
        "span",
        " While a recording or its reconstruction plays, hold ",
        node("kbd", "B"),
        " to hear the other one.",
        class_="with-keys",
    )


def _axes(sample_rate_hz: int) -> Iterator[str | ElementTree.Element]:
    """A sentence on what the pictures' axes are."""
    highest = f"{sample_rate_hz / 2000:g}\N{NO-BREAK SPACE}kHz"
    yield " Time runs to the right, frequency upwards "
    yield node("span", f"from 0 to {highest}", class_="on-linear")
    lowest = f"{LOWEST_HZ}\N{NO-BREAK SPACE}Hz"
    yield node("span", f"from {lowest} to {highest}, octave by octave", class_="on-log")
    yield "; brighter is louder."


def _section(name: str, title: str, *children: ElementTree.Element) -> ElementTree.Element:
    return node(
        "section",
        node("h2", title, id=f"{name}-title"),
        *children,
        id=name,
        aria_labelledby=f"{name}-title",
    )


def _note(*children: str | ElementTree.Element) -> ElementTree.Element:
    return node("p", *children, class_="note")


def _tiles(class_: str, children: Iterable[ElementTree.Element]) -> ElementTree.Element:
    return node("div", *children, class_=class_)
