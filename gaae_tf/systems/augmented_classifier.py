"""The simple classifier, taught by altered spectrograms of the labelled share.

Source: paper VII, Tables VII and VIII; the alterations are those of `systems.augmentation`.
"""

from __future__ import annotations

import typing

from gaae_tf.systems.arguments import averaged
from gaae_tf.systems.augmentation import augmented
from gaae_tf.systems.classifier import Classifier, simple_network
from gaae_tf.systems.spec import Spec

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


class AugmentedClassifier(Classifier):
    """The simple classifier, taught by altered spectrograms: noise, shifts, masks, zero patches."""

    def _altered(self, x):
        return augmented(x, lambda stream, sampler: self._drawn(x, 0, stream, sampler))


def build(config: TrainConfig, data: DataDescription) -> AugmentedClassifier:
    """The classifier of a configuration."""
    return AugmentedClassifier(simple_network(config, data), **averaged(config))


SPEC = Spec(
    name="augmented_classifier",
    labels="some",
    unlabelled=False,
    does=("classify",),
    sizes="pooling",
    build=build,
)
