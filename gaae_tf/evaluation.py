"""Scores a trained run on the data set it was trained on (METHOD §7; paper IV-C, V).

Where another data set guided it, all that has to do with classes is measured on that one, and
reconstruction on the one it was trained on.

Every figure stands in `scores.json` with where it comes from: the scorer and its own accuracy, the
sample counts, the data set, the seed, the vocoder and the versions. A figure that cannot be
had, say for too few test clips, is null with the reason beside it, never a made-up number.
"""

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import scipy.special
import tensorflow as tf

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.data.pipeline import evaluation_batches, to_float
from gaae_tf.data.shards import DESCRIPTION, Clips, Dataset, load_dataset, read_clips
from gaae_tf.metrics.frechet import frechet_distance, gaussian_statistics
from gaae_tf.metrics.inception_score import inception_score
from gaae_tf.models.classifier import classify, train_classifier
from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.ops.griffin_lim import spectral_convergence_db
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.ops.stft import stft
from gaae_tf.training import run_folder

SCORERS = ("simple",)
INCEPTION_SPLITS = 10

# Figures, in `scores.json` and its `details`, by the data set that their real clips come from: the
# one that guided the run, and the one that it was trained on.
_OF_CLASSES = (
    "requested_class_accuracy",
    "requested_class_accuracy_by_class",
    "classifier_test_accuracy",
    "simple_classifier_same_labels_accuracy",
    "scorer_test_accuracy",
    "inception_score",
    "inception_score_deviation",
    "frechet_distance",
)
_OF_RECONSTRUCTION = (
    "reconstruction",
    "reconstruction_mse",
    "reconstruction_spectral_convergence_db",
)


class Run(Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it.

    Audio is float32 [clips, clip_samples] in [-1, 1]; spectrograms are float32
    [clips, bins, frames, 1] in [-1, 1].
    """

    config: TrainConfig  # names its data sets
    classes: tuple[str, ...]
    sample_rate_hz: int
    clip_samples: int
    signal_path: SignalPath
    checkpoint: str  # which one was loaded
    step: int  # iterations that it has seen
    vocoder: str  # what turns spectrograms into sound, by name
    refine: int | None  # its iterations, None for its default

    def generate(self, label: str, count: int, seed: int) -> np.ndarray:
        """Gives `count` sounds of a class; equal seeds give equal sounds."""

    def encode(self, spectrograms: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Gives guided codes, style codes and class probabilities."""

    def reconstruct_spectrograms(self, spectrograms: np.ndarray) -> np.ndarray:
        """Gives decoded codes of spectrograms."""

    def reconstruct(self, audio: np.ndarray) -> np.ndarray:
        """Gives the sound of decoded codes of audio."""


@dataclasses.dataclass(frozen=True)
class ScorerSettings:
    """How a simple classifier is trained for scoring: enough for a CPU, and independent of a run.

    It runs `passes` times over the clips, but at least `min_steps`, which a hundred clips need, and
    at most `max_steps`. The learning rate is ten times the paper's: these are hundreds of steps.
    """

    name: str = "simple"
    passes: int = 12
    min_steps: int = 200
    max_steps: int = 3000
    batch_size: int = 32
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self):
        if self.name not in SCORERS:
            raise ValueError(f"scorer must be one of {', '.join(SCORERS)}; received {self.name!r}.")

    def epochs(self, clips: int) -> int:
        """Passes over a training set of `clips` clips, at least 1."""
        steps_a_pass = -(-clips // self.batch_size)
        steps = min(max(self.passes * steps_a_pass, self.min_steps), self.max_steps)
        return max(1, round(steps / steps_a_pass))


def evaluate(
    run_dir: str | Path,
    *,
    samples: int = 1000,
    seed: int = 0,
    dataset_dir: str | Path | None = None,
    guidance_dataset_dir: str | Path | None = None,
    scorer_settings: ScorerSettings | None = None,
    log: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Scores a run and writes `<run_dir>/scores.json`.

    Args:
        run_dir: Run folder with a checkpoint.
        samples: Number of sounds to generate, over all classes.
        seed: Seed of the generated sounds.
        dataset_dir: Data set folder; None takes the one that the run was trained on.
        guidance_dataset_dir: Folder of the data set that guided the run; None takes the one that
            did. Only for a run that another data set guided.
        scorer_settings: None takes the defaults; other settings give another scorer.
        log: Receives lines of progress.

    Returns:
        What was written: the main figures as plain numbers, `details`, `provenance`.

    Raises:
        FileNotFoundError: The run folder or its guidance file is missing.
        ValueError: The data set is missing or does not fit the run, or `samples` is too small.
    """
    run_dir = Path(run_dir)
    if not run_dir.is_dir():
        raise FileNotFoundError(f"--run_dir={run_dir} is no folder; give that of a training run.")
    run = gaae_tf.load(run_dir)
    dataset = load_dataset(run.config.dataset if dataset_dir is None else dataset_dir)
    guiding = _guiding(run, dataset, guidance_dataset_dir)
    guidance = read_guidance(run_dir, guiding.counts["train"])
    scores = score_run(
        run,
        dataset,
        guiding,
        guidance,
        samples=samples,
        seed=seed,
        scorer_settings=scorer_settings or ScorerSettings(),
        log=log,
    )
    scores["provenance"]["run_dir"] = str(run_dir)
    text = json.dumps(scores, indent=2, allow_nan=False) + "\n"
    run_folder.write_text(run_dir / "scores.json", text)
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
    dataset: Dataset,
    guiding: Dataset,
    guidance: np.ndarray,
    *,
    samples: int,
    seed: int,
    scorer_settings: ScorerSettings,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Measures everything that `evaluate` reports.

    Args:
        run: The trained run.
        dataset: The data set it was trained on; its test part is reconstructed.
        guiding: The data set whose labels guided it, perhaps the same; it has the run's classes.
        guidance: Indices, among the training clips of `guiding`, of those whose labels guided it.
        samples: As in `evaluate`.
        seed: As in `evaluate`.
        scorer_settings: How the scorer, and the simple classifier on the same labels, are trained.
        log: Receives lines of progress.

    Raises:
        ValueError: A data set does not fit the run, or there are too few clips or samples.
    """
    start = time.monotonic()

    def progress(line: str) -> None:
        log(f"[{time.monotonic() - start:4.0f} s] {line}")

    _check_fit(run, dataset, guiding, samples)
    train = read_clips(guiding, "train")
    known = _labelled(train, guiding, "train")
    test = _labelled(read_clips(guiding, "test"), guiding, "test")
    n = len(run.classes)

    progress(f"scorer: simple classifier on all {len(known.labels)} labelled training clips")
    scorer, kept = _scorer(run, guiding, known, scorer_settings, progress)
    real_test, real_train = (_score(scorer, clips.audio, run) for clips in (test, known))
    scorer_accuracy = _accuracy(real_test.logits, test.labels)
    progress(f"scorer's accuracy on {len(test.labels)} test clips: {scorer_accuracy:.1%}")

    progress(f"simple classifier on the run's own {len(guidance)} labels")
    same_labels, _ = train_classifier(
        train.audio[guidance],
        train.labels[guidance],
        n,
        spectrogram=_spectrogram(run),
        epochs=scorer_settings.epochs(len(guidance)),
        learning_rate=scorer_settings.learning_rate,
        batch_size=scorer_settings.batch_size,
        seed=scorer_settings.seed,
    )
    same_labels_accuracy = _accuracy(_score(same_labels, test.audio, run).logits, test.labels)

    progress(f"the run's classifier on {len(test.labels)} test clips")
    classifier_accuracy = _classifier_accuracy(run, test)
    rebuilt = test.audio if guiding is dataset else read_clips(dataset, "test").audio
    progress(f"the run's reconstructions of {len(rebuilt)} test clips")
    reconstruction = _reconstruction(run, rebuilt, dataset)

    progress(f"generating {samples} sounds")
    sounds, requested = _generate(run, samples, seed)
    progress("scoring the generated sounds")
    generated = _score(scorer, sounds, run)
    found = generated.logits.argmax(axis=1) == requested
    by_class = {
        name: {
            "value": float(found[requested == label].mean()),
            "samples": int(np.sum(requested == label)),
        }
        for label, name in enumerate(run.classes)
    }
    inception = {
        "generated": _inception(generated, seed),
        "real_test": _inception(real_test, seed),
        "real_train": _inception(real_train, seed),
    }
    frechet = {
        f"{a}_against_{b}": {
            space: _frechet(getattr(clips_a, space), getattr(clips_b, space))
            for space in ("logits", "features")
        }
        for a, clips_a, b, clips_b in (
            ("generated", generated, "real_test", real_test),
            ("generated", generated, "real_train", real_train),
            ("real_train", real_train, "real_test", real_test),
        )
    }
    progress("done")
    return {
        "requested_class_accuracy": float(found.mean()),
        "classifier_test_accuracy": classifier_accuracy,
        "simple_classifier_same_labels_accuracy": same_labels_accuracy,
        "scorer_test_accuracy": scorer_accuracy,
        "inception_score": inception["generated"]["value"],
        "inception_score_deviation": inception["generated"].get("deviation"),
        "frechet_distance": frechet["generated_against_real_test"]["logits"]["value"],
        "reconstruction_mse": reconstruction["mse"]["value"],
        "reconstruction_spectral_convergence_db": reconstruction["spectral_convergence_db"][
            "value"
        ],
        "details": {
            "requested_class_accuracy_by_class": by_class,
            "inception_score": inception,
            "frechet_distance": frechet,
            "reconstruction": reconstruction,
        },
        "provenance": {
            "scorer": {
                **dataclasses.asdict(scorer_settings),
                "source": "paper Table XXIV, trained here on all labels of guidance_dataset",
                "test_accuracy": scorer_accuracy,
                "kept_at": kept,
            },
            "frechet_distance_is": "logits of the scorer, generated sounds against real test clips",
            "features_are": "the scorer's last pooled map, averaged over positions",
            "samples": len(sounds),
            "test_clips": len(test.labels),
            "train_clips": len(known.labels),
            "labels_of_the_run": len(guidance),
            "seed": seed,
            "vocoder": run.vocoder,
            "refine": run.refine,
            "checkpoint": run.checkpoint,
            "step": run.step,
            "dataset": _provenance(dataset),
            "guidance_dataset": _provenance(guiding),
            "figures_are_from": {
                **dict.fromkeys(_OF_CLASSES, str(guiding.path)),
                **dict.fromkeys(_OF_RECONSTRUCTION, str(dataset.path)),
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
    dataset, guiding = provenance["dataset"], provenance["guidance_dataset"]
    inception, frechet = details["inception_score"], details["frechet_distance"]
    percent, number = "{:.1%}", "{:.3f}"
    rows = [
        ("requested class found in generated sounds", scores["requested_class_accuracy"], percent),
        *(
            (f"    {name}", entry["value"], percent)
            for name, entry in details["requested_class_accuracy_by_class"].items()
        ),
        ("  scorer's own accuracy on real test", scores["scorer_test_accuracy"], percent),
        ("C's accuracy on real test", scores["classifier_test_accuracy"], percent),
        (
            f"  simple classifier, same {provenance['labels_of_the_run']} labels",
            scores["simple_classifier_same_labels_accuracy"],
            percent,
        ),
        ("Inception Score, generated", scores["inception_score"], number),
        ("    deviation", scores["inception_score_deviation"], number),
        ("  real test", inception["real_test"]["value"], number),
        ("  real train", inception["real_train"]["value"], number),
        *(
            (f"Fréchet, {space}, {pair.replace('_', ' ')}", entry["value"], number)
            for space in ("logits", "features")
            for pair, entry in ((pair, spaces[space]) for pair, spaces in frechet.items())
        ),
        ("reconstruction, mean squared error", scores["reconstruction_mse"], "{:.4f}"),
        (
            "  spectral convergence of its sound, dB",
            scores["reconstruction_spectral_convergence_db"],
            "{:.1f}",
        ),
    ]
    lines = [
        f"{name:<56}{'not to be had' if value is None else form.format(value):>14}"
        for name, value, form in rows
    ]
    lines.append(
        f"{provenance['samples']} sounds by {provenance['vocoder']}, seed {provenance['seed']}; "
        f"scorer: {provenance['scorer']['name']}; {provenance['test_clips']} test clips of "
        f"{guiding['name']}"
        + ("" if guiding == dataset else f"; reconstructions of {dataset['name']}")
    )
    return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class _Scored:
    """A scorer's logits [clips, classes] and penultimate features [clips, 256]."""

    logits: np.ndarray
    features: np.ndarray


def _check_fit(run: Run, dataset: Dataset, guiding: Dataset, samples: int) -> None:
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
    fewest = INCEPTION_SPLITS * len(run.classes)
    if samples < fewest:
        raise ValueError(
            f"--samples={samples} is too few: the Inception Score of {len(run.classes)} classes in "
            f"{INCEPTION_SPLITS} parts needs at least {fewest}."
        )


def _labelled(clips: Clips, dataset: Dataset, split: str) -> Clips:
    """Leaves the clips out that have no label."""
    chosen = np.flatnonzero(clips.labels >= 0)
    missing = set(range(len(dataset.classes))) - set(clips.labels[chosen].tolist())
    if missing:
        names = ", ".join(dataset.classes[label] for label in sorted(missing))
        raise ValueError(
            f"The {split} part of {dataset.path} has no labelled clip of class {names}; scoring "
            f"needs some of every class. Prepare the data set with more of it."
        )
    return clips.subset(chosen)


def _scorer(
    run: Run,
    dataset: Dataset,
    clips: Clips,
    settings: ScorerSettings,
    progress: Callable[[str], None],
) -> tuple[SimpleClassifier, str | None]:
    """Loads the scorer that is kept beside the guiding data set, or trains and keeps it.

    Its name holds a digest of all that it depends on: the data, the signal path, the settings.
    """
    description = {
        "dataset": _identity(dataset),
        "classes": list(dataset.classes),
        "signal_path": dataclasses.asdict(run.signal_path),
        "scorer": dataclasses.asdict(settings),
    }
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]
    path = Path(dataset.path) / "scorers" / f"{settings.name}-{digest}.weights.h5"
    if path.is_file():
        progress(f"taking the scorer kept at {path}")
        scorer = SimpleClassifier(len(dataset.classes), seed=settings.seed)
        scorer.build((None, *_spectrogram(run)(clips.audio[:1]).shape[1:]))
        try:
            scorer.load_weights(path)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} is damaged ({error}); delete it to train it anew.") from error
        return scorer, str(path)

    scorer, _ = train_classifier(
        clips.audio,
        clips.labels,
        len(dataset.classes),
        spectrogram=_spectrogram(run),
        epochs=settings.epochs(len(clips.labels)),
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        seed=settings.seed,
        verbose=2,
    )
    try:
        path.parent.mkdir(exist_ok=True)
        run_folder.write_text(
            path.with_name(f"{settings.name}-{digest}.json"),
            json.dumps(description, indent=2) + "\n",
        )
        # The name ends as the target's does: Keras goes by the ending.
        temporary = path.with_name(f".{os.getpid()}-{path.name}")
        scorer.save_weights(temporary)
        temporary.replace(path)
    except OSError as error:  # a data set folder that is read-only
        progress(f"the scorer cannot be kept for next time: {error}")
        return scorer, None
    return scorer, str(path)


def _score(scorer: SimpleClassifier, audio: np.ndarray, run: Run) -> _Scored:
    return _Scored(*classify(scorer, audio, spectrogram=_spectrogram(run)))


def _spectrogram(run: Run) -> Callable[[Any], tf.Tensor]:
    """The run's spectrogram of 16-bit or float audio."""

    def spectrogram(audio):
        audio = tf.convert_to_tensor(audio)
        return run.signal_path.spectrogram(to_float(audio) if audio.dtype == tf.int16 else audio)

    return spectrogram


def _classifier_accuracy(run: Run, test: Clips) -> float:
    """Accuracy of C on clips that have labels."""
    predicted = [
        run.encode(run.signal_path.spectrogram(audio).numpy())[2].argmax(axis=1)
        for audio in evaluation_batches(test.audio, 64)
    ]
    return float(np.mean(np.concatenate(predicted) == test.labels))


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


def _generate(run: Run, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gives sounds [samples, clip_samples], as evenly of all classes as can be, and labels."""
    n = len(run.classes)
    labels = np.sort(np.arange(samples) % n)
    sounds = []
    for label, name in enumerate(run.classes):
        # A seed for each class, lest all classes share their style codes and samples depend.
        class_seed = int(np.random.SeedSequence([seed, label]).generate_state(1)[0] >> 1)
        count = int(np.sum(labels == label))
        sound = np.asarray(run.generate(name, count, class_seed))
        if sound.shape != (count, run.clip_samples) or not np.all(np.isfinite(sound)):
            raise ValueError(
                f"The run's sounds of class {name} must be finite and of shape "
                f"{(count, run.clip_samples)}; received shape {sound.shape}, "
                f"{int(np.sum(~np.isfinite(sound)))} values not finite."
            )
        sounds.append(sound)
    return np.concatenate(sounds), labels


def _accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(logits.argmax(axis=1) == labels))


def _inception(scored: _Scored, seed: int) -> dict[str, Any]:
    probabilities = scipy.special.softmax(scored.logits.astype(np.float64), axis=1)
    try:
        mean, deviation = inception_score(probabilities, INCEPTION_SPLITS, seed)
    except ValueError as error:
        return {"value": None, "reason": str(error)}
    return {
        "value": mean,
        "deviation": deviation,
        "splits": INCEPTION_SPLITS,
        "clips": len(probabilities),
    }


def _frechet(a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    try:
        value = frechet_distance(*gaussian_statistics(a), *gaussian_statistics(b))
    except ValueError as error:
        return {"value": None, "reason": str(error)}
    return {"value": value, "clips": [len(a), len(b)], "dimensions": a.shape[1]}


def _provenance(dataset: Dataset) -> dict[str, str]:
    return {"name": dataset.name, "path": str(dataset.path), "id": _identity(dataset)}


def _identity(dataset: Dataset) -> str:
    """SHA-256 of the data set's description, which holds its shards' checksums."""
    return hashlib.sha256((Path(dataset.path) / DESCRIPTION).read_bytes()).hexdigest()
