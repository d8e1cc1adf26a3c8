"""Classifier C on the guided code.

Source: paper Table XXII; METHOD §4: dense 128-ReLU-dense n. Departure: codes are standardised
first, by the statistics of their batch, so that C reads a code of unit scale however the last layer
of the encoder is scaled. Nothing else holds the guided code to a scale: on FSDD, where it varied by
a tenth, C stayed near chance for a thousand steps.

After training, the statistics are those of real clips under the weights that are used
(`System.measure_code_statistics`): moving ones lag behind weights that move.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops

from gaae_tf.networks.initializers import orthogonal_for_relu
from gaae_tf.networks.normalization import global_moments
from gaae_tf.networks.saving import Saved

_MOMENTUM = 0.9


class Standardisation(Saved, keras.layers.Layer):
    """Gives each of a code's numbers mean 0 and deviation 1 over the batch.

    Attributes:
        epsilon: added to the variance.
        of_replicas: as in `BatchNormalization`.
    """

    epsilon = 1e-6  # codes of small deviation are to be standardised too
    of_replicas: Callable | None = None

    def build(self, input_shape):
        """Creates the moving statistics for codes [batch, size]."""
        shape = input_shape[-1:]
        self.moving_mean = self.add_weight(
            name="moving_mean", shape=shape, initializer="zeros", trainable=False, autocast=False
        )
        self.moving_variance = self.add_weight(
            name="moving_variance", shape=shape, initializer="ones", trainable=False, autocast=False
        )

    def call(self, codes, training=False):
        """[batch, size] -> same shape."""
        mean, variance = self.moving_mean, self.moving_variance
        if training:
            mean = ops.mean(codes, axis=0)
            variance = ops.mean(ops.square(codes - mean), axis=0)
            mean, variance = global_moments(mean, variance, self.of_replicas)
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * _MOMENTUM + value * (1.0 - _MOMENTUM))
        return (codes - mean) * ops.rsqrt(variance + self.epsilon)


class LatentClassifier(Saved, keras.Model):
    """C(z): guided code to class logits, float32.

    Args:
        classes: number of classes n.
        guided_dim: length of the guided code.
    """

    def __init__(self, classes: int, guided_dim: int = 128, **kwargs):
        super().__init__(**kwargs | {"dtype": "float32"})
        self.classes = classes
        self.guided_dim = guided_dim
        self.standardise = Standardisation(dtype="float32")
        self.stack = keras.Sequential(
            [
                keras.layers.Dense(
                    128, "relu", kernel_initializer=orthogonal_for_relu(), dtype="float32"
                ),
                keras.layers.Dense(classes, kernel_initializer="orthogonal", dtype="float32"),
            ]
        )
        self.build()

    def build(self, input_shape=None):
        """Creates all weights."""
        self.standardise.build((None, self.guided_dim))
        self.stack.build((None, self.guided_dim))
        self.built = True

    def call(self, guided, training=False):
        """[batch, guided_dim] -> logits [batch, classes]."""
        return self.stack(self.standardise(guided, training=training))

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.guided_dim,),)
