"""The WaveGAN authors' own digit classifier, read from their TensorFlow 1 checkpoint."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gaae_tf.data.corpora.speech_commands import DIGITS
from gaae_tf.data.shards import Dataset, read_clips
from gaae_tf.evaluation.scorers import kept
from gaae_tf.evaluation.scorers.scorer import Scorer, test_accuracy
from gaae_tf.evaluation.scorers.trained import Read
from gaae_tf.files import without_patterns
from gaae_tf.networks.wavegan_classifier import WaveganClassifier

# What their classifier takes, and its classes in the order of its logits (the constant `labels` of
# their exported graph).
AUTHORS_RATE_HZ, AUTHORS_SAMPLES = 16000, 16384
AUTHORS_CLASSES = DIGITS


def checkpoint_scorer(
    path: str | Path,
    dataset: Dataset,
    *,
    progress: bool = True,
    log: Callable[[str], None] = print,
    read: Read = read_clips,
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
        read: As in `trained_scorer`.

    Raises:
        FileNotFoundError: No checkpoint there.
        ValueError: It is not that classifier's, or the data set is not what it classifies.
    """
    _check_dataset(dataset)
    prefix = _checkpoint_prefix(Path(path))
    network = WaveganClassifier(len(AUTHORS_CLASSES), AUTHORS_RATE_HZ)
    network.build((None, AUTHORS_SAMPLES))
    digest, step = _read_checkpoint(prefix, network)
    columns = [AUTHORS_CLASSES.index(name.lower()) for name in dataset.classes]
    network.head.set_weights([weight[..., columns] for weight in network.head.get_weights()])

    description = {"format": kept.FORMAT, "dataset": kept.dataset_id(dataset), "checkpoint": digest}
    record_file = kept.stem(dataset, "wavegan_authors", description).with_suffix(".json")

    def forward(audio):
        return network(audio, return_features=True)

    if record_file.is_file():
        log(f"taking the scorer of {prefix}, its accuracy from {record_file}")
        record = kept.read_record(record_file, description)
        return Scorer(forward, record | {"weights_sha256": kept.weights_sha256(network)}, prefix)
    record = {
        "name": "wavegan_authors",
        "source": f"the WaveGAN authors' classifier, weights of {prefix}, step {step}",
        **kept.of_dataset(dataset),
        "description": description,
        "weights_sha256": kept.weights_sha256(network),
        "test_accuracy": None,
    }
    of_test = read(dataset, "test")
    record["test_accuracy"] = test_accuracy(
        Scorer(forward, record, None), of_test, dataset, progress, log
    )
    try:
        kept.write_record(record_file, record)
    except OSError as error:
        log(f"the scorer's accuracy cannot be kept for next time: {error}")
    return Scorer(forward, record, prefix)


def _check_dataset(dataset: Dataset) -> None:
    """Raises ValueError unless a data set is of what the classifier takes."""
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
