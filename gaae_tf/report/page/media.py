"""Sounds and pictures as files of a page, each once, and the button that plays a sound."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import soundfile
from PIL import Image

from gaae_tf.report.page.contents import Sound
from gaae_tf.report.page.elements import node, text_of

_MAGMA = np.uint8(np.round(255 * matplotlib.colormaps["magma"](np.arange(256))[:, :3]))


class Media:
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
        entry = (source, picture, text_of(sound.name), text_of(sound.note))
        return self.entries.setdefault(entry, len(self.entries)), picture

    def card(self, sound: Sound) -> ElementTree.Element:
        """The button that plays a sound: its spectrogram, or its name."""
        number, picture = self.add(sound)
        face = (
            node("img", src=picture, alt="", loading="lazy", decoding="async")
            if picture
            else node("span", sound.name)
        )
        return node(
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
