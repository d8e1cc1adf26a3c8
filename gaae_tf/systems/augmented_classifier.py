"""The simple classifier, taught by altered spectrograms of the labelled share.

Source: paper VII, Tables VII and VIII; the alterations are those of `systems.augmentation`.
"""

from __future__ import annotations

import typing

import keras

from gaae_tf.systems.arguments import averaged
from gaae_tf.systems.augmentation import augmented
from gaae_tf.systems.classifier import Classifier, simple_network
from gaae_tf.systems.spec import Spec

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


class AugmentedClassifier(Classifier):
    """The simple classifier, taught by altered spectrograms: noise, shifts, masks, zero patches.

    Args:
        classifier: as in `Classifier`.
        alter_channel: whether by other gains over frequency and another floor, too.
        kwargs: as in `System`.
    """

    def __init__(self, classifier: keras.Model, alter_channel: bool = False, **kwargs):
        super().__init__(classifier, **kwargs)
        self.alter_channel = alter_channel

    def _altered(self, x):
        def drawn(stream, sampler):
            return self._drawn(x, 0, stream, sampler)

        return augmented(x, drawn, self.alter_channel)


def build(config: TrainConfig, data: DataDescription) -> AugmentedClassifier:
    """The classifier of a configuration."""
    return AugmentedClassifier(
        simple_network(config, data), config.alter_channel, **averaged(config)
    )


SPEC = Spec(
    name="augmented_classifier",
    labels="some",
    unlabelled=False,
    does=("classify",),
    sizes="pooling",
    flags=("alterations",),
    build=build,
)
