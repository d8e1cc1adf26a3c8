"""Scores a trained run on the data set it was trained on (METHOD §7; paper IV-C, V).

Where another data set guided it, all that has to do with classes is measured on that one, and
reconstruction on the one it was trained on.

Every figure stands in `scores.json` with where it comes from: the scorer and its own accuracy, the
sample counts, the data set, the seed, the vocoder and the versions. A figure that cannot be had,
say for too few test clips, is null with the reason beside it, never a made-up number.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.data.pipeline import evaluation_batches, to_float
from gaae_tf.data.shards import Clips, Dataset, load_dataset, read_clips
from gaae_tf.listening import write_listening_page
from gaae_tf.models.classifier import classify, train_classifier
from gaae_tf.ops.griffin_lim import spectral_convergence_db
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.ops.stft import stft
from gaae_tf.quality import Scored, accuracy, quality
from gaae_tf.representations import probes
from gaae_tf.samples import Generator, from_folder, generated
from gaae_tf.scorers import (
    Scorer,
    ScorerSettings,
    checkpoint_scorer,
    dataset_id,
    labelled_clips,
    trained_scorer,
)
from gaae_tf.training import run_folder

SOUNDS = 50_000  # the paper's
SCORES = "scores.json"
SCORES_OF_SAMPLES = "scores_of_samples.json"  # of --samples, which leaves the run's own alone
EVALUATION = "evaluation"  # in the run folder: blocks of scored sounds

# Clips whose codes are probed, at most, of either part.
_MOST_CODES = 10_000


class Run(Generator, Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it.

    Audio is float32 [clips, clip_samples] in [-1, 1]; spectrograms are float32
    [clips, bins, frames, 1] in [-1, 1].
    """

    config: TrainConfig  # names its data sets
    signal_path: SignalPath

    def encode(self, spectrograms: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Gives guided codes, style codes and class probabilities."""

    def reconstruct_spectrograms(self, spectrograms: np.ndarray) -> np.ndarray:
        """Gives decoded codes of spectrograms."""

    def reconstruct(self, audio: np.ndarray) -> np.ndarray:
        """Gives the sound of decoded codes of audio."""


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
    """What to measure, and how.

    Attributes:
        count: sounds to generate, over all classes.
        seed: of the sounds and of all draws.
        samples: a folder of sound files to score in place of the run's own; None for these.
        scorer: which is trained, and how.
        scorer_checkpoint: the WaveGAN authors' own classifier in place of a trained one.
        usefulness_seeds: trainings of the simple classifier on samples, for Tables IV and V; 0
            leaves them out.

    Raises:
        ValueError: a number is out of range.
    """

    count: int = SOUNDS
    seed: int = 0
    samples: Path | None = None
    scorer: ScorerSettings = dataclasses.field(default_factory=ScorerSettings)
    scorer_checkpoint: Path | None = None
    usefulness_seeds: int = 3

    def __post_init__(self):
        for name, least in (("count", 1), ("seed", 0), ("usefulness_seeds", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"--{name} must be at least {least}; got {getattr(self, name)}.")


def evaluate(
    run_dir: str | Path,
    settings: EvaluateSettings | None = None,
    *,
    dataset_dir: str | Path | None = None,
    guidance_dataset_dir: str | Path | None = None,
    log: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Scores a run and writes `<run_dir>/scores.json` and the listening page `<run_dir>/report`.

    A folder of samples is scored into `scores_of_samples.json` alone.

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
        raise FileNotFoundError(f"--run_dir={run_dir} is no folder; give that of a training run.")
    run = gaae_tf.load(run_dir)
    dataset = load_dataset(run.config.dataset if dataset_dir is None else dataset_dir)
    guiding = _guiding(run, dataset, guidance_dataset_dir)
    _check_fit(run, dataset, guiding)
    guidance = read_guidance(run_dir, guiding.counts["train"])
    test = read_clips(guiding, "test")
    scores = score_run(run, run_dir, dataset, guiding, guidance, test, settings, log)
    text = json.dumps(scores, indent=2, allow_nan=False) + "\n"
    if settings.samples is not None:  # they are not the run's
        run_folder.write_text(run_dir / SCORES_OF_SAMPLES, text)
        return scores
    run_folder.write_text(run_dir / SCORES, text)
    log("the listening page")
    known_test = labelled_clips(test, guiding, "test")
    write_listening_page(run, run_dir, scores, known_test, settings.seed)
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


def read_guidance(run_dir: Path, train_clips: int) -> np.ndarray:
    """Reads which training clips guided a run: `guidance.json`, {"train_indices": [...]}.

    Args:
        run_dir: Run folder.
        train_clips: Number of clips in the guiding data set's training part, which the indices
            count.

    Returns:
        int64 [labelled clips].

    Raises:
        FileNotFoundError: No such file.
        ValueError: It holds no indices of training clips.
    """
    path = run_dir / run_folder.GUIDANCE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; is {run_dir} the folder of a training run?"
        )
    try:
        indices = np.array(json.loads(path.read_text(encoding="utf-8"))["train_indices"], np.int64)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be read: {error!r}.") from error
    if indices.ndim != 1 or len(indices) == 0:
        raise ValueError(f"{path} must list at least one index; it has shape {indices.shape}.")
    if indices.min() < 0 or indices.max() >= train_clips:
        raise ValueError(
            f"{path} names clips {indices.min()} to {indices.max()}, but the data set's training "
            f"part has clips 0 to {train_clips - 1}; is it the one that guided the run?"
        )
    return indices


def score_run(
    run: Run,
    run_dir: Path,
    dataset: Dataset,
    guiding: Dataset,
    guidance: np.ndarray,
    test: Clips,
    settings: EvaluateSettings,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Measures everything that `evaluate` reports.

    Args:
        run: The trained run.
        run_dir: Its folder, which keeps scored sounds.
        dataset: The data set it was trained on; its test part is reconstructed.
        guiding: The data set whose labels guided it, perhaps the same; it has the run's classes.
        guidance: Indices, among the training clips of `guiding`, of those whose labels guided it.
        test: The test part of `guiding`.
        settings: What to measure.
        log: Receives lines of progress.

    Raises:
        ValueError: There are too few clips, or sounds cannot be used.
    """
    start = time.monotonic()

    def progress(line: str) -> None:
        log(f"[{time.monotonic() - start:4.0f} s] {line}")

    train = read_clips(guiding, "train")
    _check_same_clips(run_dir, [train.sources[i] for i in guidance], guiding)
    known, known_test = (
        labelled_clips(train, guiding, "train"),
        labelled_clips(test, guiding, "test"),
    )
    if settings.scorer_checkpoint is None:
        scorer = trained_scorer(guiding, settings.scorer, log=progress)
    else:
        scorer = checkpoint_scorer(settings.scorer_checkpoint, guiding, log=progress)
    progress(f"scoring {len(known.labels)} real training and {len(known_test.labels)} test clips")
    real_train = _score("real train", scorer, known)
    real_test = _score("real test", scorer, known_test)
    if settings.samples is None:
        progress(f"generating and scoring {settings.count} sounds")
        folder = run_dir / EVALUATION
        samples, first = generated(run, scorer, settings.count, settings.seed, folder)
        source = {"vocoder": run.vocoder, "refine": run.refine}
    else:
        progress(f"scoring the sounds in {settings.samples}")
        samples, first, source = from_folder(settings.samples, scorer)
    figures = quality(samples, real_train, real_test, run.classes, settings.seed, progress)
    yardstick = quality(real_test, real_train, real_test, run.classes, settings.seed, progress)

    progress(f"the run's classifier, and a simple one on the run's own {len(guidance)} labels")
    same_labels = _trained_accuracy(run, train.subset(guidance), known_test, 0)
    classifier = _classifier_accuracy(run, known_test)
    rebuilt = test.audio if guiding is dataset else read_clips(dataset, "test").audio
    progress(f"reconstructions of {len(rebuilt)} test clips")
    reconstruction = _reconstruction(run, rebuilt, dataset)
    progress("probes of the codes")
    representations = {"guiding": _representations(run, guiding, train, test, settings.seed)}
    if guiding is not dataset:
        parts = (read_clips(dataset, part) for part in ("train", "test"))
        representations["dataset"] = _representations(run, dataset, *parts, settings.seed)
    usefulness = _usefulness(run, samples, first, known, known_test, settings, progress)
    progress("done")

    details = {
        "samples": figures,
        "real_test": yardstick,
        "classifier_test_accuracy": classifier,
        "simple_classifier_same_labels_accuracy": same_labels,
        "reconstruction": reconstruction,
        "representations": representations,
        "usefulness": usefulness,
    }
    main = {
        "requested_class_accuracy": figures["class_accuracy"]["value"],
        "classifier_test_accuracy": classifier["value"],
        "simple_classifier_same_labels_accuracy": same_labels["value"],
        "scorer_test_accuracy": scorer.test_accuracy["value"],
        "inception_score": figures["inception_score"]["value"],
        "inception_score_deviation": figures["inception_score"].get("deviation"),
        "frechet_distance": figures["against_real_test"]["frechet_logits"]["value"],
        "reconstruction_mse": reconstruction["mse"]["value"],
        "reconstruction_spectral_convergence_db": reconstruction["spectral_convergence_db"][
            "value"
        ],
    }
    on_dataset = ("reconstruction", "reconstruction_mse", "reconstruction_spectral_convergence_db")
    return {
        **main,
        "details": details,
        "provenance": {
            "scorer": scorer.provenance(),
            "frechet_distance_is": "logits of the scorer, samples against real test clips",
            "samples": len(samples),
            "samples_are": source,
            "test_clips": len(known_test.labels),
            "train_clips": len(known.labels),
            "labels_of_the_run": len(guidance),
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
            "classes": list(run.classes),
            "versions": {
                "gaae_tf": gaae_tf.__version__,
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
                "numpy": np.__version__,
            },
            "seconds": round(time.monotonic() - start, 1),
        },
    }


def format_table(scores: dict[str, Any]) -> str:
    """Lays the figures of `scores.json` out for reading, the real data's beside them."""
    details, provenance = scores["details"], scores["provenance"]
    scorer = provenance["scorer"]
    sounds, real = details["samples"], details["real_test"]
    percent, number = "{:.1%}", "{:.3f}"
    lines = [f"{'':<44}{'samples':>22}{'real test':>22}"]

    def row(name: str, *figures: dict[str, Any] | None, form: str = number) -> None:
        lines.append(f"{name:<44}" + "".join(f"{_cell(figure, form):>22}" for figure in figures))

    row("requested class found", sounds["class_accuracy"], real["class_accuracy"], form=percent)
    for name, figure in sounds["class_accuracy_by_class"].items():
        row(f"    {name}", figure, real["class_accuracy_by_class"][name], form=percent)
    row("Inception Score", sounds["inception_score"], real["inception_score"])
    modified = "modified_inception_score"
    row("modified Inception Score", sounds[modified], real[modified], form="{:.3g}")
    row("AM score", sounds["am_score"], real["am_score"])
    for against in ("against_real_train", "against_real_test"):
        for name, figure in sounds[against].items():
            label = f"{name.replace('_', ' ')}, {against.replace('_', ' ')}"
            row(label, figure, real.get(against, {}).get(name))
    row("nearer to training clips than 95 % of test", sounds["memorisation"], form=percent)
    lines.append("")
    row("C's accuracy on real test", details["classifier_test_accuracy"], form=percent)
    row(
        f"simple classifier, same {provenance['labels_of_the_run']} labels",
        details["simple_classifier_same_labels_accuracy"],
        form=percent,
    )
    for name, figure in details["usefulness"].items():
        row(f"simple classifier on {name.replace('_', ' ')}", figure, form=percent)
    row("reconstruction, mean squared error", details["reconstruction"]["mse"], form="{:.4f}")
    row(
        "spectral convergence of its sound, dB",
        details["reconstruction"]["spectral_convergence_db"],
        form="{:.1f}",
    )
    for table in details["representations"].values():
        lines += ["", f"told from codes of {table['dataset']}: linear / neighbours (chance)"]
        codes = ("guided", "style", "both")
        lines.append(f"{'':<14}" + "".join(f"{code:>24}" for code in codes))
        for label, by_code in table["probes"].items():
            cells = (_probe_cell(by_code[code]) for code in codes)
            lines.append(f"{label:<14}" + "".join(f"{cell:>24}" for cell in cells))
    dataset, guiding = provenance["dataset"], provenance["guidance_dataset"]
    lines += [
        "",
        f"scorer: {scorer['name']}, {_cell(scorer['test_accuracy'], percent)} right on "
        f"{provenance['test_clips']} test clips of {guiding['name']}; {provenance['samples']} "
        f"sounds, seed {provenance['seed']}"
        + ("" if guiding == dataset else f"; reconstructions of {dataset['name']}"),
    ]
    return "\n".join(lines)


def _cell(figure: dict[str, Any] | None, form: str) -> str:
    if figure is None:
        return ""
    if figure["value"] is None:
        return "not to be had"
    text = form.format(figure["value"])
    if figure.get("deviation") is not None:
        return f"{text} ± {form.format(figure['deviation'])}"
    if "interval_95" in figure:
        low, high = figure["interval_95"]
        return f"{text} ({100 * low:.1f}–{100 * high:.1f})"
    return text


def _probe_cell(probe: dict[str, Any]) -> str:
    if "reason" in probe:
        return "not to be had"
    return f"{probe['linear']:.1%} / {probe['neighbours']:.1%} ({probe['chance']:.1%})"


def _check_same_clips(run_dir: Path, sources: list[str], guiding: Dataset) -> None:
    """Raises ValueError if the data set now has other clips where those that guided were."""
    text = (run_dir / run_folder.GUIDANCE).read_text(encoding="utf-8")
    listed = json.loads(text).get("clips", sources)
    for was, now in zip(listed, sources, strict=True):
        if was != now:
            raise ValueError(
                f"{was} guided the run, but {guiding.path} has {now} in its place: it was prepared "
                "anew from other recordings. Give the data set that the run was trained on."
            )


def _check_fit(run: Run, dataset: Dataset, guiding: Dataset) -> None:
    for name, part, flag in (
        ("classes", guiding, "--dataset" if guiding is dataset else "--guidance_dataset"),
        ("sample_rate_hz", dataset, "--dataset"),
        ("clip_samples", dataset, "--dataset"),
        ("sample_rate_hz", guiding, "--guidance_dataset"),
        ("clip_samples", guiding, "--guidance_dataset"),
    ):
        of_run, of_dataset = getattr(run, name), getattr(part, name)
        if of_run != of_dataset:
            raise ValueError(
                f"The run was trained with {name} {of_run}, but the data set {part.path} has "
                f"{of_dataset}; give {flag} the folder that it was trained on."
            )


def _score(name: str, scorer: Scorer, clips: Clips) -> Scored:
    scores = scorer.score(clips.audio, sample_rate_hz=scorer.sample_rate_hz, progress=True)
    return Scored(name, *scores, clips.labels)


def _spectrogram(run: Run) -> Callable[[Any], tf.Tensor]:
    """The run's spectrogram of 16-bit or float audio."""

    def spectrogram(audio):
        audio = tf.convert_to_tensor(audio)
        return run.signal_path.spectrogram(to_float(audio) if audio.dtype == tf.int16 else audio)

    return spectrogram


def _trained_accuracy(run: Run, clips: Clips, test: Clips, seed: int) -> dict[str, Any]:
    """Test accuracy of a simple classifier trained on `clips`, in the run's spectrograms."""
    settings = ScorerSettings()
    passes = -(-len(clips.labels) // settings.batch_size)
    classifier, _ = train_classifier(
        clips.audio,
        clips.labels,
        len(run.classes),
        spectrogram=_spectrogram(run),
        epochs=max(1, round(settings.steps(len(clips.labels)) / passes)),
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        seed=seed,
    )
    logits, _ = classify(classifier, test.audio, spectrogram=_spectrogram(run))
    return accuracy(logits.argmax(axis=1) == test.labels)


def _classifier_accuracy(run: Run, test: Clips) -> dict[str, Any]:
    """Accuracy of C on clips that have labels."""
    return accuracy(_codes(run, test.audio)[2].argmax(axis=1) == test.labels)


def _codes(run: Run, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Guided codes, style codes and class probabilities of int16 clips."""
    batches = [
        run.encode(run.signal_path.spectrogram(batch).numpy())
        for batch in evaluation_batches(audio, 64)
    ]
    return tuple(np.concatenate(part) for part in zip(*batches, strict=True))


def _representations(
    run: Run, dataset: Dataset, train: Clips, test: Clips, seed: int
) -> dict[str, Any]:
    """The table of what codes tell: class, speaker and every further label of a data set."""
    rng = np.random.default_rng(seed)
    codes, labels = [], []
    for clips in (train, test):
        if len(clips.labels) > _MOST_CODES:
            clips = clips.subset(np.sort(rng.permutation(len(clips.labels))[:_MOST_CODES]))
        guided, style = (
            _codes(run, clips.audio)[:2] if len(clips.labels) else (np.zeros([0, 1]),) * 2
        )
        codes.append(
            {"guided": guided, "style": style, "both": np.concatenate([guided, style], axis=1)}
        )
        named = [dataset.classes[label] if label >= 0 else "" for label in clips.labels]
        labels.append({"class": named, "speaker": clips.speakers, **clips.extra})
    table = probes(codes[0], labels[0], codes[1], labels[1], seed)
    return {
        "dataset": dataset.name,
        "probes": {
            label: {
                code: {"reason": found} if isinstance(found, str) else dataclasses.asdict(found)
                for code, found in by_code.items()
            }
            for label, by_code in table.items()
        },
    }


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

    As many samples are taken as there are real training clips, as far as there are.
    """
    if not settings.usefulness_seeds:
        return {}
    count = min(len(samples), len(known.labels))
    if set(samples.labels[:count].tolist()) != set(range(len(run.classes))):
        reason = "not every sample has a label, or not every class a sample"
        return {"samples": {"value": None, "reason": reason}}
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
        accuracies = []
        for seed in range(settings.usefulness_seeds):
            progress(f"simple classifier taught by {name.replace('_', ' ')}, seed {seed}")
            accuracies.append(_trained_accuracy(run, clips, test, seed)["value"])
        result[name] = {
            "value": float(np.mean(accuracies)),
            "deviation": float(np.std(accuracies)) if len(accuracies) > 1 else None,
            "trainings": len(accuracies),
            "training_clips": len(clips.labels),
            "test_clips": len(test.labels),
        }
    return result


def _reconstruction(run: Run, test: np.ndarray, dataset: Dataset) -> dict[str, Any]:
    """Errors of reconstruction of test clips, int16 [clips, clip_samples]."""
    units = {
        "mse": "squared units of spectrograms in [-1, 1], decoded against real test",
        "spectral_convergence_db": (
            "dB, STFT magnitudes of the reconstructed sound against the real clip's"
        ),
    }
    if not len(test):
        nothing = {"value": None, "reason": f"{dataset.path} has no test clip"}
        return {**{name: nothing | {"unit": unit} for name, unit in units.items()}, "test_clips": 0}
    errors: dict[str, list[np.ndarray]] = {name: [] for name in units}
    settings = run.signal_path.stft
    for audio in evaluation_batches(test, 64):
        spectrograms = run.signal_path.spectrogram(audio).numpy()
        decoded = np.asarray(run.reconstruct_spectrograms(spectrograms), np.float64)
        errors["mse"].append(np.mean((decoded - spectrograms) ** 2, axis=(1, 2, 3)))
        magnitude = tf.abs(stft(audio, settings)).numpy()
        errors["spectral_convergence_db"].append(
            spectral_convergence_db(run.reconstruct(audio), magnitude, settings)
        )
    result: dict[str, Any] = {}
    for name, unit in units.items():
        values = np.concatenate(errors[name])
        if not np.all(np.isfinite(values)):
            raise ValueError(
                "The run's reconstructions of test clips are not finite; train it anew."
            )
        result[name] = {
            "value": float(values.mean()),
            "deviation": float(values.std()),
            "unit": unit,
        }
    return result | {"test_clips": len(test)}


def _provenance(dataset: Dataset) -> dict[str, str]:
    return {"name": dataset.name, "path": str(dataset.path), "id": dataset_id(dataset)}
