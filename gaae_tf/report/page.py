"""The listening page: scores, curves, sounds and codes of a run, in one folder for any browser.

It opens from disk as well as from a web server, needs no network, and is written whole or not at
all. Its frame, looks and behaviour lie in the folder `page` beside this file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import html
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from xml.etree import ElementTree

import matplotlib
import numpy as np
import soundfile
from matplotlib.figure import Figure
from PIL import Image

from gaae_tf.report import figures

_PARTS = Path(__file__).with_name("page")
_ASSETS = ("page.css", "page.js", "chart.umd.min.js", "chart.LICENSE.txt")
# By this a folder is known as one of our pages, which may be replaced.
_GENERATOR = "gaae_tf listening page"
_PICTURE_DPI = 300  # what printers ask for
_VIRIDIS, _MAGMA = (
    np.uint8(np.round(255 * matplotlib.colormaps[name](np.arange(256))[:, :3]))
    for name in ("viridis", "magma")
)


@dataclasses.dataclass(frozen=True, eq=False)
class Sound:
    """One sound to play.

    Attributes:
        name: what a reader calls it: "guitar, generated 2".
        audio: float [samples] in [-1, 1]; beyond is clipped.
        spectrogram: float [bins, frames] in [-1, 1] with the lowest bin first, or a picture: uint8
            [height, width, 3] or the path of a PNG file. None shows none.
        note: where it comes from: a file, a seed.
    """

    name: str
    audio: np.ndarray
    spectrogram: np.ndarray | Path | None = None
    note: str = ""

    def __post_init__(self):
        audio = np.asarray(self.audio)
        if audio.ndim != 1 or not audio.size or audio.dtype.kind != "f":
            raise ValueError(
                f"audio of sound {self.name!r} must be float [samples], got {audio.dtype} of shape "
                f"{audio.shape}"
            )
        if not np.isfinite(audio).all():
            raise ValueError(f"audio of sound {self.name!r} holds values that are not finite")


@dataclasses.dataclass(frozen=True)
class Score:
    """One figure, what to hold it against and where it comes from.

    Attributes:
        name: what is measured.
        value: in `unit`, as it shall be read (80.5 with unit "%"); None where it cannot be had.
        unit: written behind the value; "" for none.
        decimals: digits behind the point.
        deviation: standard deviation, written as ±; None for none.
        interval: lower and upper end, written in place of a deviation; None for none.
        better: "higher" or "lower"; "" for neither.
        yardsticks: what the value is held against, name -> value in the same unit: the score of
            real recordings, another model's.
        provenance: name -> text: scorer and its accuracy, samples, reference set, seed, vocoder,
            versions.
        reason: why there is no value.
    """

    name: str
    value: float | None
    unit: str = ""
    decimals: int = 2
    deviation: float | None = None
    interval: tuple[float, float] | None = None
    better: str = ""
    yardsticks: Mapping[str, float] = dataclasses.field(default_factory=dict)
    provenance: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""

    def __post_init__(self):
        if self.value is None and not self.reason:
            raise ValueError(f"score {self.name!r} has no value and no reason why")
        numbers = (self.value, self.deviation, *(self.interval or ()), *self.yardsticks.values())
        if not all(np.isfinite(number) for number in numbers if number is not None):
            raise ValueError(f"score {self.name!r} holds values that are not finite: {numbers}")
        if self.better not in ("", "higher", "lower"):
            raise ValueError(
                f"better of score {self.name!r} must be 'higher', 'lower' or '', got "
                f"{self.better!r}"
            )


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """One figure over the course of training; where it is not finite, the line has a gap.

    Attributes:
        name: what was measured.
        steps: iterations [points], ascending.
        values: float [points].
    """

    name: str
    steps: np.ndarray
    values: np.ndarray

    def __post_init__(self):
        _check_lengths(f"curve {self.name!r}", steps=self.steps, values=self.values)


@dataclasses.dataclass(frozen=True, eq=False)
class ClassSounds:
    """Sounds of one class.

    Attributes:
        name: the class.
        real: recordings.
        reconstructed: the same recordings, encoded and decoded, in the same order; or none.
        generated: sounds that the model made of this class.
    """

    name: str
    real: Sequence[Sound] = ()
    reconstructed: Sequence[Sound] = ()
    generated: Sequence[Sound] = ()

    def __post_init__(self):
        if self.reconstructed:
            _check_lengths(f"class {self.name!r}", real=self.real, reconstructed=self.reconstructed)


@dataclasses.dataclass(frozen=True, eq=False)
class StyleMatrix:
    """Every style in every class.

    Attributes:
        sources: one a row: the sound whose style code it is, or the name of a drawn one.
        classes: one a column.
        sounds: [sources][classes].
    """

    sources: Sequence[Sound | str]
    classes: Sequence[str]
    sounds: Sequence[Sequence[Sound]]

    def __post_init__(self):
        _check_lengths("the style matrix", sources=self.sources, sounds=self.sounds)
        for row in self.sounds:
            _check_lengths("a row of the style matrix", classes=self.classes, sounds=row)


@dataclasses.dataclass(frozen=True, eq=False)
class Strip:
    """Sounds from one code to another, in order.

    Attributes:
        name: what is interpolated: "guitar, from style 0 to style 1".
        sounds: from the one end to the other.
        captions: one a sound, to stand below it: "0.25"; or none.
        note: a line below the name.
    """

    name: str
    sounds: Sequence[Sound]
    captions: Sequence[str] = ()
    note: str = ""

    def __post_init__(self):
        if self.captions:
            _check_lengths(f"strip {self.name!r}", sounds=self.sounds, captions=self.captions)


@dataclasses.dataclass(frozen=True, eq=False)
class PointSet:
    """Codes as points of a plane, each with its sound.

    Attributes:
        name: which codes: "z, the guided code".
        x: float [points].
        y: float [points].
        sounds: one a point.
        labels: what may colour the points, the first at once: name -> one value a point, either
            texts, None where there is none, or numbers, NaN where there is none.
        note: how the points came about.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    sounds: Sequence[Sound]
    labels: Mapping[str, Sequence[str | None] | Sequence[float]]
    note: str = ""

    def __post_init__(self):
        what = f"point set {self.name!r}"
        _check_lengths(what, x=self.x, y=self.y, sounds=self.sounds)
        if not np.isfinite([self.x, self.y]).all():
            raise ValueError(f"{what} holds coordinates that are not finite")
        for name, values in self.labels.items():
            _check_lengths(what, x=self.x, **{f"labels[{name!r}]": values})


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """One figure for a paper, as `figures/NAME.png` and `figures/NAME.pdf`.

    Attributes:
        name: of its files, of letters, digits, "-" and "_".
        title: what it shows, in words for a reader who does not see it, too.
        figure: matplotlib's.
    """

    name: str
    title: str
    figure: Figure

    def __post_init__(self):
        if not re.fullmatch(r"[\w-]+", self.name, re.ASCII):
            raise ValueError(
                f"name of picture {self.name!r} must be of letters, digits, '-' and '_'"
            )


@dataclasses.dataclass(frozen=True, eq=False)
class PageContents:
    """All that a page shows; what is empty is left out.

    Attributes:
        title: of the page.
        sample_rate_hz: of all sounds. Browsers play 3,000 Hz and more.
        introduction: a paragraph below the title.
        facts: name -> text, a short list below it: run, step, data set, vocoder, versions.
        scores: in the order to be read.
        curves: of the training.
        classes: sounds of every class.
        matrix: every style in every class.
        strips: interpolations.
        points: codes in the plane.
        pictures: figures for papers.
    """

    title: str
    sample_rate_hz: int
    introduction: str = ""
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    scores: Sequence[Score] = ()
    curves: Sequence[Curve] = ()
    classes: Sequence[ClassSounds] = ()
    matrix: StyleMatrix | None = None
    strips: Sequence[Strip] = ()
    points: Sequence[PointSet] = ()
    pictures: Sequence[Picture] = ()

    def __post_init__(self):
        names = [picture.name.lower() for picture in self.pictures]
        if len(set(names)) < len(names):
            raise ValueError(f"pictures must have different names, got {', '.join(names)}")


def write_page(folder: str | Path, contents: PageContents) -> Path:
    """Writes the page; a page that the folder holds already is replaced.

    Args:
        folder: where to; its parents are made.
        contents: what to show.

    Returns:
        Path of its `index.html`.

    Raises:
        FileExistsError: the folder holds something else than a page.
        ValueError: a spectrogram is neither an array of values or colours nor a PNG file.
        OSError: the folder cannot be written, or a picture not read.
    """
    folder = Path(folder).resolve()
    if folder.exists() and not _is_page(folder):
        raise FileExistsError(
            f"{folder} holds something else than a listening page; name another folder or empty it."
        )
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    replaced = folder.with_name(f".{folder.name}.{os.getpid()}.replaced")
    try:
        temporary.mkdir(parents=True)
        _write(temporary, contents)
        if folder.exists():
            folder.rename(replaced)
        try:
            temporary.rename(folder)
        except OSError:
            if replaced.exists():
                replaced.rename(folder)
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)
    return folder / "index.html"


def _check_lengths(what: str, **parts: Sequence) -> None:
    lengths = {name: len(part) for name, part in parts.items()}
    if len(set(lengths.values())) > 1 or not all(lengths.values()):
        counts = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"{what} must have as many of each and one at least, got {counts}")


def _is_page(folder: Path) -> bool:
    """Whether the folder may be replaced: it is empty, or a page."""
    if not folder.is_dir():
        return False
    index = folder / "index.html"
    if not index.is_file():
        return not any(folder.iterdir())
    return _GENERATOR in index.read_text(encoding="utf-8", errors="replace")


def _write(folder: Path, contents: PageContents) -> None:
    (folder / "assets").mkdir()
    for name in _ASSETS:
        shutil.copyfile(_PARTS / name, folder / "assets" / name)
    files = _Files(folder, contents.sample_rate_hz)
    if contents.pictures:
        (folder / "figures").mkdir()
    for picture in contents.pictures:
        for suffix in (".png", ".pdf"):
            path = folder / "figures" / f"{picture.name}{suffix}"
            figures.save(picture.figure, path, _PICTURE_DPI)
    sections = _sections(contents, files)
    data = {
        "curves": [_curve_data(curve) for curve in contents.curves],
        "points": [_point_data(points, contents, files) for points in contents.points],
        "sounds": list(files.entries),
        "viridis": [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in _VIRIDIS],
    }
    page = Template((_PARTS / "index.html").read_text(encoding="utf-8")).substitute(
        generator=_GENERATOR,
        title=html.escape(contents.title),
        navigation="".join(
            _markup(_node("a", section[0].text, href=f"#{section.get('id')}"))
            for section in sections
        ),
        heading="\n".join(map(_markup, _heading(contents))),
        sections="\n".join(map(_markup, sections)),
        data=_script_json(data),
    )
    # A file name may hold bytes that are no text; they show as question marks.
    (folder / "index.html").write_bytes(page.encode("utf-8", errors="replace"))


class _Files:
    """Writes sounds and pictures, equal ones once, and counts the sounds.

    Attributes:
        entries: what the page's script knows of a sound, in order of its number.
    """

    def __init__(self, folder: Path, sample_rate_hz: int):
        self.folder = folder
        self.sample_rate_hz = sample_rate_hz
        self.entries: dict[tuple, int] = {}
        (folder / "sounds").mkdir()
        (folder / "pictures").mkdir()

    def add(self, sound: Sound) -> tuple[int, str]:
        """The sound's number and its picture's name, "" for none; writes what is not there yet."""
        pcm = np.int16(np.clip(np.rint(np.float64(sound.audio) * 32768.0), -32768, 32767))
        flac = io.BytesIO()  # libsndfile would not tell a full disk
        soundfile.write(flac, pcm, self.sample_rate_hz, format="FLAC", subtype="PCM_16")
        source = self._keep("sounds", flac.getvalue(), ".flac")
        picture = "" if sound.spectrogram is None else self._keep("pictures", _png(sound), ".png")
        entry = (source, picture, _text(sound.name), _text(sound.note))
        return self.entries.setdefault(entry, len(self.entries)), picture

    def card(self, sound: Sound) -> ElementTree.Element:
        """The button that plays a sound: its spectrogram, or its name."""
        number, picture = self.add(sound)
        face = (
            _node("img", src=picture, alt="", loading="lazy", decoding="async")
            if picture
            else _node("span", sound.name)
        )
        return _node(
            "button",
            face,
            class_="sound",
            type="button",
            data_sound=number,
            aria_pressed="false",
            aria_label=f"Play {sound.name}",
            title=sound.name + (f" ({sound.note})" if sound.note else ""),
        )

    def _keep(self, folder: str, content: bytes, suffix: str) -> str:
        name = f"{folder}/{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
        path = self.folder / name
        if not path.exists():
            path.write_bytes(content)
        return name


def _png(sound: Sound) -> bytes:
    """The spectrogram's picture as a PNG file."""
    if isinstance(sound.spectrogram, (str, Path)):
        content = Path(sound.spectrogram).read_bytes()
        if not content.startswith(b"\x89PNG\r\n\x1a\n"):
            raise ValueError(f"{sound.spectrogram} of sound {sound.name!r} is no PNG file")
        return content
    values = np.asarray(sound.spectrogram)
    if values.ndim == 3 and values.shape[2] == 3 and values.dtype == np.uint8:
        picture = Image.fromarray(values)
    elif values.ndim == 2 and values.dtype.kind == "f" and np.isfinite(values).all():
        levels = np.uint8(np.round(127.5 * (np.clip(values[::-1], -1.0, 1.0) + 1.0)))
        picture = Image.fromarray(levels)
        picture.putpalette(_MAGMA.tobytes())  # a third of the size of full colours
    else:
        raise ValueError(
            f"spectrogram of sound {sound.name!r} must be finite float [bins, frames], uint8 "
            f"[height, width, 3] or a path, got {values.dtype} of shape {values.shape}"
        )
    png = io.BytesIO()
    picture.save(png, format="PNG", optimize=True)
    return png.getvalue()


def _heading(contents: PageContents) -> Iterable[ElementTree.Element]:
    yield _node("h1", contents.title)
    if contents.introduction:
        yield _node("p", contents.introduction, class_="introduction")
    if contents.facts:
        yield _list("facts", contents.facts)


def _sections(contents: PageContents, files: _Files) -> list[ElementTree.Element]:
    axes = (
        "In the pictures time runs to the right, frequency upwards from 0 to "
        f"{contents.sample_rate_hz / 2000:g}\N{NO-BREAK SPACE}kHz; brighter is louder."
    )
    sections = []
    if contents.scores:
        sections.append(_section("scores", "Scores", _score_table(contents.scores)))
    if contents.classes:
        sections.append(
            _section(
                "sounds",
                "Sounds",
                _node("p", f"Press a picture to hear it. {axes}", class_="note"),
                _node(
                    "div",
                    *(_class_block(sounds, files) for sounds in contents.classes),
                    class_="classes",
                ),
            )
        )
    if contents.matrix:
        sections.append(
            _section(
                "styles",
                "Styles",
                _node("p", "Each row keeps one style, each column one class.", class_="note"),
                _matrix_table(contents.matrix, files),
            )
        )
    if contents.strips:
        sections.append(
            _section(
                "interpolations", "Interpolations", *(_strip(s, files) for s in contents.strips)
            )
        )
    if contents.points:
        sections.append(
            _section(
                "codes",
                "Codes",
                _node(
                    "p",
                    "Each point is the code of one sound; near points have similar codes. "
                    "Press a point to hear it, a name to single it out.",
                    class_="note",
                ),
                _node(
                    "div",
                    *(_point_figure(points, i) for i, points in enumerate(contents.points)),
                    class_="plots",
                ),
            )
        )
    if contents.curves:
        sections.append(
            _section(
                "training",
                "Training",
                _node("p", "Over iterations.", class_="note"),
                _node(
                    "div",
                    *(_curve_figure(curve, i) for i, curve in enumerate(contents.curves)),
                    class_="curves",
                ),
            )
        )
    if contents.pictures:
        sections.append(
            _section(
                "figures",
                "Figures",
                _node("p", "For papers. Press one for its full size.", class_="note"),
                _node("div", *map(_picture, contents.pictures), class_="pictures"),
            )
        )
    return sections


def _section(name: str, title: str, *children: ElementTree.Element) -> ElementTree.Element:
    return _node(
        "section",
        _node("h2", title, id=f"{name}-title"),
        *children,
        id=name,
        aria_labelledby=f"{name}-title",
    )


def _score_table(scores: Sequence[Score]) -> ElementTree.Element:
    body = []
    for i, score in enumerate(scores):
        name: list[str | ElementTree.Element] = [score.name]
        if score.better:
            arrow, hint = ("↑", "higher") if score.better == "higher" else ("↓", "lower")
            name.append(
                _node("span", arrow, class_="better", role="img", aria_label=f"{hint} is better")
            )
        if score.provenance:
            name = [
                _node(
                    "button",
                    *name,
                    type="button",
                    class_="more",
                    aria_expanded="true",
                    aria_controls=f"provenance-{i}",
                )
            ]
        body.append(
            _node(
                "tr",
                _node("th", *name, scope="row"),
                _node("td", *_score_value(score), class_="value"),
                _node(
                    "td",
                    *(
                        _node("div", _number(value, score), _node("small", " ", kind))
                        for kind, value in score.yardsticks.items()
                    ),
                ),
            )
        )
        if score.provenance:
            body.append(
                _node(
                    "tr",
                    _node("td", _list("provenance", score.provenance), colspan=3),
                    id=f"provenance-{i}",
                    class_="provenance",
                )
            )
    titles = ("Measure", "Value", "For comparison")
    return _node(
        "table",
        _node("thead", _node("tr", *(_node("th", title, scope="col") for title in titles))),
        _node("tbody", *body),
        class_="scores",
    )


def _score_value(score: Score) -> Iterable[str | ElementTree.Element]:
    if score.value is None:
        yield _node("span", f"none: {score.reason}", class_="missing")
        return
    yield _node("strong", _number(score.value, score))
    if score.interval is not None:
        low, high = (_digits(end, score.decimals) for end in score.interval)
        yield _node("small", f" {low} to {high}")
    elif score.deviation is not None:
        yield _node("small", f" ± {_digits(score.deviation, score.decimals)}")


def _number(value: float, score: Score) -> str:
    unit = f"\N{NO-BREAK SPACE}{score.unit}" if score.unit else ""
    return _digits(value, score.decimals) + unit


def _digits(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _class_block(sounds: ClassSounds, files: _Files) -> ElementTree.Element:
    rows = [
        _node(
            "div",
            _node("h4", kind),
            _node("div", *map(files.card, part), class_="cards"),
            class_="kind",
        )
        for kind, part in (
            ("Real", sounds.real),
            ("Reconstructed", sounds.reconstructed),
            ("Generated", sounds.generated),
        )
        if part
    ]
    return _group(f"Sounds of {sounds.name}", _node("h3", sounds.name), *rows, class_="class")


def _matrix_table(matrix: StyleMatrix, files: _Files) -> ElementTree.Element:
    rows = []
    for source, sounds in zip(matrix.sources, matrix.sounds, strict=True):
        head = source if isinstance(source, str) else files.card(source)
        rows.append(
            _node(
                "tr",
                _node("th", head, scope="row"),
                *(_node("td", files.card(sound)) for sound in sounds),
            )
        )
    titles = (_node("th", name, scope="col") for name in matrix.classes)
    table = _node(
        "table",
        _node("thead", _node("tr", _node("th", "Style of", scope="col"), *titles)),
        _node("tbody", *rows),
        class_="matrix",
    )
    return _group("Every style in every class", table, class_="scroll")


def _strip(strip: Strip, files: _Files) -> ElementTree.Element:
    captions = strip.captions or [""] * len(strip.sounds)
    steps = (
        _node("li", files.card(sound), *([_node("span", caption)] if caption else []))
        for sound, caption in zip(strip.sounds, captions, strict=True)
    )
    play = _node("button", "Play in order", type="button", class_="sequence", aria_pressed="false")
    return _group(
        strip.name,
        _node("div", _node("h3", strip.name), play, class_="line"),
        *([_node("p", strip.note, class_="note")] if strip.note else []),
        _node("ol", *steps, class_="strip"),
        class_="interpolation",
    )


def _group(name: str, *children: ElementTree.Element, class_: str) -> ElementTree.Element:
    """What the arrow keys move within."""
    return _node("div", *children, class_=class_, role="group", aria_label=name, data_group="")


def _point_figure(points: PointSet, number: int) -> ElementTree.Element:
    readout = f"readout-{number}"
    parts = [_node("figcaption", _node("h3", points.name))]
    if points.note:
        parts[0].append(_node("p", points.note, class_="note"))
    if points.labels:
        options = (_node("option", name) for name in points.labels)
        parts.append(_node("label", "Colour by ", _node("select", *options)))
    parts.append(
        _node(
            "div",
            _node("canvas"),
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
    parts.append(_node("div", class_="legend"))
    parts.append(_node("p", class_="readout", id=readout, aria_live="polite"))
    return _node("figure", *parts, class_="points", data_points=number)


def _curve_figure(curve: Curve, number: int) -> ElementTree.Element:
    finite = np.flatnonzero(np.isfinite(np.asarray(curve.values, np.float64)))
    last = "nowhere finite"
    if finite.size:
        value, step = curve.values[finite[-1]], int(curve.steps[finite[-1]])
        last = f"{value:.4g} at {step:,}".replace("-", "\N{MINUS SIGN}")
    return _node(
        "figure",
        _node("figcaption", curve.name, _node("small", f" {last}")),
        _node("div", _node("canvas", role="img", aria_label=f"{curve.name}: {last}")),
        data_curve=number,
    )


def _picture(picture: Picture) -> ElementTree.Element:
    png, pdf = (f"figures/{picture.name}.{suffix}" for suffix in ("png", "pdf"))
    width, height = np.round(picture.figure.get_size_inches() * _PICTURE_DPI).astype(int)
    image = _node(
        "img",
        src=png,
        alt=picture.title,
        width=width,
        height=height,
        loading="lazy",
        decoding="async",
    )
    return _node(
        "figure",
        _node("a", image, href=png),
        _node(
            "figcaption",
            f"{picture.title} ",
            _node("a", "PDF", href=pdf, aria_label=f"PDF: {picture.title}"),
        ),
    )


def _list(class_: str, facts: Mapping[str, str]) -> ElementTree.Element:
    entries = (
        _node("div", _node("dt", name), _node("dd", str(text))) for name, text in facts.items()
    )
    return _node("dl", *entries, class_=class_)


def _curve_data(curve: Curve) -> dict:
    return {"steps": _numbers(curve.steps, digits=12), "values": _numbers(curve.values)}


def _point_data(points: PointSet, contents: PageContents, files: _Files) -> dict:
    order = {sounds.name: i for i, sounds in enumerate(contents.classes)}
    return {
        "x": _numbers(points.x),
        "y": _numbers(points.y),
        "sounds": [files.add(sound)[0] for sound in points.sounds],
        "labels": [
            {"name": _text(name)} | _label_data(f"{points.name!r}: labels[{name!r}]", values, order)
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
            "names": [_text(name) for name in names],
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


def _text(text: str) -> str:
    """Leaves surrogates out, which file names may hold and UTF-8 cannot write."""
    return text.encode("utf-8", errors="replace").decode()


def _script_json(data: dict) -> str:
    """JSON that ends no script element, whatever texts it holds."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _node(tag: str, *children: str | ElementTree.Element, **attributes) -> ElementTree.Element:
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


def _markup(element: ElementTree.Element) -> str:
    return ElementTree.tostring(element, encoding="unicode", method="html")
