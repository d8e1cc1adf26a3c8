"""Classifiers as systems of their own, which Tables VII and VIII hold the GAAE's C against.

Source: paper VII, A-C and A-E, Tables XXII and XXIV. The simple classifier learns from the labelled
share alone, the augmented one from altered spectrograms of it (`systems.augmentation`), the one on
BiGAN's features from codes that stay frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import keras
import tensorflow as tf

from gaae_tf.systems.augmentation import augmented
from gaae_tf.systems.system import System, batch_mean, over_replicas


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
    CLASSIFIES = True

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


class AugmentedClassifier(Classifier):
    """The simple classifier, taught by altered spectrograms: noise, shifts, masks, zero patches."""

    def _altered(self, x):
        return augmented(x, lambda stream, sampler: self._drawn(x, 0, stream, sampler))


class FeatureClassifier(Classifier):
    """An MLP on the frozen codes of a BiGAN's feature network.

    Args:
        features: F, trained, built.
        classifier: the network, built; codes to logits.
        seed, average_decay: as in `System`; the average is the classifier's.

    Raises:
        ValueError: the classifier takes codes of another length.
    """

    NETWORKS: ClassVar = {"features": "frozen features F", "classifier": "classifier"}
    FROZEN = ("features",)
    ENCODES = True
    ENCODER = CLASSIFIED_CODE = "features"

    def __init__(
        self,
        features: keras.Model,
        classifier: keras.Model,
        seed: int = 0,
        average_decay: float = 0.9999,
        **kwargs,
    ):
        if classifier.guided_dim != features.style_dim:
            raise ValueError(
                f"the classifier takes codes of {classifier.guided_dim}, but those of the features "
                f"have {features.style_dim}"
            )
        super().__init__(classifier, seed, average_decay, {"features": features}, **kwargs)

    def codes(self, spectrograms):
        """Codes F(x)."""
        return {"features": self.features(spectrograms)}

    def _inputs(self, x):
        return self.features(x)
