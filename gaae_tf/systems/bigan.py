"""BiGAN on a trained unsupervised BigGAN: what its frozen generator makes, read backwards.

Source: Donahue et al. 2017 (arXiv 1605.09782); paper A-C, Tables XVIII and XIX; METHOD §4. A joint
discriminator J tells (x, F(x)) from (G(z), z), and the feature network F learns to be taken for
G's inverse. Its codes then teach `systems.bigan_classifier`. Losses are the original's
logistic ones, F's with the labels swapped, its weight decay 2.5e-5 an L2 penalty of kernels.
Departure: G is frozen, as the paper has it, with its average, and batch statistics measured again.
"""

from __future__ import annotations

import typing
from typing import ClassVar

import keras
import tensorflow as tf

from gaae_tf import losses
from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.features import FeatureNetwork, JointDiscriminator
from gaae_tf.systems.arguments import averaged, decoder, tower
from gaae_tf.systems.batches import batch_mean, mean_logs, over_replicas, split_batches
from gaae_tf.systems.spec import Spec
from gaae_tf.systems.system import System

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


class BiGAN(System):
    """Trains a feature network against a joint discriminator; the generator stays as it is.

    One call of `train_step` is one iteration: k discriminator updates, then one of F.

    Args:
        generator, features, discriminator: the networks, built; the generator trained, without
            classes.
        weight_decay: L2 penalty of the kernels of F and J: each adds half of it, times its squares,
            to the loss that moves it.
        seed, average_decay: as in `System`; the average is F's.

    Raises:
        ValueError: the networks' codes differ in length, or an argument is out of its range.
    """

    NETWORKS: ClassVar = {
        "generator": "frozen generator G",
        "features": "feature network F",
        "discriminator": "joint discriminator J",
    }
    FROZEN = ("generator",)
    AVERAGED = ("features",)
    SAMPLER = "generator"
    OPTIMIZERS: ClassVar = {"features": ("features",), "discriminator": ("discriminator",)}
    LOSS_NAMES = ("F_loss", "J_loss")
    LOG_NAMES = (*LOSS_NAMES, "gradient_norm_F", "gradient_norm_J")
    PASSES = ({"features": 1, "discriminator": 1}, {"discriminator": 2})
    ENCODER = "features"

    def __init__(
        self,
        generator: keras.Model,
        features: keras.Model,
        discriminator: keras.Model,
        weight_decay: float = 2.5e-5,
        seed: int = 0,
        average_decay: float = 0.9999,
        **kwargs,
    ):
        if not generator.style_dim == features.style_dim == discriminator.style_dim:
            raise ValueError(
                "generator, features and discriminator must have codes of one length, got "
                f"style_dim {generator.style_dim}, {features.style_dim} and "
                f"{discriminator.style_dim}"
            )
        if weight_decay < 0.0:
            raise ValueError(f"weight_decay must not be negative, got {weight_decay}")
        super().__init__(
            {"generator": generator, "features": features, "discriminator": discriminator},
            generator.style_dim,
            None,
            seed,
            average_decay,
            **kwargs,
        )
        self.weight_decay = weight_decay

    def call(self, spectrograms, training=False):
        """Reconstruction G(F(x)) by the averaged F; [batch, bins, frames, 1] both."""
        return self.decode(self.codes(spectrograms))

    def codes(self, spectrograms):
        """Codes F(x) by the averaged F."""
        return {"features": self.averaged_features(spectrograms)}

    def decode(self, codes):
        """G(F(x)) of what `codes` gave; [batch, bins, frames, 1]."""
        return self.generator(codes["features"])

    def train_step(self, batches):
        """One iteration: k updates of J, one of F.

        Args:
            batches: k + 1 tuples (x,), all fresh; x [batch, bins, frames, 1] in [-1, 1].

        Returns:
            Both losses without the weights' penalty, and both gradient norms; means over the global
            batch and, for the discriminator's, over the k updates.
        """
        discriminator_batches, features_batch = split_batches(batches)
        updates = []
        for i, batch in enumerate(discriminator_batches):
            updates.append(self._update_discriminator(batch[0], draw=i))
        logs = mean_logs(updates)
        logs |= self._update_features(features_batch[0])
        self._finish_step()
        return logs

    def _update_discriminator(self, x, draw):
        """One update by -mean log σ(J(x, F(x))) - mean log(1 - σ(J(G(z), z)))."""
        z, _ = self._noise(x, draw)
        generated, codes = self.generator(z), self.features(x, training=True)
        with tf.GradientTape() as tape:
            scores = self.discriminator(
                tf.concat([x, generated], axis=0), tf.concat([codes, z], axis=0), training=True
            )
            real, fake = tf.split(scores, 2)
            loss = batch_mean(losses.logistic_real(real)) + batch_mean(losses.logistic_fake(fake))
            penalised = loss + self._penalty(self.discriminator)
            scaled = self.discriminator_optimizer.scale_loss(penalised)
        norm = self._apply(tape, scaled, "discriminator")
        return over_replicas({"J_loss": loss}) | {"gradient_norm_J": norm}

    def _update_features(self, x):
        """One update by -mean log(1 - σ(J(x, F(x)))): F passes real clips for generated ones.

        Of the original's loss this is the part that moves F; the other one moves G alone.
        """
        with tf.GradientTape() as tape:
            scores = self.discriminator(x, self.features(x, training=True))
            loss = batch_mean(losses.logistic_fake(scores))
            scaled = self.features_optimizer.scale_loss(loss + self._penalty(self.features))
        norm = self._apply(tape, scaled, "features")
        return over_replicas({"F_loss": loss}) | {"gradient_norm_F": norm}

    def _penalty(self, network):
        """This replica's share of the L2 penalty."""
        squares = [
            tf.nn.l2_loss(tf.cast(weight.value, tf.float32))
            for weight in network.trainable_variables
            if len(weight.shape) > 1
        ]
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        return self.weight_decay * tf.add_n(squares) / replicas


def build(config: TrainConfig, data: DataDescription) -> BiGAN:
    """The networks of a configuration, which draw their weights in this order."""
    coded = {**tower(config, data), "style_dim": config.style_dim}
    return BiGAN(
        Decoder(**decoder(config, data, classes=None), name="generator"),
        FeatureNetwork(**coded, name="features"),
        JointDiscriminator(**coded, name="discriminator"),
        weight_decay=config.weight_decay,
        **averaged(config),
    )


SPEC = Spec(
    name="bigan",
    labels="none",
    unlabelled=True,
    frozen="unsupervised_biggan",
    does=("generate", "represent", "reconstruct"),
    codes=("features",),
    sampled_code="features",
    sizes="doubling",
    flags=("adversarial", "tower", "decoder"),
    build=build,
)
