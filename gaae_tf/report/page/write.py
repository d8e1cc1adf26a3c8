"""Writes a page's folder, whole or not at all."""

from __future__ import annotations

import html
import os
import shutil
from pathlib import Path
from string import Template

import matplotlib
import numpy as np

from gaae_tf.files import move_folder
from gaae_tf.report import figures
from gaae_tf.report.page.charts import PICTURE_DPI, curve_data, point_data
from gaae_tf.report.page.contents import PageContents
from gaae_tf.report.page.elements import markup, node, script_json
from gaae_tf.report.page.media import Media
from gaae_tf.report.page.sections import heading, sections
from gaae_tf.report.page.sounds import LOWEST_HZ

STATIC = Path(__file__).with_name("static")
_ASSETS = (
    "page.css",
    *("page.js", "pictures.js", "player.js", "charts.js"),
    *("chart.umd.min.js", "chart.LICENSE.txt"),
)
# By this a folder is known as one of our pages, which may be replaced.
_GENERATOR = "gaae_tf listening page"
_VIRIDIS = np.uint8(np.round(255 * matplotlib.colormaps["viridis"](np.arange(256))[:, :3]))


def write_page(folder: str | Path, contents: PageContents, small: bool = False) -> Path:
    """Writes the page; a page that the folder holds already is replaced.

    Args:
        folder: where to; its parents are made.
        contents: what to show.
        small: whether all sounds are FLAC, half as large, for pages that are hosted.

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
    try:
        temporary.mkdir(parents=True)
        _write(temporary, contents, small)
        move_folder(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder / "index.html"


def _is_page(folder: Path) -> bool:
    """Whether the folder may be replaced: it is empty, or a page."""
    if not folder.is_dir():
        return False
    index = folder / "index.html"
    if not index.is_file():
        return not any(folder.iterdir())
    return _GENERATOR in index.read_text(encoding="utf-8", errors="replace")


def _write(folder: Path, contents: PageContents, small: bool) -> None:
    (folder / "assets").mkdir()
    for name in _ASSETS:
        shutil.copyfile(STATIC / name, folder / "assets" / name)
    media = Media(folder, contents.sample_rate_hz, small)
    if contents.pictures:
        (folder / "figures").mkdir()
    for picture in contents.pictures:
        for suffix in (".png", ".pdf"):
            path = folder / "figures" / f"{picture.name}{suffix}"
            figures.save(picture.figure, path, PICTURE_DPI)
    shown = list(sections(contents, media))
    data = {
        "curves": [curve_data(curve) for curve in contents.curves],
        "points": [point_data(points, contents, media) for points in contents.points],
        "sounds": list(media.entries),
        "frequencies_hz": [LOWEST_HZ, contents.sample_rate_hz / 2],
        "viridis": [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in _VIRIDIS],
    }
    page = Template((STATIC / "index.html").read_text(encoding="utf-8")).substitute(
        generator=_GENERATOR,
        title=html.escape(contents.title),
        axis=contents.frequency_axis,
        navigation="".join(
            markup(node("a", section[0].text, href=f"#{section.get('id')}")) for section in shown
        ),
        heading="\n".join(map(markup, heading(contents))),
        sections="\n".join(map(markup, shown)),
        data=script_json(data),
    )
    # A file name may hold bytes that are no text; they show as question marks.
    (folder / "index.html").write_bytes(page.encode("utf-8", errors="replace"))
