"""Scorers that are trained on a data set and kept beside it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from gaae_tf.data.again import more_of
from gaae_tf.data.pipeline import to_float
from gaae_tf.data.progress import Progress
from gaae_tf.data.shards import Clips, Dataset, read_clips
from gaae_tf.evaluation.classifiers import train_classifier
from gaae_tf.evaluation.scorers import kept, simple, wavegan
from gaae_tf.evaluation.scorers.scorer import Scorer, test_accuracy
from gaae_tf.evaluation.settings import ScorerSettings
from gaae_tf.files import written_whole

_NETWORKS: dict[str, ModuleType] = {"simple": simple, "wavegan": wavegan}


Read = Callable[[Dataset, str], Clips]


def trained_scorer(
    dataset: Dataset,
    settings: ScorerSettings | None = None,
    *,
    progress: bool = True,
    log: Callable[[str], None] = print,
    read: Read = read_clips,
) -> Scorer:
    """Takes the scorer that is kept beside a data set, or trains it on it and keeps it.

    Equal data sets and settings give equal weights on one CPU device.

    Args:
        dataset: Its labelled training clips train the scorer, its labelled test clips measure it.
        settings: None takes the defaults.
        progress: Whether to show progress on stderr, with the time left.
        log: Receives lines that say what is done.
        read: Gives the clips of a split, which the caller may have read already.

    Raises:
        ValueError: The data set has fewer than two classes, or no labelled training clip of one;
            training came to weights that are not finite; or the kept scorer is damaged.
    """
    settings = settings or ScorerSettings()
    new = _Untrained(dataset, settings)
    # The record is written last: with it, the scorer is whole.
    if new.record_file.is_file():
        log(f"taking the scorer kept at {new.weights_file}")
        return new.kept()
    record = new.train(labelled_clips(read(dataset, "train"), dataset, "train"), progress, log)
    of_test = read(dataset, "test")
    record["test_accuracy"] = test_accuracy(new.scorer(record), of_test, dataset, progress, log)
    try:
        new.keep(record)
    except OSError as error:  # a data set folder that is read-only
        log(f"the scorer cannot be kept for next time: {error}")
        return new.scorer(record)
    return new.scorer(record, new.weights_file)


def kept_record(dataset: Dataset, settings: ScorerSettings) -> dict[str, Any] | None:
    """The record of the scorer that `trained_scorer` would take, None where it would train one.

    Raises:
        ValueError: the data set has fewer than two classes, or the record is damaged.
    """
    new = _Untrained(dataset, settings)
    return kept.read_record(new.record_file, new.description) if new.record_file.is_file() else None


class _Untrained:
    """A scorer of a data set with new weights, and where it is kept."""

    def __init__(self, dataset: Dataset, settings: ScorerSettings) -> None:
        if len(dataset.classes) < 2:
            raise ValueError(
                f"A scorer tells classes apart, but {dataset.path} has {len(dataset.classes)}: "
                f"{', '.join(dataset.classes)}. Prepare a data set of at least two."
            )
        self._dataset, self._settings = dataset, settings
        self._network, self._prepare, network_input = self._new_network("float32")
        self.description = {
            "format": kept.FORMAT,
            "dataset": kept.dataset_id(dataset),
            "settings": dataclasses.asdict(settings),
            "input": network_input,
        }
        stem = kept.stem(dataset, settings.name, self.description)
        self.weights_file = stem.with_suffix(".weights.h5")
        self.record_file = stem.with_suffix(".json")

    def _new_network(self, precision: str):
        make = _NETWORKS[self._settings.name].new_network
        return make(self._dataset, self._settings.seed, precision)

    def scorer(self, record: Mapping[str, Any], kept_at: Path | None = None) -> Scorer:
        """The scorer with the weights that it now has."""

        def forward(audio):
            return self._network(self._prepare(audio), return_features=True)

        return Scorer(forward, record, kept_at)

    def kept(self) -> Scorer:
        """The scorer that is kept."""
        record = kept.read_record(self.record_file, self.description)
        try:
            self._network.load_weights(self.weights_file)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{self.weights_file} is damaged ({error}); delete it and {self.record_file} to "
                "train it anew."
            ) from error
        digest = kept.weights_sha256(self._network)
        return self.scorer(record | {"weights_sha256": digest}, self.weights_file)

    def train(self, clips: Clips, progress: bool, log: Callable[[str], None]) -> dict[str, Any]:
        """Trains it, and gives its record, whose accuracy is still to measure."""
        name, dataset = self._settings.name, self._dataset
        steps = self._settings.steps(len(clips.labels))
        log(
            f"training the {name} scorer on {len(clips.labels)} labelled clips of "
            f"{dataset.name}: {steps} steps of {self._settings.batch_size}"
        )
        started = time.monotonic()
        self._network.set_weights(self._trained_weights(clips, steps, progress))
        source = _NETWORKS[name].SOURCE
        return {
            "name": name,
            "source": f"{source} on all labelled training clips of {dataset.name}",
            **kept.of_dataset(dataset),
            "description": self.description,
            "train_clips": len(clips.labels),
            "train_steps": steps,
            "train_seconds": round(time.monotonic() - started, 1),
            "weights_sha256": kept.weights_sha256(self._network),
            "test_accuracy": None,
        }

    def _trained_weights(self, clips: Clips, steps: int, progress: bool) -> list[np.ndarray]:
        """Weights of a network of its own precision, which the settings may say to be lower."""
        settings = self._settings
        network, prepare, _ = self._new_network(settings.precision)
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

    def keep(self, record: Mapping[str, Any]) -> None:
        """Writes weights and record.

        Raises:
            OSError: they cannot be written.
        """
        self.weights_file.parent.mkdir(exist_ok=True)
        with written_whole(self.weights_file) as temporary:
            self._network.save_weights(temporary)
        kept.write_record(self.record_file, record)


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
            f"every class: {more_of(dataset, split)}"
        )
    return clips.subset(chosen)
