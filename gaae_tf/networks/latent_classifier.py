"""Classifier C on the guided code.

Source: paper Table XXII; METHOD §4: dense 128-ReLU-dense n. Departure, on GGAN's codes and on a
BiGAN's frozen ones: they are standardised first, by the statistics of batches. In short trainings
nothing has brought those codes to mean 0 and deviation 1 yet, and on FSDD, with deviations of 0.1
and 0.2, the classifier stayed at chance.
"""

from __future__ import annotations

import keras


class LatentClassifier(keras.Model):
    """C(z): guided code to class logits, float32.

    Args:
        classes: number of classes n.
        guided_dim: length of the guided code.
        standardises: whether codes are standardised by batch, and later by moving, statistics.
    """

    def __init__(self, classes: int, guided_dim: int = 128, standardises: bool = False, **kwargs):
        super().__init__(**kwargs | {"dtype": "float32"})
        self.classes = classes
        self.guided_dim = guided_dim
        self.standardises = standardises
        self.standardise = None
        if standardises:
            self.standardise = keras.layers.BatchNormalization(
                momentum=0.9,
                epsilon=1e-6,  # codes of small deviation are to be standardised too
                center=False,
                scale=False,
                synchronized=keras.backend.backend() == "tensorflow",  # alone knows how
                dtype="float32",
            )
        self.stack = keras.Sequential(
            [
                keras.layers.Dense(128, "relu", kernel_initializer="orthogonal", dtype="float32"),
                keras.layers.Dense(classes, kernel_initializer="orthogonal", dtype="float32"),
            ]
        )
        self.build()

    def build(self, input_shape=None):
        """Creates all weights."""
        if self.standardise is not None:
            self.standardise.build((None, self.guided_dim))
        self.stack.build((None, self.guided_dim))
        self.built = True

    def call(self, guided, training=False):
        """[batch, guided_dim] -> logits [batch, classes]."""
        if self.standardise is not None:
            guided = self.standardise(guided, training=training)
        return self.stack(guided)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.guided_dim,),)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "name": self.name,
            "classes": self.classes,
            "guided_dim": self.guided_dim,
            "standardises": self.standardises,
        }
