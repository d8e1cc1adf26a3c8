"""The Guided Adversarial Autoencoder.

Source: paper III and Algorithm 1; METHOD §1-3. Symbols are the paper's: E encoder, D decoder, C
classifier, S sample discriminator, L latent discriminator; x_u unlabelled and x_l labelled
spectrograms; y_l true and y_r random labels; z guided and z′ style codes; ŷ = softmax C(z).

Departures and settled points: x̂_u and x̂_g are decoded in one pass and so share batch statistics;
ŷ_u conditions S and D without gradient and as a soft vector by default; E, D and C have a moving
average that sampling uses (BigGAN's habit).
"""

from __future__ import annotations

import dataclasses
import math

import keras
import tensorflow as tf

from gaae_tf import losses

# What `train_step` reports: equation (6) and its terms, (7), (8), and the norm of each update's
# gradient.
LOSS_NAMES = ("EDC", "G", "R", "Cl", "Cg", "Lg", "S_loss", "L_loss")
LOG_NAMES = (*LOSS_NAMES, "gradient_norm_EDC", "gradient_norm_S", "gradient_norm_L")


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weights of equation (6): α·(ω1·G + ω2·λ·R) + β·(ω3·Cl + ω4·Cg + ω5·Lg).

    Raises:
        ValueError: one is outside [0, 1] (λ: not positive), or α+β, ω1+ω2 or ω3+ω4+ω5 is not 1.
    """

    alpha: float = 0.5
    beta: float = 0.5
    omega_1: float = 0.6
    omega_2: float = 0.4
    omega_3: float = 0.25
    omega_4: float = 0.25
    omega_5: float = 0.5
    reconstruction_lambda: float = 20.0

    def __post_init__(self):
        for name in ("alpha", "beta", "omega_1", "omega_2", "omega_3", "omega_4", "omega_5"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {value}")
        lambda_ = self.reconstruction_lambda
        if not 0.0 < lambda_ < math.inf:
            raise ValueError(f"reconstruction_lambda must be positive and finite, got {lambda_}")
        for names in (("alpha", "beta"), ("omega_1", "omega_2"), ("omega_3", "omega_4", "omega_5")):
            total = sum(getattr(self, name) for name in names)
            if not math.isclose(total, 1.0, abs_tol=1e-6):
                values = " + ".join(str(getattr(self, name)) for name in names)
                raise ValueError(f"{' + '.join(names)} must be 1, got {values} = {total:g}")


class GAAE(keras.Model):
    """Trains E, D, C, S and L as Algorithm 1; one call of `train_step` is one iteration.

    Args:
        encoder, decoder, classifier, sample_discriminator, latent_discriminator: the networks,
            built.
        loss_weights: weights of equation (6).
        seed: noise and random labels of a step depend on (seed, step, place in the global batch)
            alone.
        average_decay: decay of the moving average of E, D and C, in [0, 1); 0 keeps a plain copy.
        condition: form of ŷ_u as a condition, "soft" (probabilities) or "hard" (one-hot).
        stop_condition_gradient: whether D's and S's condition ŷ_u carries no gradient to C and E.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        classifier: keras.Model,
        sample_discriminator: keras.Model,
        latent_discriminator: keras.Model,
        loss_weights: LossWeights = LossWeights(),
        seed: int = 0,
        average_decay: float = 0.9999,
        condition: str = "soft",
        stop_condition_gradient: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if condition not in ("soft", "hard"):
            raise ValueError(f"condition must be 'soft' or 'hard', got {condition!r}")
        if not 0.0 <= average_decay < 1.0:
            raise ValueError(f"average_decay must be in [0, 1), got {average_decay}")
        self.encoder = encoder
        self.decoder = decoder
        self.classifier = classifier
        self.sample_discriminator = sample_discriminator
        self.latent_discriminator = latent_discriminator
        self.averaged_encoder = _copy(encoder)
        self.averaged_decoder = _copy(decoder)
        self.averaged_classifier = _copy(classifier)
        self.loss_weights = loss_weights
        self.seed = seed
        self.average_decay = average_decay
        self.condition = condition
        self.stop_condition_gradient = stop_condition_gradient
        self.step = self.add_weight(
            name="step",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        self.built = True  # all networks are; without this MirroredStrategy looks for build()

    def compile(
        self,
        autoencoder_optimizer: keras.optimizers.Optimizer,
        sample_optimizer: keras.optimizers.Optimizer,
        latent_optimizer: keras.optimizers.Optimizer,
        **kwargs,
    ) -> None:
        """Takes the optimizers of E+D+C, of S and of L, and creates their variables."""
        super().compile(optimizer=None, jit_compile=False, **kwargs)
        self.autoencoder_optimizer = autoencoder_optimizer
        self.sample_optimizer = sample_optimizer
        self.latent_optimizer = latent_optimizer
        autoencoder_optimizer.build(self.autoencoder_variables)
        sample_optimizer.build(self.sample_discriminator.trainable_variables)
        latent_optimizer.build(self.latent_discriminator.trainable_variables)

    @property
    def autoencoder_variables(self) -> list:
        """Trainable variables of E, D and C, which one joint update moves."""
        networks = (self.encoder, self.decoder, self.classifier)
        return [variable for network in networks for variable in network.trainable_variables]

    def call(self, spectrograms, training=False):
        """Reconstruction x̂ = D(z′, ŷ) by the averaged networks; [batch, bins, frames, 1] both."""
        guided, style = self.averaged_encoder(spectrograms)
        probabilities = tf.nn.softmax(self.averaged_classifier(guided))
        return self.averaged_decoder(style, self._as_condition(probabilities))

    def train_step(self, batches):
        """One iteration of Algorithm 1.

        Args:
            batches: k + 1 tuples (x_u, x_l, y_l), all fresh: k for the discriminators, one for E, D
            and C.
                Spectrograms [batch, bins, frames, 1] in [-1, 1]; y_l one-hot [batch, classes].

        Returns:
            Every loss term by its name in the paper, and the gradient norm of each update; means
            over the global batch and, for the discriminators', over the k updates.
        """
        *discriminator_batches, autoencoder_batch = batches
        if not discriminator_batches:
            raise ValueError("train_step needs k + 1 >= 2 batches, got 1")
        updates = []
        for i, batch in enumerate(discriminator_batches):
            updates.append(self._update_discriminators(batch, draw=i))
        logs = {name: sum(u[name] for u in updates) / len(updates) for name in updates[0]}
        logs |= self._update_autoencoder(autoencoder_batch, draw=len(updates))
        self._update_average()
        self.step.assign_add(1)
        return logs

    def _update_discriminators(self, batch, draw):
        """One update of S by equation (7) and of L by equation (8)."""
        x_u, x_l, y_l = batch
        prior, y_r = self._noise(x_u, draw)
        guided, style = self.encoder(x_u, training=True)
        y_u = self._as_condition(tf.nn.softmax(self.classifier(guided)))
        reconstructed, generated = self._decode(style, y_u, y_r)
        with tf.GradientTape() as tape:
            scores = self.sample_discriminator(
                tf.concat([x_u, x_l, reconstructed, generated], axis=0),
                tf.concat([y_u, y_l, y_u, y_r], axis=0),
                training=True,
            )
            real_u, real_l, fake_u, fake_g = tf.split(scores, 4)
            real = (_mean(losses.hinge_real(real_u)) + _mean(losses.hinge_real(real_l))) / 2.0
            fake = (_mean(losses.hinge_fake(fake_u)) + _mean(losses.hinge_fake(fake_g))) / 2.0
            sample_loss = real + fake
            scaled = self.sample_optimizer.scale_loss(sample_loss)
        sample_norm = self._apply(
            tape, scaled, self.sample_optimizer, self.sample_discriminator.trainable_variables
        )
        with tf.GradientTape() as tape:
            real = _mean(losses.hinge_real(self.latent_discriminator(prior)))
            fake = _mean(losses.hinge_fake(self.latent_discriminator(style)))
            latent_loss = real + fake
            scaled = self.latent_optimizer.scale_loss(latent_loss)
        latent_norm = self._apply(
            tape, scaled, self.latent_optimizer, self.latent_discriminator.trainable_variables
        )
        logs = _over_replicas({"S_loss": sample_loss, "L_loss": latent_loss})
        return logs | {"gradient_norm_S": sample_norm, "gradient_norm_L": latent_norm}

    def _update_autoencoder(self, batch, draw):
        """One joint update of E, D and C by equation (6)."""
        x_u, x_l, y_l = batch
        _, y_r = self._noise(x_u, draw)
        w = self.loss_weights
        with tf.GradientTape() as tape:
            guided, style = self.encoder(x_u, training=True)
            y_u = self._as_condition(tf.nn.softmax(self.classifier(guided)))
            reconstructed, generated = self._decode(style, y_u, y_r)
            # S and its power iteration stand still while E, D and C learn from it.
            fake_u, fake_g = tf.split(
                self.sample_discriminator(
                    tf.concat([reconstructed, generated], axis=0), tf.concat([y_u, y_r], axis=0)
                ),
                2,
            )
            generation = losses.hinge_generator(fake_u) + losses.hinge_generator(fake_g)
            labelled = tf.concat([x_l, tf.stop_gradient(generated)], axis=0)
            logits_l, logits_g = tf.split(
                self.classifier(self.encoder(labelled, training=True)[0]), 2
            )
            terms = {
                "G": _mean(generation) / 2.0,  # (1)
                "R": _mean(losses.reconstruction(reconstructed, x_u)),  # (3)
                "Cl": _mean(losses.cross_entropy(y_l, logits_l)),  # (4)
                "Cg": _mean(losses.cross_entropy(y_r, logits_g)),  # (5)
                "Lg": _mean(losses.hinge_generator(self.latent_discriminator(style))),  # (2)
            }
            total = w.alpha * (
                w.omega_1 * terms["G"] + w.omega_2 * w.reconstruction_lambda * terms["R"]
            ) + w.beta * (
                w.omega_3 * terms["Cl"] + w.omega_4 * terms["Cg"] + w.omega_5 * terms["Lg"]
            )  # (6)
            scaled = self.autoencoder_optimizer.scale_loss(total)
        norm = self._apply(tape, scaled, self.autoencoder_optimizer, self.autoencoder_variables)
        return _over_replicas({"EDC": total, **terms}) | {"gradient_norm_EDC": norm}

    def _decode(self, style, y_u, y_r):
        """Reconstructions D(z′, ŷ_u) and generations D(z′, y_r) of the same style codes."""
        both = self.decoder(
            tf.concat([style, style], axis=0), tf.concat([y_u, y_r], axis=0), training=True
        )
        return tf.split(both, 2)

    def _as_condition(self, probabilities):
        if self.condition == "hard":
            classes = probabilities.shape[-1]
            return tf.one_hot(tf.argmax(probabilities, axis=-1), classes)
        return tf.stop_gradient(probabilities) if self.stop_condition_gradient else probabilities

    def _noise(self, x_u, draw):
        """Prior codes and one-hot random labels, functions of (seed, step, draw, place in batch).

        They are drawn for the global batch and each replica takes its part, so that several
        replicas see what one device would.
        """
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        batch = tf.shape(x_u)[0]
        start = context.replica_id_in_sync_group * batch
        key = tf.random.experimental.stateless_fold_in(
            tf.constant([self.seed, draw], tf.int64), self.step.value
        )
        style_dim, classes = self.encoder.style_dim, self.classifier.classes
        prior = tf.random.stateless_normal([batch * replicas, style_dim], key)
        labels = tf.random.stateless_uniform(
            [batch * replicas], key + 1, maxval=classes, dtype=tf.int32
        )
        labels = tf.one_hot(labels, classes)
        return prior[start : start + batch], labels[start : start + batch]

    def _apply(self, tape, scaled_loss, optimizer, variables):
        """Applies the gradients of a loss; returns their global norm before the step."""
        gradients = tape.gradient(scaled_loss, variables)
        context = tf.distribute.get_replica_context()
        # The norm of each replica's gradient, summed: finite only if all are.
        norm = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.linalg.global_norm(gradients))
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            if context.num_replicas_in_sync > 1:
                # LossScaleOptimizer looks at its own replica only: let an overflow on one be seen
                # by all.
                overflow = norm * 0.0  # 0, or NaN
                gradients = [gradient + tf.cast(overflow, gradient.dtype) for gradient in gradients]
            norm /= optimizer.dynamic_scale
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return norm

    def _update_average(self):
        """Moves the averaged networks towards the trained ones, faster in early steps."""
        step = tf.cast(self.step.value, tf.float32)
        decay = tf.minimum(self.average_decay, (1.0 + step) / (10.0 + step))
        for network, average in (
            (self.encoder, self.averaged_encoder),
            (self.decoder, self.averaged_decoder),
            (self.classifier, self.averaged_classifier),
        ):
            for weight, mean in zip(network.weights, average.weights, strict=True):
                mean.assign(mean + (weight - mean) * (1.0 - decay))

    def reestimate_statistics(self, batches: int = 16, batch_size: int = 64) -> None:
        """Measures the averaged decoder's batch statistics again, over samples from the prior.

        BigGAN's habit: the moving statistics belong to style codes of recordings, and to weights
        of other steps.

        Args:
            batches: how many batches to average over; 0 leaves the statistics alone.
            batch_size: samples a batch.
        """
        norms = [
            layer
            for layer in self.averaged_decoder._flatten_layers()
            if hasattr(layer, "moving_mean")
        ]
        momenta = [layer.momentum for layer in norms]
        classes = self.classifier.classes
        for i in range(batches):
            for layer in norms:
                layer.momentum = i / (i + 1)  # a running mean
            style = tf.random.stateless_normal([batch_size, self.encoder.style_dim], [self.seed, i])
            labels = tf.one_hot(tf.range(batch_size) % classes, classes)
            self.averaged_decoder(style, labels, training=True)
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum


def _copy(network):
    """An untrainable network of the same structure and weights."""
    copy = type(network).from_config(network.get_config())
    copy.trainable = False
    # keras counts weights by trainability: set first, then copy in the order of `weights`.
    for mean, weight in zip(copy.weights, network.weights, strict=True):
        mean.assign(weight)
    return copy


def _mean(values):
    """Mean over the global batch of one value an example: each replica's share of it."""
    replicas = tf.distribute.get_replica_context().num_replicas_in_sync
    return tf.reduce_mean(values) / replicas


def _over_replicas(shares):
    """Sums each replica's share of the means."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, shares)
