"""Names in other alphabets: drawn where a font has their letters, told where none has."""

import matplotlib.font_manager
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure

from gaae_tf.report import figures
from gaae_tf.report.figures import fonts

DOG = "\u72ac"
RARE = "\U0001d2e0\U0001d2e1"  # Maya numerals


@pytest.fixture(autouse=True)
def forgotten():
    """Nothing that other tests have asked for is remembered, nor what these ask for."""
    yield
    fonts._others.cache_clear()
    fonts._told.clear()


@pytest.fixture
def font_with_a_dog(tmp_path, monkeypatch):
    """A font of one letter, a black square, is the only one beside matplotlib's own."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 800), (900, 800), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "dog"])
    font.setupCharacterMap({ord(DOG): "dog"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "dog": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (500, 0), "dog": (1000, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "One Dog", "styleName": "Regular", "psName": "OneDog"})
    font.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    font.setupPost()
    font.save(tmp_path / "dog.ttf")
    manager = matplotlib.font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [e for e in manager.ttflist if "Dog" not in e.name])
    manager.addfont(tmp_path / "dog.ttf")
    matplotlib.font_manager.fontManager._findfont_cached.cache_clear()


def matrix(*names):
    return figures.confusion_matrix(np.eye(len(names), dtype=int), names, meant="m", found="f")


def drawn(text):
    figure = Figure(figsize=(1.0, 1.0), dpi=100)
    figure.text(0.2, 0.2, text, fontsize=40)
    return figure


def test_letters_come_from_a_font_of_the_system(font_with_a_dog, capsys):
    assert fonts.families(f"{DOG}!") == ["sans-serif", "One Dog"]
    ink = figures.figure_to_rgb(drawn(DOG))[..., 0] < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    height, width = len(rows), len(columns)
    assert (height, width) == pytest.approx((0.8 * 40 / 72 * 100, 0.9 * 40 / 72 * 100), abs=1.5)
    assert ink[np.ix_(rows, columns)].mean() > 0.95  # a square without a hole, so no box
    assert capsys.readouterr().err == ""


def test_figures_with_such_names_are_written(font_with_a_dog, tmp_path):
    for suffix in ("png", "pdf", "svg"):
        figures.save(matrix(DOG, "cat"), tmp_path / f"matrix.{suffix}")
    assert b"OneDog" in (tmp_path / "matrix.pdf").read_bytes()


def test_letters_that_no_font_has_are_told_once_and_fail_nothing(tmp_path, capsys):
    """Warnings are errors in these tests."""
    for _ in range(2):
        figures.save(matrix(RARE, "b"), tmp_path / "a.pdf")
    told = capsys.readouterr().err
    assert told.count("note: no font of this system has ") == 1
    assert all(letter in told for letter in RARE)


def test_names_in_latin_letters_ask_for_no_other_font():
    assert fonts.families("piña ♯ Ω") == ["sans-serif"]
