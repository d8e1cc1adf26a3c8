"""The simple classifier of spectrograms, which Tables VII and VIII hold the GAAE's C against.

Source: paper VII, A-E, Table XXIV. It learns from the labelled share alone.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import keras
import tensorflow as tf

from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.systems.arguments import averaged
from gaae_tf.systems.batches import batch_mean, over_replicas
from gaae_tf.systems.spec import Spec
from gaae_tf.systems.system import System

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


class Classifier(System):
    """Trains a classifier of spectrograms by cross-entropy; one `train_step`, one update.

    Args:
        classifier: the network, built; spectrograms to logits.
        seed, average_decay: as in `System`; the average is the classifier's.
        frozen: networks before it, by their names in FROZEN; the simple classifier has none.
    """

    NETWORKS: ClassVar = {"classifier": "classifier"}
    AVERAGED = ("classifier",)
    OPTIMIZERS: ClassVar = {"classifier": ("classifier",)}
    LOSS_NAMES = ("C_loss",)
    LOG_NAMES = (*LOSS_NAMES, "accuracy", "gradient_norm_C")
    PASSES = ({"classifier": 1},)

    def __init__(
        self,
        classifier: keras.Model,
        seed: int = 0,
        average_decay: float = 0.9999,
        frozen: Mapping[str, keras.Model] = MappingProxyType({}),
        **kwargs,
    ):
        networks = {"classifier": classifier, **frozen}
        super().__init__(networks, None, classifier.classes, seed, average_decay, **kwargs)

    def class_probabilities(self, spectrograms):
        """ŷ by the averaged classifier."""
        return tf.nn.softmax(self.averaged_classifier(self._inputs(spectrograms)))

    def train_step(self, batches):
        """One update.

        Args:
            batches: one tuple (x, y): spectrograms [batch, bins, frames, 1] in [-1, 1], their
                labels one-hot [batch, classes].

        Returns:
            `C_loss`, the `accuracy` on what was learnt from, before the update, and the gradient
            norm; means over the global batch.
        """
        ((x, y),) = batches
        x = self._inputs(self._altered(x))
        with tf.GradientTape() as tape:
            logits = self.classifier(x, training=True)
            loss = batch_mean(self.label_loss(y, logits))
            scaled = self.classifier_optimizer.scale_loss(loss)
        norm = self._apply(tape, scaled, "classifier")
        right = tf.equal(tf.argmax(logits, axis=-1), tf.argmax(y, axis=-1))
        logs = over_replicas({"C_loss": loss, "accuracy": batch_mean(tf.cast(right, tf.float32))})
        self._finish_step()
        return logs | {"gradient_norm_C": norm}

    def _altered(self, x):
        """Spectrograms as they are learnt from."""
        return x

    def _inputs(self, x):
        """What the classifier sees of spectrograms."""
        return x


def simple_network(config: TrainConfig, data: DataDescription) -> SimpleClassifier:
    """The network of a configuration, built."""
    network = SimpleClassifier(
        len(data.classes), seed=config.seed, dtype=config.precision, name="classifier"
    )
    network.build((None, config.stft.bins, config.stft.frames(data.clip_samples), 1))
    return network


def build(config: TrainConfig, data: DataDescription) -> Classifier:
    """The classifier of a configuration."""
    return Classifier(simple_network(config, data), **averaged(config))


SPEC = Spec(
    name="classifier",
    labels="some",
    unlabelled=False,
    does=("classify",),
    sizes="pooling",
    build=build,
)
