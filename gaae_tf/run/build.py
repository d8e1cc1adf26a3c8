"""Configuration and data description to a compiled model."""

from __future__ import annotations

import random

import keras
import tensorflow as tf

from gaae_tf import systems
from gaae_tf.config import TrainConfig
from gaae_tf.run.folder import DataDescription
from gaae_tf.systems.system import System


def build_model(config: TrainConfig, data: DataDescription) -> System:
    """The configured networks with freshly drawn weights, equal for equal seeds.

    Call it inside the strategy's scope. `config.precision` must be resolved, not "auto". Global
    random state stays as it was.
    """
    # Keras initializers without a seed draw one from `random`, and from nothing else.
    state = random.getstate()
    random.seed(config.seed)
    try:
        return systems.build(config, data)
    finally:
        random.setstate(state)


def compile_model(model: System, config: TrainConfig) -> None:
    """Gives the model its optimizers, with loss scaling in mixed_float16."""

    def adam(learning_rate, beta_1, name):
        if config.learning_rate_decay == "linear":
            learning_rate = ScaledRate(learning_rate, model.rate_scale)
        optimizer = keras.optimizers.Adam(
            learning_rate, beta_1=beta_1, beta_2=config.adam_beta_2, name=name
        )
        if config.precision == "mixed_float16":
            return keras.optimizers.LossScaleOptimizer(optimizer, name=f"{name}_scaled")
        return optimizer

    first, *others = model.OPTIMIZERS
    beta_1 = config.autoencoder_adam_beta_1
    model.compile(
        adam(
            config.autoencoder_learning_rate, config.adam_beta_1 if beta_1 < 0.0 else beta_1, first
        ),
        *(adam(config.discriminator_learning_rate, config.adam_beta_1, name) for name in others),
    )


class ScaledRate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate times the share of it that is left, which the training loop sets.

    Args:
        learning_rate: the rate while the share is 1.
        scale: the share, a float32 scalar variable.
    """

    def __init__(self, learning_rate: float, scale: tf.Variable):
        self.learning_rate = learning_rate
        self.scale = scale

    def __call__(self, update):
        """The rate; the number of the update does not matter."""
        return self.learning_rate * self.scale

    def get_config(self) -> dict:
        """The rate alone, for the share is not the schedule's own."""
        return {"learning_rate": self.learning_rate}
