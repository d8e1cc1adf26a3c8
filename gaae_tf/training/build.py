"""Configuration and data description to a compiled model."""

from __future__ import annotations

import random

import keras

from gaae_tf.config import TrainConfig
from gaae_tf.models.gaae import GAAE
from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.encoder import Encoder
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.training.run_folder import DataDescription


def build_model(config: TrainConfig, data: DataDescription) -> GAAE:
    """The configured networks with freshly drawn weights, equal for equal seeds.

    Call it inside the strategy's scope. `config.precision` must be resolved, not "auto". Global
    random state stays as it was.
    """
    # Keras initializers without a seed draw one from `random`, and from nothing else.
    state = random.getstate()
    random.seed(config.seed)
    try:
        return _build(config, data)
    finally:
        random.setstate(state)


def _build(config: TrainConfig, data: DataDescription) -> GAAE:
    bins, frames = config.stft.bins, config.stft.frames(data.clip_samples)
    classes = len(data.classes)
    tower = {
        "bins": bins,
        "frames": frames,
        "channels": config.channels,
        "non_local_bins": config.non_local_bins,
        "dtype": config.precision,
    }
    return GAAE(
        encoder=Encoder(**tower, guided_dim=config.guided_dim, style_dim=config.style_dim),
        decoder=Decoder(
            **tower,
            classes=classes,
            width_schedule=config.width_schedule,
            style_dim=config.style_dim,
        ),
        classifier=LatentClassifier(classes, config.guided_dim),
        sample_discriminator=SampleDiscriminator(**tower, classes=classes),
        latent_discriminator=LatentDiscriminator(config.style_dim),
        loss_weights=config.loss_weights,
        seed=config.seed,
        average_decay=config.average_decay,
        condition=config.condition,
        stop_condition_gradient=config.stop_condition_gradient,
    )


def compile_model(model: GAAE, config: TrainConfig) -> None:
    """Gives the model its three optimizers, with loss scaling in mixed_float16."""

    def adam(learning_rate, updates, name):
        if config.learning_rate_decay == "linear":
            learning_rate = LinearDecay(learning_rate, updates * config.steps)
        optimizer = keras.optimizers.Adam(
            learning_rate, beta_1=config.adam_beta_1, beta_2=config.adam_beta_2, name=name
        )
        if config.precision == "mixed_float16":
            return keras.optimizers.LossScaleOptimizer(optimizer, name=f"{name}_scaled")
        return optimizer

    autoencoder, discriminator = (
        config.autoencoder_learning_rate,
        config.discriminator_learning_rate,
    )
    k = config.discriminator_steps
    model.compile(
        autoencoder_optimizer=adam(autoencoder, 1, "autoencoder"),
        sample_optimizer=adam(discriminator, k, "sample"),
        latent_optimizer=adam(discriminator, k, "latent"),
    )


class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Constant over the first half of the updates, then linearly to zero.

    Args:
        learning_rate: the constant.
        updates: all updates of the training.
    """

    def __init__(self, learning_rate: float, updates: int):
        self.learning_rate = learning_rate
        self.updates = updates

    def __call__(self, update):
        """Rate of an update, counted from 0."""
        progress = keras.ops.cast(update, "float32") / self.updates
        return self.learning_rate * keras.ops.clip(2.0 * (1.0 - progress), 0.0, 1.0)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {"learning_rate": self.learning_rate, "updates": self.updates}
