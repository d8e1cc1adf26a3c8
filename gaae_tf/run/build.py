"""Configuration and data description to a compiled model."""

from __future__ import annotations

import dataclasses
import random

import keras
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.encoder import Encoder
from gaae_tf.networks.features import FeatureNetwork, JointDiscriminator
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.networks.wavegan import WaveGANDiscriminator, WaveGANGenerator
from gaae_tf.run.folder import DataDescription
from gaae_tf.systems.bigan import BiGAN
from gaae_tf.systems.biggan import BigGAN
from gaae_tf.systems.classifying import AugmentedClassifier, Classifier, FeatureClassifier
from gaae_tf.systems.gaae import GAAE
from gaae_tf.systems.ggan import GGAN
from gaae_tf.systems.system import System
from gaae_tf.systems.wasserstein import SpecGAN, TiFGAN, WaveGAN


def build_model(config: TrainConfig, data: DataDescription) -> System:
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


def _build(config: TrainConfig, data: DataDescription) -> System:
    average = {"seed": config.seed, "average_decay": config.average_decay}
    bins, frames = config.stft.bins, config.stft.frames(data.clip_samples)
    classes = len(data.classes) if config.uses_labels else None
    tower = {
        "bins": bins,
        "frames": frames,
        "channels": config.channels,
        "non_local_bins": config.non_local_bins,
        "dtype": config.precision,
    }
    decoder = {
        **tower,
        "classes": classes,
        "width_schedule": config.width_schedule,
        "style_dim": config.style_dim,
        "class_biases": "orthogonal" if config.orthogonal_class_biases else "zeros",
    }
    if config.model in ("biggan", "unsupervised_biggan"):
        return BigGAN(
            Decoder(**decoder, name="generator"),
            SampleDiscriminator(**tower, classes=classes, name="discriminator"),
            **average,
        )
    coded = {**tower, "style_dim": config.style_dim}
    if config.model == "bigan":
        return BiGAN(
            Decoder(**decoder, name="generator"),
            FeatureNetwork(**coded, name="features"),
            JointDiscriminator(**coded, name="discriminator"),
            weight_decay=config.weight_decay,
            **average,
        )
    if config.model == "bigan_classifier":
        return FeatureClassifier(
            FeatureNetwork(**coded, name="features"),
            LatentClassifier(classes, config.style_dim, name="classifier"),
            **average,
        )
    if config.model in ("classifier", "augmented_classifier"):
        classifier = SimpleClassifier(
            classes, seed=config.seed, dtype=config.precision, name="classifier"
        )
        classifier.build((None, bins, frames, 1))
        system = AugmentedClassifier if config.model == "augmented_classifier" else Classifier
        return system(classifier, **average)
    if config.model == "wavegan":
        size = {
            "samples": data.clip_samples,
            "channels": config.channels,
            "dtype": config.precision,
        }
        return WaveGAN(
            WaveGANGenerator(**size, style_dim=config.style_dim, name="generator"),
            WaveGANDiscriminator(**size, name="discriminator"),
            **average,
        )
    if config.model in ("specgan", "tifgan"):
        tifgan = config.model == "tifgan"
        size = {
            "bins": bins,
            "frames": frames,
            "kernel_size": (12, 3) if tifgan else (5, 5),
            "channels": config.channels,
            "spectral_norm": tifgan,
            "dtype": config.precision,
        }
        return (TiFGAN if tifgan else SpecGAN)(
            DCGANGenerator(
                **size, wide_base=not tifgan, style_dim=config.style_dim, name="generator"
            ),
            DCGANDiscriminator(**size, name="discriminator"),
            **average,
        )
    latent = {
        "classes": classes if config.latent_condition else None,
        "spectral_norm": config.latent_spectral_norm,
    }
    guided = {
        "condition": config.condition,
        "stop_condition_gradient": config.stop_condition_gradient,
        "additions": config.additions,
        **average,
    }
    if config.model == "ggan":
        return GGAN(
            FeatureNetwork(**coded, name="encoder"),
            Decoder(**decoder),
            LatentClassifier(classes, config.style_dim),
            SampleDiscriminator(**tower, classes=classes),
            LatentDiscriminator(config.style_dim, **latent),
            loss_weights=dataclasses.replace(config.loss_weights, omega_1=1.0, omega_2=0.0),
            **guided,
        )
    floor, ceiling = data.signal_path(
        config.stft, config.scaling, config.dynamic_range_nepers
    ).scaling.limits_nepers
    # The networks draw their weights in this order, on which equal seeds rely.
    return GAAE(
        encoder=Encoder(
            **tower | {"channels": config.encoder_channels or config.channels},
            guided_dim=config.guided_dim,
            style_dim=config.style_dim,
            style_pooling=config.style_pooling,
            frequency_axis=config.frequency_axis,
        ),
        decoder=Decoder(**decoder, frequency_axis=config.frequency_axis),
        classifier=LatentClassifier(classes, config.guided_dim),
        sample_discriminator=SampleDiscriminator(**tower, classes=classes),
        latent_discriminator=LatentDiscriminator(config.style_dim, **latent),
        loss_weights=config.loss_weights,
        nepers_per_unit=(ceiling - floor) / 2.0,
        **guided,
    )


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
