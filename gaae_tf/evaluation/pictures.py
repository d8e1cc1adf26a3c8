"""A run's figures for papers, drawn of what its listening page plays and of its scores.

So a figure shows the very sounds, codes and curves that the page beside it does.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gaae_tf.evaluation.curves import LOSS
from gaae_tf.report.figures import confusion_matrix, curves, scatter, spectrogram_plate
from gaae_tf.report.page import ClassSounds, PageContents, Picture, Sound, StyleMatrix
from gaae_tf.run.loaded.base import Loaded
from gaae_tf.run.loaded.sampling import LoadedClassGenerator, LoadedGenerator

_MOST_CLASSES = 12  # of a plate, whose panels must stay large enough to see
_EXAMPLES = 2  # of each class, real, reconstructed and generated
_COLUMNS = 4  # of a plate without classes
_STYLES = 8  # in which every class is shown
_DB_PER_NEPER = 20.0 / math.log(10.0)


def pictures(
    run: Loaded,
    contents: PageContents,
    scores: dict[str, Any],
    seed: int = 0,
    log: Callable[[str], None] = print,
) -> Iterator[Picture]:
    """Draws the figures: samples beside real, styles, interpolations, codes, curves, confusions.

    Args:
        run: the trained run, which generates more styles of each class.
        contents: of its listening page.
        scores: what `evaluate` wrote.
        seed: of the styles.
        log: receives a line for each figure that cannot be drawn, and why.
    """
    if any(sounds.generated for sounds in contents.classes):
        yield from _plates(run, contents, seed)
    yield from _codes(contents, log)
    losses = {
        curve.name.removeprefix(LOSS): (curve.steps, curve.values)
        for curve in contents.curves
        if curve.name.startswith(LOSS)
    }
    if losses:
        title = "Loss terms over iterations"
        yield Picture("training_curves", title, curves(losses))
    else:
        log("no figure of the training's curves: its logs hold none")
    confusions, classes = scores["details"]["confusion"], scores["provenance"]["classes"]
    for name, what, meant, found in (
        ("samples", "Generated sounds", "requested class", "class found by the scorer"),
        ("classifier", "Real test clips", "true class", "class found by C"),
    ):
        if name not in confusions:  # no such part
            continue
        counts = np.array(confusions[name])
        if not counts.sum():
            log(f"no confusion matrix of {name}: no clip has a class")
            continue
        yield Picture(
            f"confusion_{name}",
            f"{what}: {found} for each {meant}, of {counts.sum():,}",
            confusion_matrix(counts, classes, meant=meant, found=found),
        )


class _Drawing:
    """Draws plates of spectrograms as a run's own have them."""

    def __init__(self, run: Loaded, contents: PageContents) -> None:
        path = run.signal_path.shown
        floor, ceiling = path.scaling.limits_nepers
        self._blank = np.full_like(contents.classes[-1].generated[0].spectrogram, np.nan)
        # What a system without classes generates stands behind them.
        self.of = len(contents.classes) - (not run.classes)
        self._some = f"; {_MOST_CLASSES} of {self.of} classes" if self.of > _MOST_CLASSES else ""
        self._axes = {
            "sample_rate_hz": run.sample_rate_hz,
            "hop_samples": path.stft.hop_samples,
            "dynamic_range_db": (ceiling - floor) * _DB_PER_NEPER,
        }

    def plate(
        self,
        name: str,
        title: str,
        rows: Sequence[str],
        columns: Sequence[str],
        panels: Sequence[Sequence[Sound | np.ndarray | None]],
    ) -> Picture:
        """A plate of panels [rows][columns], empty where there is none."""
        spectrograms = [[_spectrogram(panel, self._blank) for panel in row] for row in panels]
        figure = spectrogram_plate(np.array(spectrograms), rows, columns, **self._axes)
        return Picture(name, title + self._some, figure)


def _plates(
    run: LoadedClassGenerator | LoadedGenerator, contents: PageContents, seed: int
) -> Iterator[Picture]:
    drawing = _Drawing(run, contents)
    shown = contents.classes[: drawing.of][:_MOST_CLASSES]
    classes = run.classes[:_MOST_CLASSES]
    if classes:
        yield drawing.plate(*_by_class(shown))
    else:
        yield drawing.plate(*_without_classes(shown, contents.classes[drawing.of].generated))
    if contents.matrix:
        yield drawing.plate(*_styles_in_classes(contents.matrix, classes))
    if classes:
        analyse = run.signal_path.shown.spectrogram
        yield drawing.plate(
            "class_across_styles",
            "Each row one class, each column one style drawn from the prior",
            classes,
            [f"style {i + 1}" for i in range(_STYLES)],
            [analyse(run.generate(name, _STYLES, seed)).numpy()[..., 0] for name in classes],
        )
    if contents.strips:
        in_classes = ", each row in one class" if classes else ""
        yield drawing.plate(
            "interpolations",
            f"From one drawn style to another, z0 + η (z1 − z0){in_classes}",
            classes or ["of no class"],
            [f"η = {caption}" for caption in contents.strips[0].captions],
            [strip.sounds for strip in contents.strips[: max(len(classes), 1)]],
        )


def _styles_in_classes(matrix: StyleMatrix, classes: Sequence[str]) -> tuple:
    """Name, title, rows, columns and panels of a plate with one row a style."""
    recordings = sum(isinstance(source, Sound) for source in matrix.sources)
    return (
        "styles_in_classes",
        "Each row one style, of a test recording or drawn from the prior, in every class",
        [
            f"recording {i + 1}" if i < recordings else f"drawn {i + 1 - recordings}"
            for i in range(len(matrix.sources))
        ],
        classes,
        [row[: len(classes)] for row in matrix.sounds],
    )


def _by_class(classes: Sequence[ClassSounds]) -> tuple:
    """Name, title, rows, columns and panels of a plate with one row a class."""
    numbers = range(_EXAMPLES)
    reconstructs = any(sounds.reconstructed for sounds in classes)
    recorded = ("real", "reconstructed") if reconstructs else ("real",)
    kinds = [(kind, i) for i in numbers for kind in recorded]
    kinds += [("generated", i) for i in numbers]
    return (
        "samples",
        f"Recordings, {'their reconstructions, ' if reconstructs else ''}and generated sounds",
        [sounds.name for sounds in classes],
        [f"{kind} {i + 1}" for kind, i in kinds],
        # A class of few test clips has empty panels.
        [
            [next(iter(getattr(sounds, kind)[i : i + 1]), None) for kind, i in kinds]
            for sounds in classes
        ],
    )


def _without_classes(classes: Sequence[ClassSounds], generated: Sequence[Sound]) -> tuple:
    """As `_by_class`: rows of recordings, of one class after the other, and rows of sounds."""
    in_turn = itertools.zip_longest(*(sounds.real for sounds in classes))
    real = [sound for sounds in in_turn for sound in sounds if sound]
    rows = {}
    for kind, sounds in (("recordings", real), ("generated", generated)):
        for i in range(0, min(len(sounds), 2 * _COLUMNS), _COLUMNS):
            four = list(sounds[i : i + _COLUMNS])
            rows[f"{kind} {i + 1} to {i + len(four)}"] = four + [None] * (_COLUMNS - len(four))
    title = "Recordings, and sounds that were generated without a class"
    return "samples", title, list(rows), [""] * _COLUMNS, list(rows.values())


def _spectrogram(panel: Sound | np.ndarray | None, blank: np.ndarray) -> np.ndarray:
    if panel is None:
        return blank
    return panel.spectrogram if isinstance(panel, Sound) else panel


def _codes(contents: PageContents, log: Callable[[str], None]) -> Iterator[Picture]:
    """One figure for each label, z and z′ side by side."""
    if not contents.points:
        log("no figure of the codes: there are none, or t-SNE cannot be had")
        return
    classes = [sounds.name for sounds in contents.classes]
    panels = [(points.name, points.x, points.y) for points in contents.points]
    used: list[str] = []
    for label, values in contents.points[0].labels.items():
        letters = re.sub(r"[^0-9a-z]+", "_", label.lower()).strip("_") or "label"
        name = f"codes_by_{letters}"
        if name in used:  # two labels that differ in other letters alone
            name += f"_{len(used)}"
        used.append(name)
        title = f"{contents.points[0].note}, coloured by {label}"
        yield Picture(name, title, scatter(panels, values, label, classes))
