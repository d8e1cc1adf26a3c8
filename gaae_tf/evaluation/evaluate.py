"""Scores a trained run on the data set it was trained on (METHOD §7; paper IV-C, V).

Where another data set guided it, all that has to do with classes is measured on that one, and
reconstruction on the one it was trained on.

`scores.json` has every figure with where it comes from: the scorer and its own accuracy, the
sample counts, the data set, the seed, the vocoder and the versions. A figure that cannot be had,
say for too few test clips, is null with the reason beside it, never a made-up number. The form:

    the main figures, plain numbers or null
    details
        samples, real_test, real_train   by measure (`measures.quality`); real clips' are the
                                         yardstick, measured as if they were samples;
                                         samples' `at_real_test_count` has what compares with it:
                                         figures of as many sounds as there are real test clips;
                                         `harmonicity`, how periodic sounds are, but real_train's
        interpolation, confusion         of sounds along paths; which class found for which meant
        classifier_test_accuracy, simple_classifier_same_labels_accuracy,
        augmented_classifier_same_labels_accuracy
        reconstruction                   errors, pitch, periodicity (`gaae_tf.reconstructions`)
        restyling                        class changed and the rest kept (`measures.restyling`)
        representations                  probes of the codes (`gaae_tf.representations.Probe`)
        codes                            of test clips beside the prior's draws (`gaae_tf.prior`)
        usefulness                       by what taught: samples, samples_and_real_clips, real_clips
        validation                       the last figures of the run's `validation.json`, which
                                         training measured on validation clips, as plain numbers
        (what a system has no part for is absent: BigGAN's codes, C and reconstruction; GGAN's
        reconstruction and restyling; a classifier's samples and all that is measured of them)
    provenance                           `phases` have each phase's seconds and peak memory

A figure is {"value": ..., "clips": ..., ...} with its uncertainty: `interval_95` (Wilson's), or
`deviation` with `deviation_is`, or a deviation of null with `deviation_reason`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import confusion_matrix

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.data.pipeline import evaluation_batches, map_clips, to_float
from gaae_tf.data.shards import Clips, Dataset, load_dataset, read_clips
from gaae_tf.evaluation.classifiers import classify, train_classifier
from gaae_tf.evaluation.listening import write_listening_page
from gaae_tf.evaluation.measures.hearing import MOST_SOUNDS, harmonicity_of_clips
from gaae_tf.evaluation.measures.interpolations import SPACES, Interpolator, interpolation
from gaae_tf.evaluation.measures.prior import prior_figures
from gaae_tf.evaluation.measures.quality import Scored, accuracy, at_real_test_count, quality
from gaae_tf.evaluation.measures.reconstructions import Autoencoder, reconstruction
from gaae_tf.evaluation.measures.representations import Probe, probes
from gaae_tf.evaluation.measures.restyling import Restyler, restyling
from gaae_tf.evaluation.phases import Phases
from gaae_tf.evaluation.samples import Generator, from_folder, generated
from gaae_tf.evaluation.scorers import (
    Scorer,
    checkpoint_scorer,
    dataset_id,
    labelled_clips,
    trained_scorer,
)
from gaae_tf.evaluation.settings import EvaluateSettings, ScorerSettings
from gaae_tf.files import write_text
from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.run import names as run_names
from gaae_tf.run.folder import read_validation
from gaae_tf.run.look import no_run
from gaae_tf.run.names import SCORES, SCORES_OF_SAMPLES
from gaae_tf.systems.augmentation import augmented

EVALUATION = "evaluation"  # in the run folder: blocks of scored sounds

# Clips whose codes are probed, at most, of either part.
_MOST_CODES = 10_000
# Of the simple classifier that altered spectrograms teach: they take longer to learn from.
_STEPS_OF_AUGMENTED = 3
_SAME_LABELS = (
    "simple_classifier_same_labels_accuracy",
    "augmented_classifier_same_labels_accuracy",
)


class Run(Generator, Interpolator, Autoencoder, Restyler, Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it.

    Of `generate`, `class_probabilities`, `codes`, `reconstruct` and `restyle_each` it may have some
    alone; what the others would give is not measured.

    Audio is float32 [clips, clip_samples] in [-1, 1]; spectrograms are float32
    [clips, bins, frames, 1] in [-1, 1].
    """

    config: TrainConfig  # names its data sets

    def class_probabilities(self, spectrograms: np.ndarray) -> np.ndarray:
        """Gives probabilities of the classes, float32 [clips, classes]."""

    def codes(self, spectrograms: np.ndarray) -> dict[str, np.ndarray]:
        """Gives codes by name, float32 [clips, …]."""


def evaluate(
    run_dir: str | Path,
    settings: EvaluateSettings | None = None,
    *,
    dataset_dir: str | Path | None = None,
    guidance_dataset_dir: str | Path | None = None,
    log: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Scores a run and writes `<run_dir>/scores.json` and the listening page `<run_dir>/report`.

    A folder of samples is scored into `scores_of_samples.json`, or `settings.scores_out`, alone.

    Args:
        run_dir: Run folder with a checkpoint.
        settings: None takes the defaults.
        dataset_dir: Data set folder; None takes the one that the run was trained on.
        guidance_dataset_dir: Folder of the data set that guided the run; None takes the one that
            did. Only for a run that another data set guided.
        log: Receives lines of progress.

    Returns:
        What was written: the main figures as plain numbers, `details`, `provenance`.

    Raises:
        FileNotFoundError: The run folder or its guidance file is missing.
        ValueError: The data set is missing or does not fit the run, or has no labelled test clip.
    """
    run_dir = Path(run_dir)
    settings = settings or EvaluateSettings()
    if not run_dir.is_dir():
        raise FileNotFoundError(no_run(run_dir))
    phases = Phases(log)
    with phases.phase("loading the run and its data sets"):
        run = gaae_tf.load(run_dir, vocoder=settings.vocoder, refine=settings.refine)
        dataset = load_dataset(run.config.dataset if dataset_dir is None else dataset_dir)
        guiding = _guiding(run, dataset, guidance_dataset_dir)
        _check_fit(run, dataset, guiding)
        train, test = read_clips(guiding, "train"), read_clips(guiding, "test")
        guidance = None
        if run.config.uses_labels:
            guidance = read_guidance(run_dir, train.sources, guiding.path)
    scores = score_run(run, run_dir, dataset, guiding, guidance, train, test, settings, phases)
    text = json.dumps(scores, indent=2, allow_nan=False) + "\n"
    if settings.samples is not None:  # they are not the run's
        write_text(settings.scores_out or run_dir / SCORES_OF_SAMPLES, text)
        return scores
    write_text(run_dir / SCORES, text)
    log("the listening page")
    known_test = labelled_clips(test, guiding, "test")
    write_listening_page(run, run_dir, scores, known_test, settings.seed, log)
    return scores


def _guiding(run: Run, dataset: Dataset, folder: str | Path | None) -> Dataset:
    """The data set that guided the run, which may be the one that it was trained on."""
    if run.config.guidance_dataset:
        return load_dataset(run.config.guidance_dataset if folder is None else folder)
    if folder is not None:
        raise ValueError(
            f"--guidance_dataset={folder}, but the run was guided by its own data set's labels; "
            "drop the flag, or give --dataset for where that one is."
        )
    return dataset


def read_guidance(run_dir: Path, sources: Sequence[str], dataset_path: Path) -> np.ndarray:
    """Reads which training clips guided a run: `guidance.json`.

    It is {"train_indices": [...], "clips": [...]}, the latter their names, where it has them.

    Args:
        run_dir: Run folder.
        sources: Names of the clips of the guiding data set's training part, which the indices
            count.
        dataset_path: The data set's folder, for messages.

    Returns:
        int64 [labelled clips].

    Raises:
        FileNotFoundError: No such file.
        ValueError: It holds no indices of training clips, or the data set now has other clips where
            those that guided were.
    """
    path = run_dir / run_names.GUIDANCE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; is {run_dir} the folder of a training run?"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        indices = np.array(content["train_indices"], np.int64)
        listed = content.get("clips")
        if any(type(index) is not int for index in content["train_indices"]):
            raise ValueError("train_indices must be whole numbers")
        if not isinstance(listed, list | None):
            raise ValueError(f"clips must be a list, not {listed!r:.80}")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {error!r}.") from error
    if indices.ndim != 1 or len(indices) == 0:
        raise ValueError(f"{path} must list at least one index; it has shape {indices.shape}.")
    if indices.min() < 0 or indices.max() >= len(sources):
        raise ValueError(
            f"{path} names clips {indices.min()} to {indices.max()}, but the data set's training "
            f"part has clips 0 to {len(sources) - 1}; is it the one that guided the run?"
        )
    if listed is None:
        return indices
    if len(listed) != len(indices):
        raise ValueError(f"{path} has {len(indices)} indices, but {len(listed)} names of clips.")
    for was, now in zip(listed, (sources[i] for i in indices), strict=True):
        if was != now:
            raise ValueError(
                f"{was} guided the run, but {dataset_path} has {now} in its place: it was prepared "
                "anew from other recordings. Give the data set that the run was trained on."
            )
    return indices


def score_run(
    run: Run,
    run_dir: Path,
    dataset: Dataset,
    guiding: Dataset,
    guidance: np.ndarray | None,
    train: Clips,
    test: Clips,
    settings: EvaluateSettings,
    phases: Phases,
) -> dict[str, Any]:
    """Measures everything that `evaluate` reports.

    Args:
        run: The trained run.
        run_dir: Its folder, which keeps scored sounds.
        dataset: The data set it was trained on; its test part is reconstructed.
        guiding: The data set whose labels guided it, perhaps the same; it has the run's classes.
        guidance: Indices, among the training clips of `guiding`, of those whose labels guided it;
            None for a run that used no labels.
        train: The training part of `guiding`.
        test: The test part of `guiding`.
        settings: What to measure.
        phases: Receives what is timed, and logs it.

    Raises:
        ValueError: There are too few clips, or sounds cannot be used.
    """
    progress = phases.say
    known = labelled_clips(train, guiding, "train")
    known_test = labelled_clips(test, guiding, "test")
    with phases.phase("scorer"):
        if settings.scorer_checkpoint is None:
            scorer = trained_scorer(guiding, settings.scorer, log=progress)
        else:
            scorer = checkpoint_scorer(settings.scorer_checkpoint, guiding, log=progress)
    with phases.phase("scoring real clips") as record:
        own = train if guiding is dataset else read_clips(dataset, "train")
        real_train, seen, seen_are = _score_training(scorer, train, own, guidance)
        real_test = _score("real test", scorer, known_test)
        record["sounds"] = len(seen) + len(real_test)
        if guiding is not dataset:
            record["sounds"] += len(real_train) - len(guidance)
    samples, source = None, {}
    if settings.samples is not None:
        with phases.phase(f"scoring the sounds in {settings.samples}") as record:
            samples, first, source = from_folder(settings.samples, scorer)
            record["sounds"] = len(samples)
    elif hasattr(run, "generate"):
        with phases.phase(f"generating and scoring {settings.count} sounds") as record:
            folder = run_dir / EVALUATION
            samples, first, source = generated(
                run, scorer, settings.count, settings.seed, folder, log=progress
            )
            record["sounds"] = source.pop("generated_now")
    classes, seed = guiding.classes, settings.seed
    details: dict[str, Any] = {}
    # Rows: class meant, columns: class found.
    meant = {}
    if samples is not None:
        with phases.phase("measures of the sounds"):
            figures = quality(samples, real_train, real_test, classes, seed, progress, seen)
            if figures["memorisation"]["value"] is not None:
                figures["memorisation"]["training_clips"] = seen_are
            figures["at_real_test_count"] = at_real_test_count(
                samples, real_train, real_test, seed, progress
            )
            some = first(min(len(samples), MOST_SOUNDS))
            figures["harmonicity"] = harmonicity_of_clips(some, scorer.sample_rate_hz)
        details["samples"] = figures
        meant["samples"] = (samples.labels, samples.logits.argmax(axis=1))
    with phases.phase("measures of real clips"):
        yardstick = quality(real_test, real_train, real_test, classes, seed, progress)
        of_train = quality(real_train, real_train, real_test, classes, seed, progress)
        yardstick["harmonicity"] = harmonicity_of_clips(known_test.audio, scorer.sample_rate_hz)
    details |= {"real_test": yardstick, "real_train": of_train}
    if guidance is not None:
        of_simple = settings.simple
        taught = (run, train.subset(guidance), known_test, len(classes), 0, of_simple)
        with phases.phase(f"a simple classifier on the run's own {len(guidance)} labels"):
            details["simple_classifier_same_labels_accuracy"] = _trained_accuracy(*taught)
        with phases.phase("the same, taught by altered spectrograms"):
            steps = _STEPS_OF_AUGMENTED * of_simple.steps(len(guidance))
            details["augmented_classifier_same_labels_accuracy"] = _trained_accuracy(
                *taught, steps, altered=True
            )
    if hasattr(run, "class_probabilities"):
        with phases.phase("the run's classifier"):
            predicted = _predicted(run, known_test.audio)
            details["classifier_test_accuracy"] = accuracy(predicted == known_test.labels)
            meant["classifier"] = (known_test.labels, predicted)
    if hasattr(run, "interpolate"):
        with phases.phase("interpolations"):
            details["interpolation"] = interpolation(run, scorer, seed)
    own_test = test if guiding is dataset else read_clips(dataset, "test")
    reconstructed = None
    if hasattr(run, "reconstruct"):
        with phases.phase("reconstructions of test clips") as record:
            details["reconstruction"], reconstructed = reconstruction(
                run, own_test.audio, dataset, _dataset_path(dataset)
            )
            record["sounds"] = len(own_test.audio)
    if hasattr(run, "restyle_each"):
        with phases.phase("restyled test clips") as record:
            if guiding is dataset:
                reconstructed = reconstructed.subset(np.flatnonzero(test.labels >= 0))
            else:  # of other clips
                reconstructed = None
            details["restyling"] = restyling(
                run, scorer, train, known_test, _dataset_path(guiding), seed, reconstructed
            )
            record["sounds"] = details["restyling"]["clips"]
    if hasattr(run, "codes"):
        with phases.phase("probes of the codes"):
            table, codes = _representations(run, guiding, train, test, seed)
            probed = {"guiding": table}
            if guiding is not dataset:
                probed["dataset"], codes = _representations(run, dataset, own, own_test, seed)
            details["representations"] = probed
        if hasattr(run, "generate"):
            with phases.phase("codes beside the prior's"):
                decoder = run if hasattr(run, "generate_spectrograms") else None
                found = prior_figures(codes, decoder, seed)
                if found is not None:
                    details["codes"] = found
    details["usefulness"] = {}
    if settings.usefulness_seeds and samples is not None:
        with phases.phase("simple classifiers that sounds teach"):
            details["usefulness"] = _usefulness(
                run, samples, first, known, known_test, settings, progress
            )
    if (run_dir / run_names.VALIDATION).exists():
        measured = read_validation(run_dir / run_names.VALIDATION)
        details["validation"] = next(
            (row for row in reversed(measured) if row["step"] == run.step), {}
        )
    details["confusion"] = {name: _confusion(*pairs, len(classes)) for name, pairs in meant.items()}
    progress("done")

    main = {"scorer_test_accuracy": scorer.test_accuracy["value"]}
    if samples is not None:
        frechet = figures["against_real_test"]["frechet_logits"]
        main |= {
            "requested_class_accuracy": figures["class_accuracy"]["value"],
            "inception_score": figures["inception_score"]["value"],
            "inception_score_deviation": figures["inception_score"].get("deviation"),
            "frechet_distance": frechet["value"],
            "frechet_distance_deviation": frechet.get("deviation"),
        }
    for name in ("classifier_test_accuracy", *_SAME_LABELS):
        if name in details:
            main[name] = details[name]["value"]
    for name in ("mse", "spectral_convergence_db"):
        if "reconstruction" in details:
            main[f"reconstruction_{name}"] = details["reconstruction"][name]["value"]
    on_dataset = (
        *("reconstruction", "reconstruction_mse", "reconstruction_spectral_convergence_db"),
        "codes",
    )
    return {
        **main,
        "details": details,
        "provenance": {
            "scorer": scorer.provenance(),
            "frechet_distance_is": "logits of the scorer, samples against real test clips",
            "frechet_bias": "a Fréchet distance of finite samples lies above that of infinitely "
            "many, the more the fewer clips and the more dimensions; compare at equal clips alone",
            "samples": 0 if samples is None else len(samples),
            "samples_are": source,
            # Of reconstructions and interpolations too, which are the run's own with --samples.
            "vocoder": run.vocoder,
            "refine": run.refine,
            "test_clips": len(known_test.labels),
            "train_clips": len(known.labels),
            "model": run.config.model,
            "labels_of_the_run": 0 if guidance is None else len(guidance),
            "seed": settings.seed,
            "checkpoint": run.checkpoint,
            "step": run.step,
            "dataset": _provenance(dataset),
            "guidance_dataset": _provenance(guiding),
            "figures_are_from": {
                name: str(dataset.path if name in on_dataset else guiding.path)
                for name in (*main, *details)
                if name != "representations"
            },
            "classes": list(classes),
            "versions": {
                "gaae_tf": gaae_tf.__version__,
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
                "numpy": np.__version__,
            },
            "seconds": round(phases.seconds, 1),
            "phases": phases.records(),
            "peak_rss_is": "largest resident set of the process, looked at 20 times a second",
        },
    }


def format_table(scores: dict[str, Any]) -> str:
    """Lays the figures of `scores.json` out for reading, the real data's beside them.

    Numbers of clips stand with the figures that depend on them, and below such a figure of samples
    that of as many as there are real test clips.
    """
    details, provenance = scores["details"], scores["provenance"]
    scorer = provenance["scorer"]
    columns = {"real test": details["real_test"], "real train": details["real_train"]}
    if "samples" in details:
        columns = {"samples": details["samples"]} | columns
    equal = details.get("samples", {}).get("at_real_test_count", {})
    percent, number = "{:.1%}", "{:.3f}"
    lines = [f"{'':<44}" + "".join(f"{name:>22}" for name in columns)]

    def texts(name: str, *cells: str) -> None:
        lines.append(f"{name:<44}" + "".join(f"{cell:>22}" for cell in cells))

    def row(name: str, *figures: dict[str, Any] | None, form: str = number) -> None:
        texts(name, *(_cell(figure, form) for figure in figures))

    def of_all(name: str, measure: str, form: str = number) -> None:
        row(name, *(of[measure] for of in columns.values()), form=form)

    def by_class(measure: str) -> None:
        for name in details["real_test"][measure]:
            row(f"    {name}", *(of[measure][name] for of in columns.values()), form=percent)

    def at_equal_count(*path: str, form: str = number) -> None:
        figure, real = equal, details["real_test"]
        for part in path:
            figure, real = figure.get(part, {}), real.get(part, {})
        if figure:
            row(f"    {equal['clips']:,} sounds, as many as real test", figure, real, form=form)

    texts("clips", *(_clips(of["inception_score"]) for of in columns.values()))
    of_all("requested class found", "class_accuracy", percent)
    by_class("class_accuracy_by_class")
    lines.append("share found to be of the class")
    by_class("class_share")
    of_all("Inception Score", "inception_score")
    texts("    clips a split", *(_clips_a_split(of["inception_score"]) for of in columns.values()))
    at_equal_count("inception_score")
    of_all("modified Inception Score", "modified_inception_score", "{:.3g}")
    at_equal_count("modified_inception_score", form="{:.3g}")
    of_all("AM score", "am_score")
    at_equal_count("am_score")
    if "harmonicity" in details["real_test"]:  # which older scores lack
        row("harmonicity", *(of.get("harmonicity") for of in columns.values()))
    if "samples" in details:
        sounds, real = details["samples"], details["real_test"]
        for against in ("against_real_train", "against_real_test"):
            told = None
            for name, figure in sounds[against].items():
                figures = figure, real.get(against, {}).get(name)
                clips = [_clips(one) for one in figures]
                if clips != told:  # neighbours' measures take so many at most
                    texts(f"clips, {against.replace('_', ' ')}", *clips)
                    told = clips
                label = f"{name.replace('_', ' ')}, {against.replace('_', ' ')}"
                row(label, *figures)
                at_equal_count(against, name)
        row("nearer to training clips than 95 % of test", sounds["memorisation"], form=percent)
        if "reason" in equal:
            lines.append(f"as many sounds as real test: not measured, {equal['reason']}")
    lines.append("")
    if "accuracy" in details.get("validation", {}):
        row(
            "C's accuracy on validation", {"value": details["validation"]["accuracy"]}, form=percent
        )
    if "classifier_test_accuracy" in details:
        row("C's accuracy on real test", details["classifier_test_accuracy"], form=percent)
    if "simple_classifier_same_labels_accuracy" in details:
        row(
            f"simple classifier, same {provenance['labels_of_the_run']} labels",
            details["simple_classifier_same_labels_accuracy"],
            form=percent,
        )
    if "augmented_classifier_same_labels_accuracy" in details:
        figure = details["augmented_classifier_same_labels_accuracy"]
        row("    taught by altered spectrograms", figure, form=percent)
    for name, figure in details["usefulness"].items():
        row(f"simple classifier on {name.replace('_', ' ')}", figure, form=percent)
    if "reconstruction" in details:
        row("reconstruction, mean squared error", details["reconstruction"]["mse"], form="{:.4f}")
        row(
            "spectral convergence of its sound, dB",
            details["reconstruction"]["spectral_convergence_db"],
            form="{:.1f}",
        )
        for name, measure, form in (
            ("its pitch within a semitone", "pitch_within_a_semitone", percent),
            ("    the vocoder's alone", "pitch_within_a_semitone_of_vocoder", percent),
            ("its harmonicity", "harmonicity", number),
        ):
            if measure in details["reconstruction"]:
                row(name, details["reconstruction"][measure], form=form)
    if "restyling" in details:
        of = details["restyling"]
        columns = ("real_test", "reconstructed", "restyled")
        heads = "".join(f"{name.replace('_', ' '):>22}" for name in columns)
        lines += ["", f"{'test clips, restyled as another class':<44}{heads}"]
        for name in ("requested_class_found", "own_class_found"):
            row(name.replace("_", " "), None, None, of[name], form=percent)
        pitch = of["pitch_within_a_semitone"]
        row("pitch within a semitone", *(pitch.get(name) for name in columns), form=percent)
        for label, told in of["labels_told"].items():
            if "reason" in told:
                texts(f"{label} told", *("not measured" for _ in columns))
                continue
            chance = f"chance {told['chance']:.0%}"
            name = f"{label} told, {'class decides, ' * told['class_decides']}{chance}"
            row(name, *(told[name] for name in columns), form=percent)
    if "codes" in details:
        of = details["codes"]
        lines += ["", f"{'codes of test clips, ' + of['code']:<44}{'codes':>22}{'prior draws':>22}"]
        for name, figure in of.items():
            if name != "code":
                of_draws = (
                    {"value": figure["of_prior_draws"]} if "of_prior_draws" in figure else None
                )
                row(name.replace("_", " "), figure, of_draws)
    if "interpolation" in details:
        lines += ["", f"{'interpolations':<44}{'style to style':>22}{'cross-fade':>22}"]
        for space in [space for space in SPACES if space in details["interpolation"]]:
            paths = details["interpolation"][space]
            for name, form in (("path_length_ratio", number), ("largest_step_share", percent)):
                label = f"{name.replace('_', ' ')}, {space.replace('_', ' ')}"
                row(label, paths[name], paths["cross_fade"][name], form=form)
    for table in details.get("representations", {}).values():
        title = f"recognised from codes of {table['dataset']}"
        lines += ["", f"{title:<44}{'linear':>22}{'neighbours':>22}{'chance':>22}"]
        for label, by_code in table["probes"].items():
            for code, probe in by_code.items():
                row(f"{label}, {code}", *_probe_figures(probe), form=percent)
    dataset, guiding = provenance["dataset"], provenance["guidance_dataset"]
    lines += [
        "",
        f"scorer: {scorer['name']}, {_cell(scorer['test_accuracy'], percent)} right on "
        f"{provenance['test_clips']} test clips of {guiding['name']}; {provenance['samples']} "
        f"sounds, seed {provenance['seed']}"
        + ("" if guiding == dataset else f"; reconstructions of {dataset['name']}"),
        "",
        f"{'phase':<54}{'seconds':>12}{'peak memory':>16}{'sounds/s':>12}",
    ]
    for phase in provenance["phases"]:
        peak, rate = phase["peak_rss_mib"], phase.get("sounds_per_second")
        lines.append(
            f"{phase['name']:<54}{phase['seconds']:>12,.1f}"
            f"{'unknown' if peak is None else f'{peak:,} MiB':>16}"
            f"{'' if rate is None else f'{rate:,.1f}':>12}"
        )
    return "\n".join(lines)


def _clips(figure: dict[str, Any] | None) -> str:
    clips = (figure or {}).get("clips", [])
    return " / ".join(f"{n:,}" for n in (clips if isinstance(clips, list) else [clips]))


def _clips_a_split(figure: dict[str, Any]) -> str:
    if not {"clips", "splits"} <= figure.keys():
        return ""
    return f"{figure['clips'] / figure['splits']:,.5g}"


def _cell(figure: dict[str, Any] | None, form: str) -> str:
    if figure is None:
        return ""
    if figure["value"] is None:
        return "not measured"
    text = form.format(figure["value"])
    if figure.get("deviation") is not None:
        return f"{text} ± {form.format(figure['deviation'])}"
    if "interval_95" in figure:
        low, high = figure["interval_95"]
        return f"{text} ({100 * low:.1f}–{100 * high:.1f})"
    return text


def _probe_figures(probe: dict[str, Any]) -> list[dict[str, Any]]:
    if "reason" in probe:
        return [{"value": None, "reason": probe["reason"]}]
    figures = [
        {"value": probe[name], "interval_95": probe[f"{name}_interval_95"]}
        for name in ("linear", "neighbours")
    ]
    return [*figures, {"value": probe["chance"]}]


def _check_fit(run: Run, dataset: Dataset, guiding: Dataset) -> None:
    for name, part, flag in (
        ("classes", guiding, "--dataset" if guiding is dataset else "--guidance_dataset"),
        ("sample_rate_hz", dataset, "--dataset"),
        ("clip_samples", dataset, "--dataset"),
        ("sample_rate_hz", guiding, "--guidance_dataset"),
        ("clip_samples", guiding, "--guidance_dataset"),
    ):
        of_run, of_dataset = getattr(run, name), getattr(part, name)
        if of_run != of_dataset and of_run != ():  # a system without classes fits all
            raise ValueError(
                f"The run was trained with {name} {of_run}, but the data set {part.path} has "
                f"{of_dataset}; give {flag} the folder that it was trained on."
            )


def _score(name: str, scorer: Scorer, clips: Clips) -> Scored:
    scores = scorer.score(clips.audio, sample_rate_hz=scorer.sample_rate_hz, progress=True)
    return Scored(name, *scores, clips.labels)


def _score_training(
    scorer: Scorer, train: Clips, own: Clips, guidance: np.ndarray | None
) -> tuple[Scored, np.ndarray, dict[str, int]]:
    """Scores labelled training clips, and all that the run was trained on, each clip once.

    Args:
        scorer: What scores.
        train: The training part of the data set that guided the run.
        own: The training part of the data set that it was trained on, perhaps the very same.
        guidance: Indices into `train` of the clips that guided.

    Returns:
        Labelled clips of `train`; features of every clip that the run saw, float32 [clips, d]:
        all of `own`, without labels too, and behind them those that guided from another data set;
        and how many are of which.
    """
    if own is train:
        every = _score("real train", scorer, train)
        chosen = train.labels >= 0
        parts = (every.logits[chosen], every.features[chosen], every.labels[chosen])
        return Scored("real train", *parts), every.features, {"data_set": len(every)}
    chosen = np.flatnonzero(train.labels >= 0)
    labelled = _score("real train", scorer, train.subset(chosen))
    added = labelled.features[np.searchsorted(chosen, guidance)]
    seen = _score("real train", scorer, own).features
    counts = {"data_set": len(seen), "guidance": len(added)}
    return labelled, np.concatenate([seen, added]), counts


def _spectrogram(run: Run) -> Callable[[Any], tf.Tensor]:
    """The run's spectrogram of 16-bit or float audio."""

    def spectrogram(audio):
        audio = tf.convert_to_tensor(audio)
        return run.signal_path.spectrogram(to_float(audio) if audio.dtype == tf.int16 else audio)

    return spectrogram


def _altered_spectrogram(run: Run, seed: int) -> Callable[[Any], tf.Tensor]:
    """The run's spectrogram of 16-bit audio, altered in a way that (seed, batch) decides.

    What a batch holds stands for its number: another order of its clips alters them otherwise.
    """
    spectrogram = _spectrogram(run)

    def prepare(audio):
        content = tf.fingerprint(tf.reshape(audio, [1, -1]))
        key = tf.stack([tf.constant(seed, tf.int64), tf.bitcast(content, tf.int64)[0]])
        return augmented(
            spectrogram(audio),
            lambda stream, sampler: sampler(
                tf.shape(audio)[0], key + tf.constant(stream, tf.int64)
            ),
        )

    return prepare


def _trained_accuracy(
    run: Run,
    clips: Clips,
    test: Clips,
    classes: int,
    seed: int,
    settings: ScorerSettings,
    steps: int | None = None,
    altered: bool = False,
) -> dict[str, Any]:
    """Test accuracy of a simple classifier trained on `clips`, in the run's spectrograms.

    They are computed batch by batch: in memory they take eight times what the audio does, and
    computing them takes a twentieth of a step. It learns from them `altered` as the augmented
    classifier does.
    """
    classifier = SimpleClassifier(classes, seed=seed, dtype=settings.precision)
    steps = settings.steps(len(clips.labels)) if steps is None else steps
    train_classifier(
        classifier,
        clips.audio,
        clips.labels,
        prepare=_altered_spectrogram(run, seed) if altered else _spectrogram(run),
        steps=steps,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        seed=seed,
    )
    logits, _ = classify(classifier, test.audio, prepare=_spectrogram(run))
    known = {"training_clips": len(clips.labels), "steps": steps, "batch": settings.batch_size}
    return accuracy(logits.argmax(axis=1) == test.labels) | known


def _confusion(labels: np.ndarray, found: np.ndarray, classes: int) -> list[list[int]]:
    """Clips by the class meant (rows) and found (columns); those without label are left out."""
    known = labels >= 0
    if not known.any():
        return [[0] * classes for _ in range(classes)]
    return confusion_matrix(labels[known], found[known], labels=range(classes)).tolist()


def _predicted(run: Run, audio: np.ndarray) -> np.ndarray:
    """The classes that a run tells of int16 clips."""
    return map_clips(
        lambda batch: run.class_probabilities(run.signal_path.spectrogram(batch).numpy()), audio
    ).argmax(axis=1)


def _codes(run: Run, audio: np.ndarray) -> dict[str, np.ndarray]:
    """Codes of int16 clips by name, and where there are several, all in one as `both`."""
    batches = [
        run.codes(run.signal_path.spectrogram(batch).numpy())
        for batch in evaluation_batches(audio, 64)
    ]
    codes = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    if len(codes) > 1:
        codes["both"] = np.concatenate(list(codes.values()), axis=1)
    return codes


def _representations(
    run: Run,
    dataset: Dataset,
    train: Clips,
    test: Clips,
    seed: int,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The table of what codes tell: class, speaker and every further label of a data set.

    And the test clips' codes by name.
    """
    rng = np.random.default_rng(seed)
    codes, labels = [], []
    for clips in (train, test):
        if len(clips.labels) > _MOST_CODES:
            clips = clips.subset(np.sort(rng.permutation(len(clips.labels))[:_MOST_CODES]))
        if len(clips.labels):
            codes.append(_codes(run, clips.audio))
        else:  # no test clip; training has some
            codes.append({name: np.zeros([0, code.shape[1]]) for name, code in codes[0].items()})
        named = [dataset.classes[label] if label >= 0 else "" for label in clips.labels]
        labels.append({"class": named, "speaker": clips.speakers, **clips.extra})
    table = probes(codes[0], labels[0], codes[1], labels[1], seed)
    told = {
        label: {
            code: {"reason": found} if isinstance(found, str) else _plain(found)
            for code, found in by_code.items()
        }
        for label, by_code in table.items()
    }
    return {"dataset": dataset.name, "probes": told}, codes[1]


def _plain(found: Probe) -> dict[str, Any]:
    """A probe as JSON has it, without tuples."""
    fields = dataclasses.asdict(found)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}


def _usefulness(
    run: Run,
    samples: Scored,
    first: Callable[[int], np.ndarray],
    known: Clips,
    test: Clips,
    settings: EvaluateSettings,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Accuracy on real test clips of simple classifiers taught by samples (Tables IV and V).

    As many samples are taken as there are real training clips, as far as there are. All trainings
    have as many steps: those of a simple scorer of the real clips, at most
    `settings.usefulness_steps` unless that is 0.
    """
    count, classes = min(len(samples), len(known.labels)), samples.logits.shape[1]
    if set(samples.labels[:count].tolist()) != set(range(classes)):
        reason = "not every sample has a label, or not every class a sample"
        return {"samples": {"value": None, "reason": reason}}
    steps = settings.simple.steps(len(known.labels))
    if settings.usefulness_steps:
        steps = min(steps, settings.usefulness_steps)
    made = Clips(first(count), samples.labels[:count], ("",) * count, ("",) * count)
    both = Clips(
        np.concatenate([made.audio, known.audio]),
        np.concatenate([made.labels, known.labels]),
        made.speakers + known.speakers,
        made.sources + known.sources,
    )
    result = {}
    for name, clips in (
        ("samples", made),
        ("samples_and_real_clips", both),
        ("real_clips", known),
    ):
        trainings = []
        for seed in range(settings.usefulness_seeds):
            progress(f"taught by {name.replace('_', ' ')}, seed {seed}, {steps} steps")
            trainings.append(
                _trained_accuracy(run, clips, test, classes, seed, settings.simple, steps)
            )
        accuracies = [training["value"] for training in trainings]
        result[name] = {
            "value": float(np.mean(accuracies)),
            "deviation": None,
            "trainings": len(accuracies),
            "accuracies": accuracies,
            "training_clips": len(clips.labels),
            "steps": steps,
            "most_steps": settings.usefulness_steps or None,
            "batch": settings.simple.batch_size,
            "test_clips": len(test.labels),
        }
        if len(accuracies) > 1:
            result[name]["deviation"] = float(np.std(accuracies, ddof=1))
            result[name]["deviation_is"] = "sample standard deviation over trainings"
        else:
            result[name]["deviation_reason"] = "one training; the interval is of its test clips"
            result[name]["interval_95"] = trainings[0]["interval_95"]
    return result


def _dataset_path(dataset: Dataset) -> SignalPath:
    """The transform that a data set was prepared with, whatever a run's own is."""
    return SignalPath(dataset.stft, LogMagnitudeScaling(statistics=dataset.statistics))


def _provenance(dataset: Dataset) -> dict[str, str]:
    return {"name": dataset.name, "path": str(dataset.path), "id": dataset_id(dataset)}
