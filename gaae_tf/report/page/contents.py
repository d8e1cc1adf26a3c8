"""What a listening page shows, checked: sounds, scores, curves, codes and figures of a run."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

FREQUENCY_AXES = ("linear", "log")


@dataclasses.dataclass(frozen=True, eq=False)
class Sound:
    """One sound to play.

    Attributes:
        name: what a reader calls it: "guitar, generated 2".
        audio: float [samples] in [-1, 1]; beyond is clipped.
        spectrogram: float [bins, frames] in [-1, 1] with the lowest bin first, or a picture: uint8
            [height, width, 3] or the path of a PNG file. Its rows lie evenly from 0 Hz, at the
            bottom of a picture, to half the sample rate. None shows none.
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
        explanation: a sentence for a reader who does not know the measure; "" for none.
        group: under which heading of the table it stands; "" for none.
        large: whether it is one of the few that are shown large, above the folded table.
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
    explanation: str = ""
    group: str = ""
    large: bool = False

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
        title: the name in words; "" where the name says it.
        group: what it stands together with: "losses"; "" for none. Groups come in the order of
            their first curves, and all but the first one are folded.
    """

    name: str
    steps: np.ndarray
    values: np.ndarray
    title: str = ""
    group: str = ""

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
        introduction: a sentence below the title: what this is, and what to listen for.
        facts: name -> text, a short list at the end: run, step, data set, vocoder, versions.
        frequency_axis: on which pictures are shown at first, "linear" or "log", for sounds with a
            pitch; readers may change it.
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
    frequency_axis: str = "linear"
    scores: Sequence[Score] = ()
    curves: Sequence[Curve] = ()
    classes: Sequence[ClassSounds] = ()
    matrix: StyleMatrix | None = None
    strips: Sequence[Strip] = ()
    points: Sequence[PointSet] = ()
    pictures: Sequence[Picture] = ()

    def __post_init__(self):
        if self.frequency_axis not in FREQUENCY_AXES:
            raise ValueError(
                f"frequency_axis must be one of {', '.join(FREQUENCY_AXES)}, got "
                f"{self.frequency_axis!r}"
            )
        names = [picture.name.lower() for picture in self.pictures]
        if len(set(names)) < len(names):
            raise ValueError(f"pictures must have different names, got {', '.join(names)}")


def _check_lengths(what: str, **parts: Sequence) -> None:
    lengths = {name: len(part) for name, part in parts.items()}
    if len(set(lengths.values())) > 1 or not all(lengths.values()):
        counts = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"{what} must have as many of each and one at least, got {counts}")
