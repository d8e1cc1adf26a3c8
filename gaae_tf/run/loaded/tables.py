"""What loaded systems tell of recordings, clip by clip."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class ClipTable:
    """What was told of consecutive clips, one row each; recording after recording.

    Attributes:
        start_s: where each clip starts in its recording, seconds, float64 [rows].
        recording: which recording each row belongs to, int64 [rows].
    """

    start_s: np.ndarray
    recording: np.ndarray


@dataclasses.dataclass(frozen=True)
class Classification(ClipTable):
    """Classes of clips.

    Attributes:
        probabilities: of the classes, float32 [rows, classes].
        predicted: the most probable class of each row, by name.
    """

    probabilities: np.ndarray
    predicted: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Representation(ClipTable):
    """Codes of clips, and their classes where the system tells any.

    Attributes:
        codes: float32 [rows, …] each, by name: `guided` and `style` of a GAAE, `latent` of a GGAN,
            `features` of a BiGAN. They are attributes too: `representation.guided`.
        probabilities: as in `Classification`; None of a system without classifier.
        predicted: likewise.
    """

    codes: dict[str, np.ndarray]
    probabilities: np.ndarray | None = None
    predicted: tuple[str, ...] | None = None

    def __getattr__(self, name):
        codes = self.__dict__.get("codes", {})
        if name in codes:
            return codes[name]
        raise AttributeError(f"no {name!r} here; the codes are {', '.join(codes)}")
