"""A page's heading and sections, in order; what is empty is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

from gaae_tf.report.page.charts import curve_figure, picture_figure, point_figure
from gaae_tf.report.page.contents import PageContents
from gaae_tf.report.page.elements import listing, node
from gaae_tf.report.page.media import Media
from gaae_tf.report.page.scores import score_table
from gaae_tf.report.page.sounds import class_block, matrix_table, strip_block


def heading(contents: PageContents) -> Iterable[ElementTree.Element]:
    """The page's title, introduction and facts."""
    yield node("h1", contents.title)
    if contents.introduction:
        yield node("p", contents.introduction, class_="introduction")
    if contents.facts:
        yield listing("facts", contents.facts)


def sections(contents: PageContents, media: Media) -> Iterator[ElementTree.Element]:
    """The page's sections; their sounds and pictures are written."""
    if contents.scores:
        yield _section("scores", "Scores", score_table(contents.scores))
    if contents.classes:
        axes = (
            "In the pictures time runs to the right, frequency upwards from 0 to "
            f"{contents.sample_rate_hz / 2000:g}\N{NO-BREAK SPACE}kHz; brighter is louder."
        )
        note = _note(f"Press a picture to hear it. {axes}")
        blocks = _tiles("classes", [class_block(sounds, media) for sounds in contents.classes])
        yield _section("sounds", "Sounds", note, blocks)
    if contents.matrix:
        note = _note("Each row keeps one style, each column one class.")
        yield _section("styles", "Styles", note, matrix_table(contents.matrix, media))
    if contents.strips:
        strips = (strip_block(strip, media) for strip in contents.strips)
        yield _section("interpolations", "Interpolations", *strips)
    if contents.points:
        note = _note(
            "Each point is the code of one sound; near points have similar codes. "
            "Press a point to hear it, a name to single it out."
        )
        plots = [point_figure(points, i) for i, points in enumerate(contents.points)]
        yield _section("codes", "Codes", note, _tiles("plots", plots))
    if contents.curves:
        curves = [curve_figure(curve, i) for i, curve in enumerate(contents.curves)]
        yield _section("training", "Training", _note("Over iterations."), _tiles("curves", curves))
    if contents.pictures:
        note = _note("For papers. Press one for its full size.")
        pictures = map(picture_figure, contents.pictures)
        yield _section("figures", "Figures", note, _tiles("pictures", pictures))


def _section(name: str, title: str, *children: ElementTree.Element) -> ElementTree.Element:
    return node(
        "section",
        node("h2", title, id=f"{name}-title"),
        *children,
        id=name,
        aria_labelledby=f"{name}-title",
    )


def _note(text: str) -> ElementTree.Element:
    return node("p", text, class_="note")


def _tiles(class_: str, children: Iterable[ElementTree.Element]) -> ElementTree.Element:
    return node("div", *children, class_=class_)
