"""What WaveGAN, SpecGAN and TiFGAN share: a generator against a critic with gradient penalty.

Source: Gulrajani et al. 2017 (arXiv 1704.00028); Donahue et al. 2019 (arXiv 1802.04208); Marafioti
et al. 2019 (arXiv 1902.04072), whose code takes one norm over the whole batch. The critic minimises
 mean D(G(z)) - mean D(x) + λ·mean (‖∇D(x̂)‖ - 1)², x̂ between a real and a generated
example, λ = 10; the norm is each example's own. The generator minimises -mean D(G(z)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import keras
import tensorflow as tf

from gaae_tf import losses
from gaae_tf.networks.wavegan import SHUFFLE_RADIUS
from gaae_tf.systems.batches import batch_mean, mean_logs, over_replicas, split_batches
from gaae_tf.systems.system import System

# Of `_drawn`: 0 and 1 are codes and labels.
_MIXTURE, _REAL, _GENERATED, _BETWEEN = 2, 3, 4, 5
_SMALLEST_SQUARE = 1e-12  # keeps the slope of a norm finite at zero


class WassersteinGAN(System):
    """Trains a generator against a critic with gradient penalty.

    One call of `train_step` is one iteration: k updates of the critic, then one of the generator.

    Args:
        generator, discriminator: the networks, built. A discriminator with an attribute `shuffles`
            takes int shifts [batch, shuffles] in [-2, 2] for its phase shuffle.
        penalty: λ, weight of the gradient penalty.
        seed, average_decay: as in `System`; the average is the generator's.

    Raises:
        ValueError: an argument is out of its range.
    """

    NETWORKS: ClassVar = {"generator": "generator", "discriminator": "discriminator"}
    AVERAGED = ("generator",)
    SAMPLER = "generator"
    OPTIMIZERS: ClassVar = {"generator": ("generator",), "discriminator": ("discriminator",)}
    LOSS_NAMES = ("G_loss", "D_loss", "gradient_penalty")
    LOG_NAMES = (*LOSS_NAMES, "gradient_norm_G", "gradient_norm_D")
    # The penalty holds a forward pass, its gradient, and what the gradient of that needs.
    PASSES = ({"generator": 1, "discriminator": 1}, {"discriminator": 2 + 3})
    PRIOR = SAMPLING_PRIOR = "uniform"

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        penalty: float = 10.0,
        seed: int = 0,
        average_decay: float = 0.0,
        **kwargs,
    ):
        if not penalty > 0.0:
            raise ValueError(f"penalty must be positive, got {penalty}")
        super().__init__(
            {"generator": generator, "discriminator": discriminator},
            generator.style_dim,
            None,
            seed,
            average_decay,
            **kwargs,
        )
        self.penalty = penalty

    def train_step(self, batches):
        """One iteration: k updates of the critic, one of the generator.

        Args:
            batches: k + 1 tuples (x,), all fresh; x [batch, …] as the generator makes it.

        Returns:
            The loss terms and both gradient norms; means over the global batch and, for the
            critic's, over the k updates.
        """
        critic_batches, generator_batch = split_batches(batches)
        updates = []
        for i, batch in enumerate(critic_batches):
            updates.append(self._update_critic(batch[0], draw=i))
        logs = mean_logs(updates)
        # The last batch tells the generator's update no more than its size.
        logs |= self._update_generator(generator_batch[0], draw=len(updates))
        self._finish_step()
        return logs

    def _update_critic(self, x, draw):
        z, _ = self._noise(x, draw)
        generated = self.generator(z, training=True)
        between = x + self._mixture(x, draw) * (generated - x)
        both = self._critic(x, draw, _REAL, _GENERATED)
        # With the spectral vectors that `both` leaves: one critic in both terms.
        critic = self._critic(x, draw, _BETWEEN, training=False)
        with tf.GradientTape() as tape:
            real, fake = tf.split(both(tf.concat([x, generated], axis=0)), 2)
            penalty = batch_mean(losses.gradient_penalty(gradient_norms(critic, between)))
            loss = batch_mean(losses.wasserstein_critic(real, fake)) + self.penalty * penalty
            scaled = self.discriminator_optimizer.scale_loss(loss)
        norm = self._apply(tape, scaled, "discriminator")
        logs = over_replicas({"D_loss": loss, "gradient_penalty": penalty})
        return logs | {"gradient_norm_D": norm}

    def _update_generator(self, like, draw):
        z, _ = self._noise(like, draw)
        # The critic and its power iteration stand still while the generator learns from it.
        critic = self._critic(like, draw, _GENERATED, training=False)
        with tf.GradientTape() as tape:
            scores = critic(self.generator(z, training=True))
            loss = batch_mean(losses.hinge_generator(scores))
            scaled = self.generator_optimizer.scale_loss(loss)
        norm = self._apply(tape, scaled, "generator")
        return over_replicas({"G_loss": loss}) | {"gradient_norm_G": norm}

    def _mixture(self, x, draw):
        """Shares of the generated example in x̂, uniform in [0, 1), one an example."""
        share = self._drawn(
            x, draw, _MIXTURE, lambda batch, key: tf.random.stateless_uniform([batch], key)
        )
        return tf.reshape(share, [-1] + [1] * (len(x.shape) - 1))

    def _critic(self, like, draw, *streams, training=True) -> Callable[[tf.Tensor], tf.Tensor]:
        """The critic with its phase shuffle drawn, for one batch a stream, one behind the other."""
        shuffles = getattr(self.discriminator, "shuffles", 0)
        if not shuffles:
            return lambda x: self.discriminator(x, training=training)

        def shifts(batch, key):
            return tf.random.stateless_uniform(
                [batch, shuffles], key, -SHUFFLE_RADIUS, SHUFFLE_RADIUS + 1, tf.int32
            )

        drawn = tf.concat([self._drawn(like, draw, stream, shifts) for stream in streams], axis=0)
        return lambda x: self.discriminator(x, drawn, training=training)


def gradient_norms(critic: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """Norm of each example's gradient of its own score, float32 [batch]; x [batch, …]."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        scores = critic(x)
    squares = tf.square(tf.cast(tape.gradient(scores, x), tf.float32))
    return tf.sqrt(tf.reduce_sum(squares, axis=range(1, len(x.shape))) + _SMALLEST_SQUARE)
