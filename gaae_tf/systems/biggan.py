"""BigGAN, supervised by all labels.

Source: Brock et al. 2019 (arXiv 1809.11096); paper Tables X to XVII; METHOD §4. The generator is
GAAE's decoder fed with z ~ N(0, I), the discriminator GAAE's S. The class enters the generator by
conditional batch normalisation and the discriminator by projection, and every training label is
used. Departures: z enters at the dense layer alone (the paper's Table XII), not in every block;
labels of generated examples are drawn uniformly. `unsupervised_biggan` is the same without classes.
"""

from __future__ import annotations

import typing
from typing import ClassVar

import keras
import tensorflow as tf

from gaae_tf import losses
from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import SampleDiscriminator
from gaae_tf.systems.arguments import averaged, decoder, tower
from gaae_tf.systems.batches import batch_mean, mean_logs, over_replicas, split_batches
from gaae_tf.systems.spec import Spec
from gaae_tf.systems.system import System

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


class BigGAN(System):
    """Trains a generator against a discriminator by hinge losses.

    One call of `train_step` is one iteration: k discriminator updates, then one of the generator.

    Args:
        generator, discriminator: the networks, built; both with classes, or both without.
        seed, average_decay: as in `System`; the average is the generator's.

    Raises:
        ValueError: the networks differ in their classes, or an argument is out of its range.
    """

    NETWORKS: ClassVar = {"generator": "generator", "discriminator": "discriminator"}
    AVERAGED = ("generator",)
    SAMPLER = "generator"
    OPTIMIZERS: ClassVar = {"generator": ("generator",), "discriminator": ("discriminator",)}
    LOSS_NAMES = ("G_loss", "D_loss")
    LOG_NAMES = (*LOSS_NAMES, "gradient_norm_G", "gradient_norm_D")
    HINGE_LOSSES = ("D_loss",)
    PASSES = ({"generator": 1, "discriminator": 1}, {"discriminator": 2})

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        seed: int = 0,
        average_decay: float = 0.9999,
        **kwargs,
    ):
        if generator.classes != discriminator.classes:
            raise ValueError(
                f"the generator has classes={generator.classes}, but the discriminator "
                f"classes={discriminator.classes}"
            )
        super().__init__(
            {"generator": generator, "discriminator": discriminator},
            generator.style_dim,
            generator.classes,
            seed,
            average_decay,
            **kwargs,
        )

    def train_step(self, batches):
        """One iteration: k updates of the discriminator, one of the generator.

        Args:
            batches: k + 1 tuples, all fresh: (x, y) with classes, (x,) without. Spectrograms x
                [batch, bins, frames, 1] in [-1, 1]; their labels y one-hot [batch, classes].

        Returns:
            `G_loss`, `D_loss` and both gradient norms; means over the global batch and, for the
            discriminator's, over the k updates.
        """
        discriminator_batches, generator_batch = split_batches(batches)
        updates = []
        for i, batch in enumerate(discriminator_batches):
            updates.append(self._update_discriminator(batch, draw=i))
        logs = mean_logs(updates)
        # The last batch tells the generator's update no more than its size.
        logs |= self._update_generator(generator_batch[0], draw=len(updates))
        self._finish_step()
        return logs

    def _update_discriminator(self, batch, draw):
        """One update by mean relu(1 - D(x, y)) + mean relu(1 + D(G(z, y_r), y_r))."""
        x, labels = batch[0], batch[1:]
        z, y_r = self._noise(x, draw)
        generated = self._generate(z, y_r)
        with tf.GradientTape() as tape:
            condition = [] if y_r is None else [tf.concat([*labels, y_r], axis=0)]
            real, fake = tf.split(
                self.discriminator(tf.concat([x, generated], axis=0), *condition, training=True), 2
            )
            loss = batch_mean(losses.hinge_real(real)) + batch_mean(losses.hinge_fake(fake))
            scaled = self.discriminator_optimizer.scale_loss(loss)
        norm = self._apply(tape, scaled, "discriminator")
        return over_replicas({"D_loss": loss}) | {"gradient_norm_D": norm}

    def _update_generator(self, like, draw):
        """One update by -mean D(G(z, y_r), y_r), for as many examples as `like` has rows."""
        z, y_r = self._noise(like, draw)
        with tf.GradientTape() as tape:
            generated = self._generate(z, y_r)
            # D and its power iteration stand still while G learns from it.
            scores = self.discriminator(generated, *([] if y_r is None else [y_r]))
            loss = batch_mean(losses.hinge_generator(scores))
            scaled = self.generator_optimizer.scale_loss(loss)
        norm = self._apply(tape, scaled, "generator")
        return over_replicas({"G_loss": loss}) | {"gradient_norm_G": norm}

    def _generate(self, z, y_r):
        return self.generator(z, *([] if y_r is None else [y_r]), training=True)


def build(config: TrainConfig, data: DataDescription) -> BigGAN:
    """The networks of a configuration, supervised."""
    return with_classes(config, data, len(data.classes))


def with_classes(config: TrainConfig, data: DataDescription, classes: int | None) -> BigGAN:
    """The networks with so many classes, or without any; the generator draws its weights first."""
    return BigGAN(
        Decoder(**decoder(config, data, classes), name="generator"),
        SampleDiscriminator(**tower(config, data), classes=classes, name="discriminator"),
        **averaged(config),
    )


SPEC = Spec(
    name="biggan",
    labels="all",
    unlabelled=False,
    does=("generate", "choose_class"),
    sizes="doubling",
    flags=("adversarial", "tower", "decoder", "class_biases"),
    build=build,
)
