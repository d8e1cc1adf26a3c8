"""Classifier C on the guided code.

Source: paper Table XXII; METHOD §4: dense 128-ReLU-dense n.
"""

from __future__ import annotations

import keras


class LatentClassifier(keras.Model):
    """C(z): guided code to class logits, float32.

    Args:
        classes: number of classes n.
        guided_dim: length of the guided code.
    """

    def __init__(self, classes: int, guided_dim: int = 128, **kwargs):
        super().__init__(**kwargs | {"dtype": "float32"})
        self.classes = classes
        self.guided_dim = guided_dim
        self.stack = keras.Sequential(
            [
                keras.layers.Dense(128, "relu", kernel_initializer="orthogonal", dtype="float32"),
                keras.layers.Dense(classes, kernel_initializer="orthogonal", dtype="float32"),
            ]
        )
        self.build()

    def build(self, input_shape=None):
        """Creates all weights."""
        self.stack.build((None, self.guided_dim))
        self.built = True

    def call(self, guided):
        """[batch, guided_dim] -> logits [batch, classes]."""
        return self.stack(guided)

    def get_config(self):
        """The constructor's arguments."""
        return {"name": self.name, "classes": self.classes, "guided_dim": self.guided_dim}
