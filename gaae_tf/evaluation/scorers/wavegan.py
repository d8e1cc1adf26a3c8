"""The network of the WaveGAN authors' digit classifier, trained here: the paper's for S09."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from gaae_tf.data.shards import Dataset
from gaae_tf.networks.wavegan_classifier import WaveganClassifier

SOURCE = "the network of the WaveGAN authors' classifier, trained here: not their weights"


def new_network(
    dataset: Dataset, seed: int, precision: str
) -> tuple[keras.Model, Callable[[tf.Tensor], tf.Tensor], dict[str, Any]]:
    """A new network, the function from float audio to its input, and that one's settings."""
    network = WaveganClassifier(len(dataset.classes), dataset.sample_rate_hz, seed, dtype=precision)
    network.build((None, dataset.clip_samples))
    return network, lambda audio: audio, {"sample_rate_hz": dataset.sample_rate_hz}
