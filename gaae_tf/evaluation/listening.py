"""A run's listening page: its scores, curves, sounds and codes, put together for `report.page`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorflow import make_ndarray

from gaae_tf.data.audio import from_int16
from gaae_tf.data.shards import Clips
from gaae_tf.evaluation.measures.interpolations import SPACES
from gaae_tf.evaluation.measures.representations import TooFew, tsne
from gaae_tf.evaluation.pictures import pictures
from gaae_tf.report.page import (
    ClassSounds,
    Curve,
    PageContents,
    PointSet,
    Score,
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

_SOUNDS_A_CLASS = 4
_STYLES = 3  # of the matrix, from recordings and as many drawn
_STRIP_SOUNDS = 7
_POINTS = 300
_MOST_CURVE_POINTS = 500

_CODES = {  # by their names in `Representation.codes`
    "guided": "z, the guided code",
    "style": "z′, the style code",
    "latent": "z, the one code",
    "features": "F(x), the features",
}
_SCORES = (  # name, where in the samples' figures, unit, factor, decimals, better
    ("requested class found", ("class_accuracy",), "%", 100.0, 1, "higher"),
    ("Inception Score", ("inception_score",), "", 1.0, 2, "higher"),
    ("modified Inception Score", ("modified_inception_score",), "", 1.0, 0, "higher"),
    ("AM score", ("am_score",), "", 1.0, 3, "lower"),
    ("Fréchet distance, logits", ("against_real_test", "frechet_logits"), "", 1.0, 2, "lower"),
    ("Fréchet distance, features", ("against_real_test", "frechet_features"), "", 1.0, 2, "lower"),
    ("kernel distance", ("against_real_test", "kernel_distance_features"), "", 1.0, 4, "lower"),
    ("precision", ("against_real_test", "precision"), "", 1.0, 3, "higher"),
    ("recall", ("against_real_test", "recall"), "", 1.0, 3, "higher"),
    ("density", ("against_real_test", "density"), "", 1.0, 3, "higher"),
    ("coverage", ("against_real_test", "coverage"), "", 1.0, 3, "higher"),
    ("nearer to training clips than 95 % of test clips", ("memorisation",), "%", 100.0, 1, ""),
)


def write_listening_page(
    run: Loaded,
    run_dir: Path,
    scores: dict[str, Any],
    test: Clips,
    seed: int = 0,
    log: Callable[[str], None] = print,
) -> Path:
    """Writes `<run_dir>/report`, figures for papers in `figures` in it.

    What the run cannot do, such as reconstruct, its page does not show.

    Args:
        run: the trained run.
        run_dir: its folder, whose logs give the curves.
        scores: what `evaluate` wrote.
        test: real test clips with labels.
        seed: of what is drawn and generated.
        log: receives a line for each figure that cannot be drawn.

    Returns:
        Path of the page's `index.html`.

    Raises:
        OSError: the page cannot be written.
    """
    provenance = scores["provenance"]
    classes, labels = provenance["classes"], provenance["labels_of_the_run"]
    guided = f"guided by {labels}" if labels else "without"
    generates, chooses = run.can("generate"), run.can("choose_class")
    contents = PageContents(
        title=f"{Path(run_dir).name}: sounds and codes",
        sample_rate_hz=run.sample_rate_hz,
        introduction=(
            f"A {run.config.model} after {run.step:,} iterations on "
            f"{provenance['dataset']['name']}, {guided} labels."
        ),
        facts={
            "classes": ", ".join(classes),
            "checkpoint": f"{run.checkpoint}, step {run.step:,}",
            "vocoder": run.vocoder or f"none, it makes {'audio' if generates else 'no sound'}",
            "versions": ", ".join(f"{k} {v}" for k, v in provenance["versions"].items()),
        },
        scores=list(_scores(scores)),
        curves=list(_curves(Path(run_dir) / run_names.LOGS)),
        classes=[
            *(_class_sounds(run, label, name, test, seed) for label, name in enumerate(classes)),
            *([_sounds_of_no_class(run, seed)] if generates and not chooses else []),
        ],
        matrix=_matrix(run, test, seed) if chooses else None,
        strips=(
            [_strip(run, name, seed, scores) for name in run.classes or ("",)] if generates else ()
        ),
        points=list(_points(run, classes, test, seed, log)) if run.can("represent") else (),
    )
    drawn = list(pictures(run, contents, scores, seed, log))
    return write_page(Path(run_dir) / REPORT, dataclasses.replace(contents, pictures=drawn))


def _scores(scores: dict[str, Any]) -> Iterator[Score]:
    details, provenance = scores["details"], scores["provenance"]
    scorer, accuracy = provenance["scorer"], provenance["scorer"]["test_accuracy"]
    known = {
        "scorer": f"{scorer['name']}: {scorer['source']}",
        "scorer's accuracy": (
            "not measured"
            if accuracy["value"] is None
            else f"{accuracy['value']:.1%} of {accuracy['clips']} test clips"
        ),
        "data set": provenance["guidance_dataset"]["name"],
        "seed": str(provenance["seed"]),
    }
    samples = known | {
        "samples": f"{provenance['samples']:,}",
        **{name: str(value) for name, value in provenance["samples_are"].items() if value},
    }
    for name, path, unit, factor, decimals, better in _SCORES if "samples" in details else ():
        figure, real = (_at(details[part], path) for part in ("samples", "real_test"))
        yardstick = "real test clips"
        if path[0] == "against_real_test":  # real test clips themselves, against real training
            real = _at(details["real_test"], ("against_real_train", *path[1:]))
            yardstick = "real test against real training clips"
        equal = details["samples"].get("at_real_test_count", {})
        at = ("against_real_train", *path[1:]) if path[0] == "against_real_test" else path
        # Only at the yardstick's own number of clips does a figure compare with it.
        held = {"as many sounds as real test": _at(equal, at), yardstick: real}
        yardsticks = {
            f"{what} ({_clips(one)})": factor * one["value"]
            for what, one in held.items()
            if one is not None and one["value"] is not None
        }
        if path[0] == "memorisation":
            yardsticks = {"fair sounds": 5.0}
        of = samples
        if "clips" in figure:
            name, of = f"{name} ({_clips(figure)})", samples | {"clips": _clips(figure)}
        if "reason" in equal and path[0] != "memorisation":
            of = of | {"as many sounds as real test": f"none: {equal['reason']}"}
        yield _score(name, figure, unit, factor, decimals, better, of, yardsticks)
    if "classifier_test_accuracy" in details:
        held = {
            "simple CNN, same labels": details["simple_classifier_same_labels_accuracy"],
            "augmented CNN, same labels": details.get("augmented_classifier_same_labels_accuracy"),
        }
        yield _score(
            "C's accuracy on real test clips",
            details["classifier_test_accuracy"],
            *("%", 100.0, 1, "higher"),
            known | {"labels": str(provenance["labels_of_the_run"])},
            {
                name: 100.0 * same["value"]
                for name, same in held.items()
                if same is not None and same["value"] is not None
            },
        )
    for name, key, unit, decimals in (
        ("reconstruction, mean squared error", "mse", "", 4),
        ("spectral convergence of its sound", "spectral_convergence_db", "dB", 1),
    ):
        if "reconstruction" in details:
            figure = details["reconstruction"][key]
            of = {"test clips": str(details["reconstruction"]["test_clips"])}
            yield _score(name, figure, unit, 1.0, decimals, "lower", of, {})
    if "interpolation" in details:
        yield from _smoothness_scores(details["interpolation"], known)
    for table in details.get("representations", {}).values():
        for label, by_code in table["probes"].items():
            for code, probe in by_code.items():
                yield _probe_score(table["dataset"], label, code, probe)


def _smoothness_scores(interpolation: dict[str, Any], known: dict[str, str]) -> Iterator[Score]:
    steps = interpolation["points"] - 1
    for space in [space for space in SPACES if space in interpolation]:  # of earlier scores, two
        figures = interpolation[space]
        where = f"interpolations in {SPACES[space]}"
        for name, key, unit, factor, decimals, even in (
            ("path over straight way", "path_length_ratio", "", 1.0, 2, 1.0),
            ("largest step of path", "largest_step_share", "%", 100.0, 1, 1.0 / steps),
        ):
            figure, faded = figures[key], figures["cross_fade"][key]
            yardsticks = {"straight and even": factor * even}
            if faded["value"] is not None:
                yardsticks["cross-fade of the same ends"] = factor * faded["value"]
            of = known | {
                "paths": str(figure["pairs"]),
                "sounds a path": str(interpolation["points"]),
                "rule": interpolation["rule"],
            }
            yield _score(
                f"{where}, {name}", figure, unit, factor, decimals, "lower", of, yardsticks
            )


def _clips(figure: dict[str, Any]) -> str:
    clips = figure["clips"]
    text = " against ".join(f"{n:,}" for n in (clips if isinstance(clips, list) else [clips]))
    return f"{text}, {clips / figure['splits']:,.5g} a split" if "splits" in figure else text


def _at(figures: dict[str, Any], path: Sequence[str]) -> dict[str, Any] | None:
    for name in path:
        if name not in figures:
            return None
        figures = figures[name]
    return figures


def _score(name, figure, unit, factor, decimals, better, provenance, yardsticks) -> Score:
    interval = figure.get("interval_95")
    deviation = figure.get("deviation")
    return Score(
        name=name,
        value=None if figure["value"] is None else factor * figure["value"],
        unit=unit,
        decimals=decimals,
        deviation=None if deviation is None else factor * deviation,
        interval=None if interval is None else (factor * interval[0], factor * interval[1]),
        better=better,
        yardsticks=yardsticks,
        provenance=provenance,
        reason=figure.get("reason", ""),
    )


def _probe_score(dataset: str, label: str, code: str, probe: dict[str, Any]) -> Score:
    name = f"{label} recognised from {'both codes' if code == 'both' else f'the {code} code'}"
    if "reason" in probe:
        return Score(name, None, reason=probe["reason"])
    return Score(
        name=name,
        value=100.0 * probe["linear"],
        unit="%",
        decimals=1,
        interval=tuple(100.0 * end for end in probe["linear_interval_95"]),
        yardsticks={
            "nearest neighbours": 100.0 * probe["neighbours"],
            "chance": 100.0 * probe["chance"],
        },
        provenance={
            "probe": "logistic regression",
            "data set": dataset,
            "protocol": probe["protocol"],
            "clips": str(probe["clips"]),
            "values": str(probe["values"]),
        },
    )


def _curves(logs: Path) -> Iterator[Curve]:
    """Every scalar that training logged."""
    if not logs.is_dir():
        return
    events = EventAccumulator(str(logs), size_guidance={"tensors": 0, "scalars": 0})
    events.Reload()
    for tag in sorted(events.Tags()["tensors"]):
        if events.SummaryMetadata(tag).plugin_data.plugin_name != "scalars":
            continue
        found = events.Tensors(tag)
        found = found[:: -(-len(found) // _MOST_CURVE_POINTS)]
        steps = np.array([event.step for event in found])
        order = np.argsort(steps, kind="stable")
        values = np.array([float(make_ndarray(event.tensor_proto)) for event in found])
        yield Curve(tag, steps[order], values[order])


def _class_sounds(run: Loaded, label: int, name: str, test: Clips, seed: int) -> ClassSounds:
    chosen = _some(np.flatnonzero(test.labels == label), _SOUNDS_A_CLASS, seed)
    real = from_int16(test.audio[chosen])
    sources = [test.sources[i] for i in chosen]
    reconstructs = run.can("reconstruct") and len(real)
    reconstructed = run.reconstruct(real) if reconstructs else real[:0]
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


def _matrix(run: LoadedClassGenerator, test: Clips, seed: int) -> StyleMatrix:
    """Styles of recordings, where the run has such codes, and drawn ones, each in every class."""
    restyles = run.can("restyle")
    chosen = _some(np.arange(len(test.labels)), _STYLES if restyles else 0, seed)
    real = from_int16(test.audio[chosen])
    sources = [test.sources[i] for i in chosen]
    rows: list[list[Sound]] = [[] for _ in range(len(chosen) + _STYLES)]
    for name in run.classes:
        # Equal seeds draw equal styles, whatever the class.
        restyled = run.restyle(real, name) if restyles else real
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
    seed: int,
    log: Callable[[str], None],
) -> Iterator[PointSet]:
    """Codes of test clips in the plane, z and z′ of a GAAE."""
    some = test.subset(np.sort(_some(np.arange(len(test.labels)), _POINTS, seed)))
    audio = from_int16(some.audio)
    codes = run.codes(run.signal_path.spectrogram(audio).numpy())
    labels: dict[str, Sequence[str | None] | np.ndarray] = {
        "class": [classes[label] if label >= 0 else None for label in some.labels]
    }
    if len(set(some.speakers)) > 1:  # names, even those that are numbers
        labels["speaker"] = [speaker or None for speaker in some.speakers]
    for label, values in some.extra.items():
        if len(set(values)) > 1:
            labels[label] = _numbers_or_texts(values)
    sounds = _sounds(run, audio, lambda i: some.sources[i])
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
