"""A classifier on the codes of a trained BiGAN, which stay as they are.

Source: paper VII, A-C, Table XXII.
"""

from __future__ import annotations

import typing
from typing import ClassVar

import keras

from gaae_tf.networks.features import FeatureNetwork
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.systems.arguments import averaged, tower
from gaae_tf.systems.classifier import Classifier
from gaae_tf.systems.spec import Spec

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


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


def build(config: TrainConfig, data: DataDescription) -> FeatureClassifier:
    """The networks of a configuration; the features draw their weights first."""
    return FeatureClassifier(
        FeatureNetwork(**tower(config, data), style_dim=config.style_dim, name="features"),
        LatentClassifier(len(data.classes), config.style_dim, name="classifier"),
        **averaged(config),
    )


SPEC = Spec(
    name="bigan_classifier",
    labels="some",
    unlabelled=False,
    frozen="bigan",
    does=("represent", "classify"),
    codes=("features",),
    sizes="doubling",
    flags=("tower",),
    build=build,
)
