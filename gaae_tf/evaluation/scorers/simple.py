"""The paper's simple spectrogram classifier (Table XXIV), its scorer for NSynth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from gaae_tf.data.shards import Dataset
from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling
from gaae_tf.ops.signal_path import SignalPath

SOURCE = "the paper's simple classifier (Table XXIV), trained here"

_WIDEST_NEPERS = 60.0  # that LogMagnitudeScaling takes


def new_network(
    dataset: Dataset, seed: int, precision: str
) -> tuple[keras.Model, Callable[[tf.Tensor], tf.Tensor], dict[str, Any]]:
    """A new network, the function from float audio to its input, and that one's settings."""
    widest = min(float(dataset.suggested_dynamic_range_nepers), _WIDEST_NEPERS)
    path = SignalPath(
        dataset.stft,
        LogMagnitudeScaling("dataset_peak", widest, statistics=dataset.statistics),
    )
    network = SimpleClassifier(len(dataset.classes), seed, dtype=precision)
    network.build((None, dataset.stft.bins, dataset.stft.frames(dataset.clip_samples), 1))
    return network, path.spectrogram, dataclasses.asdict(path)
