"""Sounds and pictures as files of a page, each once, and the button that plays a sound."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import soundfile
from PIL import Image

from gaae_tf.files import safe_name
from gaae_tf.report.page.contents import Sound
from gaae_tf.report.page.elements import node, text_of

_MAGMA = np.uint8(np.round(255 * matplotlib.colormaps["magma"](np.arange(256))[:, :3]))

_PAUSE_SECONDS = 0.25  # between sounds in a row


class Media:
    """Writes sounds and pictures, equal ones once, and counts the sounds.

    Args:
        folder: of the page.
        sample_rate_hz: of all sounds.
        small: whether all sounds are FLAC, half as large as WAV, for pages that are hosted.

    Attributes:
        entries: what the page's script knows of a sound, in order of its number.
    """

    def __init__(self, folder: Path, sample_rate_hz: int, small: bool = False):
        self.folder = folder
        self.sample_rate_hz = sample_rate_hz
        self._of_cards = "FLAC" if small else "WAV"
        self.entries: dict[tuple, int] = {}
        for name in ("sounds", "pictures"):
            (folder / name).mkdir()

    def add(self, sound: Sound, on_a_card: bool = True) -> tuple[int, str]:
        """The sound's number and its picture's name, "" for none; writes what is not there yet.

        Sounds on cards are WAV, which every program reads that a reader may save one for. The many
        of a map are FLAC, half as large, unless they are on a card too.
        """
        pcm = _pcm(sound)
        name = f"sounds/{_digest(pcm.tobytes())}"
        card = f"{name}.{self._of_cards.lower()}"
        if on_a_card or (self.folder / card).exists():
            source = self._keep(card, self._encoded(pcm, self._of_cards))
        else:
            source = self._keep(f"{name}.flac", self._encoded(pcm, "FLAC"))
        picture = ""
        if sound.spectrogram is not None:
            png = _png(sound)
            picture = self._keep(f"pictures/{_digest(png)}.png", png)
        entry = (source, picture, text_of(sound.name), text_of(sound.note))
        return self.entries.setdefault(entry, len(self.entries)), picture

    def card(self, sound: Sound, pair: int | None = None) -> ElementTree.Element:
        """The button that plays a sound: its spectrogram, or its name.

        Args:
            sound: to play.
            pair: in a group, two cards of equal number are one recording and its reconstruction.
        """
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
            **({} if pair is None else {"data_pair": pair}),
            aria_pressed="false",
            aria_label=f"Play {sound.name}",
            title=sound.name + (f" ({sound.note})" if sound.note else ""),
        )

    def in_a_row(self, name: str, sounds: Sequence[Sound]) -> str:
        """Writes sounds one after the other, with short breaks, as one file; its name."""
        pause = np.zeros(round(_PAUSE_SECONDS * self.sample_rate_hz), np.int16)
        pieces = [piece for sound in sounds for piece in (_pcm(sound), pause)]
        content = self._encoded(np.concatenate(pieces[:-1]), self._of_cards)
        (self.folder / "rows").mkdir(exist_ok=True)
        file = f"rows/{safe_name(text_of(name))}"
        suffix = self._of_cards.lower()
        path = self.folder / f"{file}.{suffix}"
        if path.exists() and path.read_bytes() != content:  # of other sounds by that name
            file += f"_{_digest(content)}"
        return self._keep(f"{file}.{suffix}", content)

    def _encoded(self, pcm: np.ndarray, form: str) -> bytes:
        file = io.BytesIO()  # libsndfile would not tell a full disk
        soundfile.write(file, pcm, self.sample_rate_hz, format=form, subtype="PCM_16")
        return file.getvalue()

    def _keep(self, name: str, content: bytes) -> str:
        path = self.folder / name
        if not path.exists():
            path.write_bytes(content)
        return name


def _pcm(sound: Sound) -> np.ndarray:
    """The sound as 16-bit samples."""
    return np.int16(np.clip(np.rint(np.float64(sound.audio) * 32768.0), -32768, 32767))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


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
