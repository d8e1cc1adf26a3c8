"""A run's listening page: its scores, curves, sounds and codes, put together for `report.page`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorflow import make_ndarray

from gaae_tf.data.audio import from_int16
from gaae_tf.data.shards import Clips
from gaae_tf.loading import LoadedGAAE
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
from gaae_tf.representations import TooFew, tsne
from gaae_tf.training import run_folder

REPORT = "report"  # in the run folder

_SOUNDS_A_CLASS = 4
_STYLES = 3  # of the matrix, from recordings and as many drawn
_STRIP_SOUNDS = 7
_POINTS = 300
_MOST_CURVE_POINTS = 500

_SCORES = (  # name, where in the samples' figures, unit, factor, decimals, better
    ("requested class found", ("class_accuracy",), "%", 100.0, 1, "higher"),
    ("Inception Score", ("inception_score",), "", 1.0, 2, "higher"),
    ("modified Inception Score", ("modified_inception_score",), "", 1.0, 2, "higher"),
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
    run: LoadedGAAE, run_dir: Path, scores: dict[str, Any], test: Clips, seed: int = 0
) -> Path:
    """Writes `<run_dir>/report`.

    Args:
        run: the trained run.
        run_dir: its folder, whose logs give the curves.
        scores: what `evaluate` wrote.
        test: real test clips with labels.
        seed: of what is drawn and generated.

    Returns:
        Path of the page's `index.html`.

    Raises:
        OSError: the page cannot be written.
    """
    provenance = scores["provenance"]
    contents = PageContents(
        title=f"{Path(run_dir).name}: sounds and codes",
        sample_rate_hz=run.sample_rate_hz,
        introduction=(
            f"A guided adversarial autoencoder after {run.step:,} iterations on "
            f"{provenance['dataset']['name']}, guided by {provenance['labels_of_the_run']} labels."
        ),
        facts={
            "classes": ", ".join(run.classes),
            "checkpoint": f"{run.checkpoint}, step {run.step:,}",
            "vocoder": run.vocoder,
            "versions": ", ".join(f"{k} {v}" for k, v in provenance["versions"].items()),
        },
        scores=list(_scores(scores)),
        curves=list(_curves(Path(run_dir) / run_folder.LOGS)),
        classes=[_class_sounds(run, label, test, seed) for label in range(len(run.classes))],
        matrix=_matrix(run, test, seed),
        strips=[_strip(run, name, seed) for name in run.classes],
        points=list(_points(run, test, seed)),
    )
    return write_page(Path(run_dir) / REPORT, contents)


def _scores(scores: dict[str, Any]) -> Iterator[Score]:
    details, provenance = scores["details"], scores["provenance"]
    scorer, accuracy = provenance["scorer"], provenance["scorer"]["test_accuracy"]
    known = {
        "scorer": f"{scorer['name']}: {scorer['source']}",
        "scorer's accuracy": (
            "not to be had"
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
    for name, path, unit, factor, decimals, better in _SCORES:
        figure, real = (_at(details[part], path) for part in ("samples", "real_test"))
        yardstick = "real test clips"
        if path[0] == "against_real_test":  # real test clips themselves, against real training
            real = _at(details["real_test"], ("against_real_train", *path[1:]))
            yardstick = "real test against real training clips"
        yardsticks = {}
        if path[0] == "memorisation":
            yardsticks["fair sounds"] = 5.0
        elif real is not None and real["value"] is not None:
            yardsticks[f"{yardstick} ({_clips(real)})"] = factor * real["value"]
        of = samples | {"clips": _clips(figure)} if "clips" in figure else samples
        yield _score(name, figure, unit, factor, decimals, better, of, yardsticks)
    same = details["simple_classifier_same_labels_accuracy"]
    yield _score(
        "C's accuracy on real test clips",
        details["classifier_test_accuracy"],
        *("%", 100.0, 1, "higher"),
        known | {"labels": str(provenance["labels_of_the_run"])},
        {} if same["value"] is None else {"simple CNN, same labels": 100.0 * same["value"]},
    )
    reconstruction = {"test clips": str(details["reconstruction"]["test_clips"])}
    for name, key, unit, decimals in (
        ("reconstruction, mean squared error", "mse", "", 4),
        ("spectral convergence of its sound", "spectral_convergence_db", "dB", 1),
    ):
        figure = details["reconstruction"][key]
        yield _score(name, figure, unit, 1.0, decimals, "lower", reconstruction, {})
    for table in details["representations"].values():
        for label, by_code in table["probes"].items():
            for code, probe in by_code.items():
                yield _probe_score(table["dataset"], label, code, probe)


def _clips(figure: dict[str, Any]) -> str:
    clips = figure["clips"]
    return " against ".join(f"{n:,}" for n in (clips if isinstance(clips, list) else [clips]))


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
    name = f"{label} told from the {code} code{'s' if code == 'both' else ''}"
    if "reason" in probe:
        return Score(name, None, reason=probe["reason"])
    return Score(
        name=name,
        value=100.0 * probe["linear"],
        unit="%",
        decimals=1,
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


def _class_sounds(run: LoadedGAAE, label: int, test: Clips, seed: int) -> ClassSounds:
    name = run.classes[label]
    chosen = _some(np.flatnonzero(test.labels == label), _SOUNDS_A_CLASS, seed)
    real = from_int16(test.audio[chosen])
    sources = [test.sources[i] for i in chosen]
    generated = run.generate(name, _SOUNDS_A_CLASS, seed)
    return ClassSounds(
        name=name,
        real=_sounds(run, real, lambda i: f"{name}, real {i + 1}", sources),
        reconstructed=_sounds(
            run, run.reconstruct(real), lambda i: f"{name}, reconstructed {i + 1}", sources
        ),
        generated=_sounds(
            run,
            generated,
            lambda i: f"{name}, generated {i + 1}",
            [f"seed {seed}"] * len(generated),
        ),
    )


def _matrix(run: LoadedGAAE, test: Clips, seed: int) -> StyleMatrix:
    """Styles of recordings and drawn ones, each in every class."""
    chosen = _some(np.arange(len(test.labels)), _STYLES, seed)
    real = from_int16(test.audio[chosen])
    sources = [test.sources[i] for i in chosen]
    rows: list[list[Sound]] = [[] for _ in range(len(chosen) + _STYLES)]
    for name in run.classes:
        # Equal seeds draw equal styles, whatever the class.
        columns = np.concatenate([run.restyle(real, name), run.generate(name, _STYLES, seed)])
        for row, sound in zip(rows, _sounds(run, columns, lambda i, n=name: n), strict=True):
            row.append(sound)
    styles = _sounds(run, real, lambda i: f"style of {sources[i]}", sources)
    drawn = [f"drawn style {index + 1}" for index in range(_STYLES)]
    return StyleMatrix([*styles, *drawn], run.classes, rows)


def _strip(run: LoadedGAAE, name: str, seed: int) -> Strip:
    sounds = run.interpolate(seed, seed + 1, count=_STRIP_SOUNDS, label=name)
    captions = [f"{eta:.2f}" for eta in np.linspace(0.0, 1.0, _STRIP_SOUNDS)]
    return Strip(
        f"{name}, from style {seed} to style {seed + 1}",
        _sounds(run, sounds, lambda i: f"{name}, {captions[i]} of the way"),
        captions,
    )


def _points(run: LoadedGAAE, test: Clips, seed: int) -> Iterator[PointSet]:
    """Codes z and z′ of test clips in the plane."""
    some = test.subset(np.sort(_some(np.arange(len(test.labels)), _POINTS, seed)))
    audio = from_int16(some.audio)
    codes = run.encode(run.signal_path.spectrogram(audio).numpy())[:2]
    labels: dict[str, Sequence[str | None]] = {
        "class": [run.classes[label] if label >= 0 else None for label in some.labels]
    }
    for label, values in {"speaker": some.speakers, **some.extra}.items():
        if len(set(values)) > 1:
            labels[label] = [value or None for value in values]
    sounds = _sounds(run, audio, lambda i: some.sources[i])
    for name, code in zip(("z, the guided code", "z′, the style code"), codes, strict=True):
        try:
            plane = tsne(code, seed)
        except TooFew:
            continue
        yield PointSet(
            name, plane[:, 0], plane[:, 1], sounds, labels, f"t-SNE of {len(audio)} test clips"
        )


def _sounds(
    run: LoadedGAAE,
    audio: np.ndarray,
    name: Callable[[int], str],
    notes: Sequence[str] | None = None,
) -> list[Sound]:
    spectrograms = run.signal_path.spectrogram(np.asarray(audio, np.float32)).numpy()[..., 0]
    return [
        Sound(name(i), sound, spectrogram, notes[i] if notes else "")
        for i, (sound, spectrogram) in enumerate(zip(audio, spectrograms, strict=True))
    ]


def _some(indices: np.ndarray, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(indices)[:count]
