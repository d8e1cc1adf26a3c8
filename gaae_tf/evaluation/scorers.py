"""Scorers: classifiers that tell what class generated sounds are of (METHOD §7; paper IV-C).

`simple` is the paper's spectrogram classifier (Table XXIV), its scorer for NSynth. `wavegan` is the
network of the WaveGAN authors' digit classifier, the paper's scorer for S09. Both are trained here,
on all labelled training clips of a data set, and kept beside it in `scorers`:
`NAME-ID.weights.h5`, and `NAME-ID.json` with all that a figure's source needs. The WaveGAN authors'
own weights can be read where a user has them. Figures of different scorers never compare.

A scorer depends on its data set and its own settings alone, on nothing of a run: `simple` takes the
transform that the data set was prepared with, `dataset_peak` scaling and the dynamic range that the
data set's histogram suggests. So all runs on a data set are measured by one scorer, and its figures
for real clips stand once, whatever a run's own spectrograms are, or if it makes waveforms.
"""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import gaae_tf
from gaae_tf.data.corpora.speech_commands import DIGITS
from gaae_tf.data.pipeline import to_float
from gaae_tf.data.progress import Progress
from gaae_tf.data.shards import DESCRIPTION, Clips, Dataset, read_clips
from gaae_tf.evaluation.classifiers import train_classifier
from gaae_tf.files import sha256, without_patterns, write_text, written_whole
from gaae_tf.metrics.intervals import wilson_interval
from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.networks.wavegan_classifier import WaveganClassifier
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.run.names import SCORERS

PRECISIONS = ("float32", "mixed_bfloat16")
FOLDER = "scorers"  # in the data set's folder
FEATURES = "the last pooled map, averaged over its positions"

# What the WaveGAN authors' classifier takes, and its classes in the order of its logits (the
# constant `labels` of their exported graph).
AUTHORS_RATE_HZ, AUTHORS_SAMPLES = 16000, 16384
AUTHORS_CLASSES = DIGITS

_SOURCES = {
    "simple": "the paper's simple classifier (Table XXIV), trained here",
    "wavegan": "the network of the WaveGAN authors' classifier, trained here: not their weights",
}
_FORMAT = 1  # of what is kept; another network or training is another format
_BATCH = 32  # clips scored at a time: WaveGAN's first maps are 8 MB a clip
_WIDEST_NEPERS = 60.0  # that LogMagnitudeScaling takes


@dataclasses.dataclass(frozen=True)
class ScorerSettings:
    """How a scorer is trained: enough for a CPU, and independent of a run.

    Training runs `passes` times over the clips, but at least `min_steps`, which a hundred clips
    need, and at most `max_steps`, for exactly so many steps: the learning rate of Adam falls to
    zero along a cosine, so the last weights are the settled ones and no clip is kept for choosing
    among them.

    Attributes:
        name: One of SCORERS.
        passes: Over the labelled training clips.
        min_steps: Of `batch_size` clips.
        max_steps: None takes 3,000 for "simple", 1,500 for "wavegan", whose step takes 6 times as
            long (one to two hours in all on two cores).
        batch_size: Clips a step.
        learning_rate: At the start; ten times the paper's, for these are hundreds of steps.
        seed: Of the initial weights and of the order of clips.
        precision: One of PRECISIONS, of training; scoring is always float32. "mixed_bfloat16"
            trains in less than half the time on a CPU that has bfloat16 instructions.

    Raises:
        ValueError: A value is out of range.
    """

    name: str = "simple"
    passes: int = 12
    min_steps: int = 200
    max_steps: int | None = None
    batch_size: int = 32
    learning_rate: float = 1e-3
    seed: int = 0
    precision: str = "float32"

    def __post_init__(self):
        for name, value, known in (
            ("scorer", self.name, SCORERS),
            ("precision", self.precision, PRECISIONS),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}; received {value!r}.")
        if self.max_steps is None:
            object.__setattr__(self, "max_steps", {"simple": 3000, "wavegan": 1500}[self.name])
        for name in ("passes", "min_steps", "max_steps", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive; received {getattr(self, name)!r}.")

    def steps(self, clips: int) -> int:
        """Training steps on `clips` clips, at least 1."""
        wanted = self.passes * -(-clips // self.batch_size)
        return min(max(wanted, self.min_steps), self.max_steps)


class Scorer:
    """A trained classifier of audio, with what is known of it.

    Args:
        forward: TensorFlow function of float32 audio [batch, clip_samples] in [-1, 1] that gives
            logits [batch, classes] and features [batch, d].
        record: What its JSON file holds, with the digest of the weights that it now has.
        kept_at: Its weights, None where they could not be kept.

    Attributes:
        name: Of the scorer: "simple", "wavegan" or "wavegan_authors".
        classes: Names, in the order of logits; the data set's.
        sample_rate_hz: Of the audio that it takes.
        clip_samples: Length of the clips that it takes.
    """

    def __init__(
        self,
        forward: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
        record: Mapping[str, Any],
        kept_at: Path | None,
    ) -> None:
        self.name: str = record["name"]
        self.classes = tuple(record["classes"])
        self.sample_rate_hz: int = record["sample_rate_hz"]
        self.clip_samples: int = record["clip_samples"]
        self._record, self._kept_at = record, kept_at
        self._forward = tf.function(
            forward, input_signature=[tf.TensorSpec([None, self.clip_samples], tf.float32)]
        )

    @property
    def test_accuracy(self) -> dict[str, Any]:
        """Accuracy on the data set's test clips.

        `value` in [0, 1] with `interval_95` (Wilson), `correct` and `clips`; `value` is None, with
        a `reason`, where the data set has no labelled test clip.
        """
        return dict(self._record["test_accuracy"])

    @property
    def identity(self) -> str:
        """Digest of its weights and of all that they depend on."""
        known = [self._record["description"], self._record["weights_sha256"]]
        text = json.dumps(known, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def provenance(self) -> dict[str, Any]:
        """What must stand beside every figure of this scorer; JSON."""
        kept_at = None if self._kept_at is None else str(self._kept_at)
        return {**self._record, "features_are": FEATURES, "kept_at": kept_at}

    def score(
        self,
        audio: np.ndarray | Iterable[np.ndarray],
        *,
        sample_rate_hz: int,
        progress: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Classifies clips, a batch at a time.

        Args:
            audio: int16 or float [clips, clip_samples], floats in [-1, 1]; or batches of that.
            sample_rate_hz: Of the audio.
            progress: Whether to show progress on stderr.

        Returns:
            Logits, float32 [clips, classes], and features, float32 [clips, d]; they depend on the
            batches by rounding alone.

        Raises:
            ValueError: Another rate, length or type of audio, values that are not finite, no
                clips, or outputs that are not finite.
        """
        if sample_rate_hz != self.sample_rate_hz:
            raise ValueError(
                f"The {self.name} scorer takes audio of {self.sample_rate_hz} Hz; received "
                f"{sample_rate_hz} Hz. Resample it."
            )
        shown = Progress(
            len(audio) if isinstance(audio, np.ndarray) else 0, "clips scored", shown=progress
        )
        logits, features = [], []
        for batch in [audio] if isinstance(audio, np.ndarray) else audio:
            self._check(batch, shown.done)
            for start in range(0, len(batch), _BATCH):
                clips = batch[start : start + _BATCH]
                scale = np.float32(1 / 32768 if clips.dtype == np.int16 else 1)
                outputs = self._forward(tf.constant(clips.astype(np.float32) * scale))
                for kept, output in zip((logits, features), outputs, strict=True):
                    kept.append(output.numpy())
                    if not np.isfinite(kept[-1]).all():
                        raise ValueError(
                            f"The {self.name} scorer, {self._kept_at or 'not kept'}, gives logits "
                            "or features that are not finite; delete its files to have it anew."
                        )
                shown.step(len(clips))
        if not shown.done:
            raise ValueError("audio must hold at least one clip; received none.")
        shown.close()
        return np.concatenate(logits), np.concatenate(features)

    def _check(self, batch: np.ndarray, first: int) -> None:
        if batch.ndim != 2 or batch.shape[1] != self.clip_samples:
            raise ValueError(
                f"The {self.name} scorer takes audio of shape [clips, {self.clip_samples}]; "
                f"received shape {batch.shape}."
            )
        if batch.dtype == np.int16:
            return
        if not np.issubdtype(batch.dtype, np.floating):
            raise ValueError(
                f"audio must be int16, or floats in [-1, 1]; received {batch.dtype} values."
            )
        bad = np.flatnonzero(~np.isfinite(batch).all(axis=1))
        if len(bad):
            raise ValueError(
                f"audio must be finite; {len(bad)} of {len(batch)} clips are not, clip "
                f"{first + bad[0]} the first."
            )


def trained_scorer(
    dataset: Dataset,
    settings: ScorerSettings | None = None,
    *,
    progress: bool = True,
    log: Callable[[str], None] = print,
) -> Scorer:
    """Takes the scorer that is kept beside a data set, or trains it on it and keeps it.

    Equal data sets and settings give equal weights on one CPU device.

    Args:
        dataset: Its labelled training clips train the scorer, its labelled test clips measure it.
        settings: None takes the defaults.
        progress: Whether to show progress on stderr, with the time left.
        log: Receives lines that say what is done.

    Raises:
        ValueError: The data set has fewer than two classes, or no labelled training clip of one;
            training came to weights that are not finite; or the kept scorer is damaged.
    """
    settings = settings or ScorerSettings()
    if len(dataset.classes) < 2:
        raise ValueError(
            f"A scorer tells classes apart, but {dataset.path} has {len(dataset.classes)}: "
            f"{', '.join(dataset.classes)}. Prepare a data set of at least two."
        )
    network, prepare, network_input = _network(settings, dataset, "float32")
    description = {
        "format": _FORMAT,
        "dataset": dataset_id(dataset),
        "settings": dataclasses.asdict(settings),
        "input": network_input,
    }
    stem = _stem(dataset, settings.name, description)
    weights, record_file = stem.with_suffix(".weights.h5"), stem.with_suffix(".json")

    def forward(audio):
        return network(prepare(audio), return_features=True)

    # The record is written last: with it, the scorer is whole.
    if record_file.is_file():
        log(f"taking the scorer kept at {weights}")
        record = _read_record(record_file, description)
        try:
            network.load_weights(weights)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{weights} is damaged ({error}); delete it and {record_file} to train it anew."
            ) from error
        return Scorer(forward, record | {"weights_sha256": _weights_sha256(network)}, weights)

    clips = labelled_clips(read_clips(dataset, "train"), dataset, "train")
    steps = settings.steps(len(clips.labels))
    log(
        f"training the {settings.name} scorer on {len(clips.labels)} labelled clips of "
        f"{dataset.name}: {steps} steps of {settings.batch_size}"
    )
    started = time.monotonic()
    network.set_weights(_train(clips, dataset, settings, steps, progress))
    record = {
        "name": settings.name,
        "source": f"{_SOURCES[settings.name]} on all labelled training clips of {dataset.name}",
        **_of_dataset(dataset),
        "description": description,
        "train_clips": len(clips.labels),
        "train_steps": steps,
        "train_seconds": round(time.monotonic() - started, 1),
        "weights_sha256": _weights_sha256(network),
        "test_accuracy": None,
    }
    record["test_accuracy"] = _test_accuracy(Scorer(forward, record, None), dataset, progress, log)
    try:
        weights.parent.mkdir(exist_ok=True)
        with written_whole(weights) as temporary:
            network.save_weights(temporary)
        write_text(record_file, json.dumps(record, indent=2, allow_nan=False) + "\n")
    except OSError as error:  # a data set folder that is read-only
        log(f"the scorer cannot be kept for next time: {error}")
        return Scorer(forward, record, None)
    return Scorer(forward, record, weights)


def checkpoint_scorer(
    path: str | Path,
    dataset: Dataset,
    *,
    progress: bool = True,
    log: Callable[[str], None] = print,
) -> Scorer:
    """Reads the WaveGAN authors' own classifier, a TensorFlow 1 checkpoint (--scorer_checkpoint).

    Its accuracy on the data set's test clips is measured once and kept beside the data set.

    Args:
        path: The checkpoint without ending, as `eval/inception/best_acc-103005`; one of its files;
            or the folder, or `infer.meta` in the folder, that holds this checkpoint alone.
        dataset: Clips of 16,384 samples at 16 kHz of the ten digits, in any order of classes: the
            scorer's logits are in the data set's.
        progress: As in `trained_scorer`.
        log: As in `trained_scorer`.

    Raises:
        FileNotFoundError: No checkpoint there.
        ValueError: It is not that classifier's, or the data set is not what it classifies.
    """
    if sorted(name.lower() for name in dataset.classes) != sorted(AUTHORS_CLASSES):
        raise ValueError(
            "--scorer_checkpoint: the WaveGAN authors' classifier is of the classes "
            f"{', '.join(AUTHORS_CLASSES)}, but {dataset.path} has {', '.join(dataset.classes)}; "
            "leave the flag out to train a scorer."
        )
    if (dataset.sample_rate_hz, dataset.clip_samples) != (AUTHORS_RATE_HZ, AUTHORS_SAMPLES):
        raise ValueError(
            f"--scorer_checkpoint: the WaveGAN authors' classifier takes {AUTHORS_SAMPLES} samples "
            f"at {AUTHORS_RATE_HZ} Hz, but the clips of {dataset.path} are {dataset.clip_samples} "
            f"samples at {dataset.sample_rate_hz} Hz; prepare it so, or leave the flag out."
        )
    prefix = _checkpoint_prefix(Path(path))
    network = WaveganClassifier(len(AUTHORS_CLASSES), AUTHORS_RATE_HZ)
    network.build((None, AUTHORS_SAMPLES))
    digest, step = _read_checkpoint(prefix, network)
    columns = [AUTHORS_CLASSES.index(name.lower()) for name in dataset.classes]
    network.head.set_weights([weight[..., columns] for weight in network.head.get_weights()])

    description = {"format": _FORMAT, "dataset": dataset_id(dataset), "checkpoint": digest}
    record_file = _stem(dataset, "wavegan_authors", description).with_suffix(".json")

    def forward(audio):
        return network(audio, return_features=True)

    if record_file.is_file():
        log(f"taking the scorer of {prefix}, its accuracy from {record_file}")
        record = _read_record(record_file, description)
        return Scorer(forward, record | {"weights_sha256": _weights_sha256(network)}, prefix)
    record = {
        "name": "wavegan_authors",
        "source": f"the WaveGAN authors' classifier, weights of {prefix}, step {step}",
        **_of_dataset(dataset),
        "description": description,
        "weights_sha256": _weights_sha256(network),
        "test_accuracy": None,
    }
    record["test_accuracy"] = _test_accuracy(Scorer(forward, record, None), dataset, progress, log)
    try:
        record_file.parent.mkdir(exist_ok=True)
        write_text(record_file, json.dumps(record, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        log(f"the scorer's accuracy cannot be kept for next time: {error}")
    return Scorer(forward, record, prefix)


def dataset_id(dataset: Dataset) -> str:
    """SHA-256 of the data set's description, which holds its shards' checksums."""
    return sha256(Path(dataset.path) / DESCRIPTION)


def labelled_clips(clips: Clips, dataset: Dataset, split: str) -> Clips:
    """Leaves the clips out that have no label.

    Args:
        clips: Of one split.
        dataset: Where they are from.
        split: Its name, for the message.

    Raises:
        ValueError: A class has no clip.
    """
    chosen = np.flatnonzero(clips.labels >= 0)
    missing = sorted(set(range(len(dataset.classes))) - set(clips.labels[chosen].tolist()))
    if missing:
        raise ValueError(
            f"The {split} part of {dataset.path} has no labelled clip of class "
            f"{', '.join(dataset.classes[label] for label in missing)}; a scorer needs some of "
            "every class. Prepare the data set with more of it."
        )
    return clips.subset(chosen)


def _network(
    settings: ScorerSettings, dataset: Dataset, precision: str
) -> tuple[keras.Model, Callable[[tf.Tensor], tf.Tensor], dict[str, Any]]:
    """A new network, the function from float audio to its input, and that one's settings."""
    n = len(dataset.classes)
    if settings.name == "wavegan":
        network = WaveganClassifier(n, dataset.sample_rate_hz, settings.seed, dtype=precision)
        network.build((None, dataset.clip_samples))
        return network, lambda audio: audio, {"sample_rate_hz": dataset.sample_rate_hz}
    widest = min(float(dataset.suggested_dynamic_range_nepers), _WIDEST_NEPERS)
    path = SignalPath(
        dataset.stft,
        LogMagnitudeScaling("dataset_peak", widest, statistics=dataset.statistics),
    )
    network = SimpleClassifier(n, settings.seed, dtype=precision)
    network.build((None, dataset.stft.bins, dataset.stft.frames(dataset.clip_samples), 1))
    return network, path.spectrogram, dataclasses.asdict(path)


def _stem(dataset: Dataset, name: str, description: Mapping[str, Any]) -> Path:
    """Where a scorer is kept, without ending; a digest of all that it depends on names it."""
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]
    return Path(dataset.path) / FOLDER / f"{name}-{digest}"


def _weights_sha256(network: keras.Model) -> str:
    """Digest of the weights in use: two trainings of one description need not give the same."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _of_dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        "classes": list(dataset.classes),
        "sample_rate_hz": dataset.sample_rate_hz,
        "clip_samples": dataset.clip_samples,
        "versions": {
            "gaae_tf": gaae_tf.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }


def _read_record(path: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        same = record["description"] == json.loads(json.dumps(description))
        whole = {"name", "source", "classes", "test_accuracy"} <= record.keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read ({error!r}); delete it.") from error
    if not (same and whole):
        raise ValueError(f"{path} does not describe the scorer that its name says; delete it.")
    return record


def _train(
    clips: Clips, dataset: Dataset, settings: ScorerSettings, steps: int, progress: bool
) -> list[np.ndarray]:
    """Trains a new network and gives its weights."""
    network, prepare, _ = _network(settings, dataset, settings.precision)
    shown = Progress(steps * settings.batch_size, "clips trained on", shown=progress)
    train_classifier(
        network,
        clips.audio,
        clips.labels,
        prepare=lambda audio: prepare(to_float(audio)),
        steps=steps,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        seed=settings.seed,
        after_step=lambda: shown.step(settings.batch_size),
    )
    shown.close()
    return network.get_weights()


def _test_accuracy(
    scorer: Scorer, dataset: Dataset, progress: bool, log: Callable[[str], None]
) -> dict[str, Any]:
    test = read_clips(dataset, "test")
    test = test.subset(np.flatnonzero(test.labels >= 0))
    if not len(test.labels):
        reason = f"{dataset.path} has no labelled test clip"
        log(f"the scorer's accuracy cannot be had: {reason}")
        return {"value": None, "reason": reason}
    logits, _ = scorer.score(test.audio, sample_rate_hz=dataset.sample_rate_hz, progress=progress)
    correct, clips = int(np.sum(logits.argmax(axis=1) == test.labels)), len(test.labels)
    low, high = wilson_interval(correct, clips)
    log(
        f"the scorer's accuracy on {clips} test clips: {correct / clips:.1%} "
        f"({low:.1%} to {high:.1%})"
    )
    return {
        "value": correct / clips,
        "interval_95": [low, high],
        "correct": correct,
        "clips": clips,
    }


def _checkpoint_prefix(path: Path) -> Path:
    """A checkpoint's path without ending, of which `.index` and `.data-…` are there."""
    if path.is_dir() or path.suffix == ".meta":
        folder = path if path.is_dir() else path.parent
        found = sorted(folder.glob("*.index"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            raise FileNotFoundError(
                f"--scorer_checkpoint={path}: {folder} must hold one checkpoint, NAME.index and "
                f"NAME.data-00000-of-00001; it has {names}. Give the one's path without ending."
            )
        prefix = found[0].with_suffix("")
    else:
        prefix = path.with_name(re.sub(r"\.(index|data-\d{5}-of-\d{5})$", "", path.name))
    for ending in (".index", ".data-*-of-*"):
        if not list(prefix.parent.glob(f"{glob.escape(prefix.name)}{ending}")):
            raise FileNotFoundError(
                f"--scorer_checkpoint={path}: {prefix}{ending} does not exist; a checkpoint is its "
                ".index and its .data file together."
            )
    return prefix


def _read_checkpoint(prefix: Path, network: WaveganClassifier) -> tuple[str, str]:
    """Reads the authors' weights by name; gives their SHA-256 and the checkpoint's step."""
    with without_patterns(prefix) as path:
        return _read_weights(path, prefix, network)


def _read_weights(path: str, prefix: Path, network: WaveganClassifier) -> tuple[str, str]:
    try:
        reader = tf.train.load_checkpoint(path)
        shapes = reader.get_variable_to_shape_map()
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise ValueError(f"--scorer_checkpoint: {prefix} cannot be read: {error}") from error
    variables = _authors_variables(network)
    found = {name for name in shapes if name.startswith("classifier/")}
    wrong = [f"{name} is missing" for name in sorted(variables.keys() - found)]
    wrong += [f"{name} is none of its weights" for name in sorted(found - variables.keys())]
    wrong += [
        f"{name} has shape {tuple(shapes[name])}, not {tuple(variable.shape)}"
        for name, variable in variables.items()
        if name in found and tuple(shapes[name]) != tuple(variable.shape)
    ]
    if wrong:
        raise ValueError(
            f"--scorer_checkpoint: {prefix} is not the WaveGAN authors' classifier "
            f"(eval/inception/best_acc-103005): {'; '.join(wrong[:5])}"
            + (f"; and {len(wrong) - 5} more." if len(wrong) > 5 else ".")
        )
    digest = hashlib.sha256()
    for name, variable in sorted(variables.items()):
        try:
            value = np.asarray(reader.get_tensor(name), np.float32)
        except (tf.errors.OpError, RuntimeError, ValueError) as error:
            raise ValueError(
                f"--scorer_checkpoint: {name} of {prefix} cannot be read: {error}"
            ) from error
        if not np.isfinite(value).all():
            raise ValueError(f"--scorer_checkpoint: {name} of {prefix} is not finite.")
        digest.update(name.encode() + value.tobytes())
        variable.assign(value)
    step = str(int(reader.get_tensor("global_step"))) if "global_step" in shapes else "unknown"
    return digest.hexdigest(), step


def _authors_variables(network: WaveganClassifier) -> dict[str, keras.Variable]:
    """The network's weights by their names in the authors' checkpoint."""

    def numbered(name, layers):
        return {f"{name}_{i}" if i else name: layer for i, layer in enumerate(layers)}

    layers = (
        numbered("batch_normalization", network.norms)
        | numbered("conv2d", network.convolutions)
        | {"dense": network.head}
    )
    return {
        f"classifier/{layer_name}/{weight.name}": weight
        for layer_name, layer in layers.items()
        for weight in layer.weights
    }
