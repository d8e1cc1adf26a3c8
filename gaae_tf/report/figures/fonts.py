"""Names in any alphabet: letters that matplotlib's own font lacks come from the system's fonts."""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from collections.abc import Iterator

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text


def families(text: str) -> list[str]:
    """Names of the fonts that hold the letters of a text: the usual ones, then others if needed.

    Letters that no font of the system holds are told on stderr, once each, and drawn as boxes.
    """
    return [*matplotlib.rcParams["font.family"], *_others(frozenset(text) - _usual_letters())]


@contextlib.contextmanager
def drawable(figure: Figure) -> Iterator[None]:
    """Gives all texts of a figure fonts that hold their letters, for drawing it inside."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_ticklabels()  # makes those that drawing would make
    for text in figure.findobj(Text):
        if not frozenset(text.get_text()) <= _usual_letters():
            text.set_fontfamily(families(text.get_text()))
    with without_warnings():
        yield


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Without matplotlib's warning of each letter drawn as a box: `families` tells of them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ ")
        yield


@functools.cache
def _usual_letters() -> frozenset[str]:
    """What the usual font holds, and what needs no glyph."""
    return frozenset(map(chr, get_font(findfont(FontProperties())).get_charmap())) | {"\n"}


@functools.cache
def _others(letters: frozenset[str]) -> tuple[str, ...]:
    """Names of the system's fonts that hold the letters, those that hold most of them first."""
    found, missing = [], {letter for letter in letters if letter.isprintable()}
    while missing:
        holders = _holders(missing)
        name, held = max(holders, key=lambda holder: len(holder[1]), default=("", frozenset()))
        if not held:
            _tell(missing)
            break
        found.append(name)
        missing -= held
    return tuple(found)


def _holders(letters: set[str]) -> list[tuple[str, frozenset[str]]]:
    """Each font of the system with those of the letters that it holds."""
    holders = []
    for entry in fontManager.ttflist:
        if entry.style != "normal" or entry.name.startswith("Last Resort"):  # which has boxes alone
            continue
        try:
            charmap = get_font(entry.fname).get_charmap()
        except (OSError, RuntimeError):  # gone since matplotlib listed it, or of an unknown kind
            continue
        held = frozenset(letter for letter in letters if ord(letter) in charmap)
        holders.append((entry.name, held))
    return holders


_told: set[str] = set()


def _tell(letters: set[str]) -> None:
    if new := sorted(letters - _told):
        _told.update(new)
        some = "".join(new[:20]) + ("…" if len(new) > 20 else "")
        print(
            f"note: no font of this system has {some}, so pictures have boxes there; install one, "
            f"say Noto Sans CJK, and remove matplotlib's font list, {matplotlib.get_cachedir()}",
            file=sys.stderr,
        )
