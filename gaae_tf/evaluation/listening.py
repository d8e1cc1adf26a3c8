"""A run's listening page: its scores, curves, sounds and codes, put together for `report.page`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gaae_tf.data.audio import from_int16
from gaae_tf.data.shards import Clips
from gaae_tf.evaluation.curves import curves
from gaae_tf.evaluation.encoded import Encoded
from gaae_tf.evaluation.measures.representations import TooFew, tsne
from gaae_tf.evaluation.page_scores import page_scores
from gaae_tf.evaluation.pictures import pictures
from gaae_tf.report.page import (
    ClassSounds,
    PageContents,
    PointSet,
    Sound,
    Strip,
    StyleMatrix,
    write_page,
)
from gaae_tf.run import names as run_names
from gaae_tf.run.loaded.base import Loaded
from gaae_tf.run.loaded.reading import LoadedEncoder
from gaae_tf.run.loaded.sampling import LoadedClassGenerator, LoadedGenerator
from gaae_tf.run.names import REPORT
from gaae_tf.scores import catalogue
from gaae_tf.scores.figure import read

_SOUNDS_A_CLASS = 4
_STYLES = 3  # of the matrix, from recordings and as many drawn
_STRIP_SOUNDS = 7
_POINTS = 300

_CODES = {  # by their names in `Representation.codes`
    "guided": "z, the guided code",
    "style": "z′, the style code",
    "latent": "z, the one code",
    "features": "F(x), the features",
}
# Real clips as periodic as this have a pitch, so that octaves say more than hertz: notes have 0.98,
# spoken digits 0.78.
_PITCHED_HARMONICITY = 0.9


def write_listening_page(
    run: Loaded,
    run_dir: Path,
    scores: dict[str, Any],
    test: Clips,
    encoded: Encoded | None,
    seed: int = 0,
    log: Callable[[str], None] = print,
) -> Path:
    """Writes `<run_dir>/report`, figures for papers in `figures` in it.

    Args:
        run: the trained run.
        run_dir: its folder.
        scores: what `evaluate` wrote.
        test: real test clips with labels.
        encoded: what the run's networks say of them, as in `contents_of`.
        seed: of what is drawn and generated.
        log: receives what takes long, and a line for each figure that cannot be drawn.

    Returns:
        Path of the page's `index.html`.

    Raises:
        OSError: the page cannot be written.
    """
    contents = contents_of(run, run_dir, scores, test, encoded, seed)
    if run.can("represent"):
        classes = scores["provenance"]["classes"]
        points = list(_points(run, classes, test, encoded, seed, log))
        contents = dataclasses.replace(contents, points=points)
    log("figures for papers")
    drawn = list(pictures(run, contents, scores, seed, log))
    return write_page(Path(run_dir) / REPORT, dataclasses.replace(contents, pictures=drawn))


def contents_of(
    run: Loaded,
    run_dir: Path,
    scores: dict[str, Any],
    test: Clips,
    encoded: Encoded | None,
    seed: int = 0,
) -> PageContents:
    """What a run's page shows, but the map of codes and figures for papers.

    What the run cannot do, such as reconstruct, its page does not show.

    Args:
        run: the trained run.
        run_dir: its folder, whose logs give the curves.
        scores: what `evaluate` wrote.
        test: real test clips with labels.
        encoded: what the run's networks say of them, which are not asked again; None of a run that
            gives no codes.
        seed: of what is drawn and generated.
    """
    provenance = scores["provenance"]
    classes = provenance["classes"]
    generates, chooses = run.can("generate"), run.can("choose_class")
    return PageContents(
        title=f"{Path(run_dir).name}: sounds and codes",
        sample_rate_hz=run.sample_rate_hz,
        introduction=_introduction(run, provenance["dataset"]["name"]),
        frequency_axis=_frequency_axis(run, scores),
        facts=_facts(run, provenance),
        scores=list(page_scores(scores)),
        curves=list(curves(Path(run_dir) / run_names.LOGS)),
        classes=[
            *(
                _class_sounds(run, label, name, test, encoded, seed)
                for label, name in enumerate(classes)
            ),
            *([_sounds_of_no_class(run, seed)] if generates and not chooses else []),
        ],
        matrix=_matrix(run, test, encoded, seed) if chooses else None,
        strips=(
            [_strip(run, name, seed, scores) for name in run.classes or ("",)] if generates else ()
        ),
    )


def _facts(run: Loaded, provenance: dict[str, Any]) -> dict[str, str]:
    """What the page says of the run."""
    labels = provenance["labels_of_the_run"]
    no_vocoder = f"none, it makes {'audio' if run.can('generate') else 'no sound'}"
    return {
        "system": f"{run.config.model}, {f'{labels} labels' if labels else 'without labels'}",
        "classes": ", ".join(provenance["classes"]),
        "checkpoint": f"{run.checkpoint}, step {run.step:,}",
        "vocoder": run.vocoder or no_vocoder,
        "versions": ", ".join(f"{k} {v}" for k, v in provenance["versions"].items()),
    }


def _introduction(run: Loaded, dataset: str) -> str:
    """What the page is, and what to listen for."""
    generates, reconstructs = run.can("generate"), run.can("reconstruct")
    model = f"the model {run.config.model}"
    wanted = []
    if run.can("choose_class"):
        wanted.append("whether each generated sound is of the class that was asked for")
    elif generates:
        wanted.append("how near generated sounds come to recordings")
    if reconstructs:
        wanted.append("what each reconstruction keeps of its recording")
    if not wanted:
        near = "with codes near one another" if run.can("represent") else "of one class"
        wanted.append(f"what recordings {near} have in common")
    does = f"how {model} orders them"
    if generates or reconstructs:
        does = f"what {model} makes of them"
    return (
        f"Recordings of {dataset}, and {does} after {run.step:,} iterations: "
        f"listen for {', and for '.join(wanted)}."
    )


def _frequency_axis(run: Loaded, scores: dict[str, Any]) -> str:
    """On which axis the page shows spectrograms at first: in octaves where sounds have a pitch."""
    real = catalogue.of_real_test(catalogue.HARMONICITY)
    harmonicity = read(scores, real.key)["value"] or 0.0
    pitched = run.config.frequency_axis == "log" or harmonicity >= _PITCHED_HARMONICITY
    return "log" if pitched else "linear"


def _class_sounds(
    run: Loaded, label: int, name: str, test: Clips, encoded: Encoded | None, seed: int
) -> ClassSounds:
    chosen = _some(np.flatnonzero(test.labels == label), _SOUNDS_A_CLASS, seed)
    real = from_int16(test.audio[chosen])
    sources = [test.sources[i] for i in chosen]
    reconstructed = real[:0]
    if run.can("reconstruct") and len(real):
        reconstructed = run.to_audio(run.decode(encoded.subset(chosen).codes))
    generates = run.can("choose_class")
    generated = run.generate(name, _SOUNDS_A_CLASS, seed) if generates else real[:0]
    return ClassSounds(
        name=name,
        real=_sounds(run, real, lambda i: f"{name}, real {i + 1}", sources),
        reconstructed=_sounds(
            run, reconstructed, lambda i: f"{name}, reconstructed {i + 1}", sources
        ),
        generated=_sounds(
            run,
            generated,
            lambda i: f"{name}, generated {i + 1}",
            [f"seed {seed}"] * len(generated),
        ),
    )


def _sounds_of_no_class(run: LoadedGenerator, seed: int) -> ClassSounds:
    """What a system without classes generates."""
    generated = run.generate(2 * _SOUNDS_A_CLASS, seed)
    notes = [f"seed {seed}"] * len(generated)
    sounds = _sounds(run, generated, lambda i: f"generated {i + 1}", notes)
    return ClassSounds("of no class", generated=sounds)


def _matrix(
    run: LoadedClassGenerator, test: Clips, encoded: Encoded | None, seed: int
) -> StyleMatrix:
    """Styles of recordings, where the run has such codes, and drawn ones, each in every class."""
    restyles = run.can("restyle")
    chosen = _some(np.arange(len(test.labels)), _STYLES if restyles else 0, seed)
    real = from_int16(test.audio[chosen])
    sources = [test.sources[i] for i in chosen]
    rows: list[list[Sound]] = [[] for _ in range(len(chosen) + _STYLES)]
    for name in run.classes:
        # Equal seeds draw equal styles, whatever the class.
        restyled = real
        if restyles:
            codes = encoded.subset(chosen).codes
            restyled = run.restyle_codes(codes, [name] * len(chosen))
        columns = np.concatenate([restyled, run.generate(name, _STYLES, seed)])
        for row, sound in zip(rows, _sounds(run, columns, lambda i, n=name: n), strict=True):
            row.append(sound)
    styles = _sounds(run, real, lambda i: f"style of {sources[i]}", sources)
    drawn = [f"drawn style {index + 1}" for index in range(_STYLES)]
    return StyleMatrix([*styles, *drawn], run.classes, rows)


def _strip(run: Loaded, name: str, seed: int, scores: dict[str, Any]) -> Strip:
    """Sounds from one style to another in a class; without classes, `name` is ""."""
    label = {"label": name} if name else {}
    sounds = run.interpolate(seed, seed + 1, count=_STRIP_SOUNDS, **label)
    of_class = f"{name}, " if name else ""
    captions = [f"{eta:.2f}" for eta in np.linspace(0.0, 1.0, _STRIP_SOUNDS)]
    return Strip(
        f"{of_class}from style {seed} to style {seed + 1}",
        _sounds(run, sounds, lambda i: f"{of_class}{captions[i]} of the way"),
        captions,
        _smoothness(name, scores["details"]["interpolation"]),
    )


def _smoothness(name: str, interpolation: dict[str, Any]) -> str:
    """What was measured on such paths of the class, or of all, in words."""
    figures = interpolation["scorer_features"]
    if name:
        figures = figures["by_class"][name]
    ratio, share = figures["path_length_ratio"], figures["largest_step_share"]
    if ratio["value"] is None:
        return f"Smoothness: none; {ratio['reason']}"
    steps = interpolation["points"] - 1
    paths = f"{ratio['pairs']} paths{' of this class' if name else ''}"
    return (
        f"Mean of {paths}, in the scorer's features: "
        f"{ratio['value']:.2f} times as long as straight; the largest of {steps} steps is "
        f"{100 * share['value']:.0f} % of it (even steps: {100 / steps:.1f} %)."
    )


def _points(
    run: LoadedEncoder,
    classes: Sequence[str],
    test: Clips,
    encoded: Encoded,
    seed: int,
    log: Callable[[str], None],
) -> Iterator[PointSet]:
    """Codes of test clips in the plane, z and z′ of a GAAE."""
    chosen = np.sort(_some(np.arange(len(test.labels)), _POINTS, seed))
    some, codes = test.subset(chosen), encoded.subset(chosen).codes
    audio = from_int16(some.audio)
    labels: dict[str, Sequence[str | None] | np.ndarray] = {
        "class": [classes[label] if label >= 0 else None for label in some.labels]
    }
    if len(set(some.speakers)) > 1:  # names, even those that are numbers
        labels["speaker"] = [speaker or None for speaker in some.speakers]
    for label, values in some.extra.items():
        if len(set(values)) > 1:
            labels[label] = _numbers_or_texts(values)
    sounds = _sounds(run, audio, lambda i: some.sources[i])
    log(f"the codes of {len(audio)} test clips in a plane")
    for name, code in ((_CODES[name], code) for name, code in codes.items()):
        try:
            plane = tsne(code, seed)
        except TooFew as error:
            log(f"no points of {name}: {error}")
            continue
        yield PointSet(
            name, plane[:, 0], plane[:, 1], sounds, labels, f"t-SNE of {len(audio)} test clips"
        )


def _numbers_or_texts(values: Sequence[str]) -> np.ndarray | list[str | None]:
    """Numbers, NaN where there is none, if all that there are are; else texts."""
    try:
        numbers = np.array([float(value or "nan") for value in values])
    except ValueError:
        return [value or None for value in values]
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _sounds(
    run: Loaded,
    audio: np.ndarray,
    name: Callable[[int], str],
    notes: Sequence[str] | None = None,
) -> list[Sound]:
    if not len(audio):
        return []
    analyse = run.signal_path.shown.spectrogram
    spectrograms = analyse(np.asarray(audio, np.float32)).numpy()[..., 0]
    return [
        Sound(name(i), sound, spectrogram, notes[i] if notes else "")
        for i, (sound, spectrogram) in enumerate(zip(audio, spectrograms, strict=True))
    ]


def _some(indices: np.ndarray, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(indices)[:count]
