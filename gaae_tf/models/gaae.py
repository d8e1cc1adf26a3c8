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
from typing import ClassVar

import keras
import tensorflow as tf

from gaae_tf import losses
from gaae_tf.models.system import System, batch_mean, mean_logs, over_replicas, split_batches

# Equation (6) and its terms, (7) and (8).
LOSS_NAMES = ("EDC", "G", "R", "Cl", "Cg", "Lg", "S_loss", "L_loss")


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


class GAAE(System):
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

    NETWORKS: ClassVar = {
        "encoder": "encoder E",
        "decoder": "decoder D",
        "classifier": "classifier C",
        "sample_discriminator": "sample discriminator S",
        "latent_discriminator": "latent discriminator L",
    }
    AVERAGED = ("encoder", "decoder", "classifier")
    SAMPLER = "decoder"
    OPTIMIZERS: ClassVar = {
        "autoencoder": ("encoder", "decoder", "classifier"),
        "sample": ("sample_discriminator",),
        "latent": ("latent_discriminator",),
    }
    LOSS_NAMES = LOSS_NAMES
    LOG_NAMES = (*LOSS_NAMES, "gradient_norm_EDC", "gradient_norm_S", "gradient_norm_L")
    PROGRESS_NAMES = ("R", "Cl", "G")
    HINGE_LOSSES = ("S_loss", "L_loss")
    PASSES = (
        {"encoder": 3, "decoder": 2, "sample_discriminator": 2},
        {"sample_discriminator": 4},
    )
    RECONSTRUCTS = CLASSIFIES = ENCODES = True
    STYLE_CODE = "style"

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
        super().__init__(
            {
                "encoder": encoder,
                "decoder": decoder,
                "classifier": classifier,
                "sample_discriminator": sample_discriminator,
                "latent_discriminator": latent_discriminator,
            },
            encoder.style_dim,
            classifier.classes,
            seed,
            average_decay,
            **kwargs,
        )
        if condition not in ("soft", "hard"):
            raise ValueError(f"condition must be 'soft' or 'hard', got {condition!r}")
        self.loss_weights = loss_weights
        self.condition = condition
        self.stop_condition_gradient = stop_condition_gradient

    def call(self, spectrograms, training=False):
        """Reconstruction x̂ = D(z′, ŷ) by the averaged networks; [batch, bins, frames, 1] both."""
        guided, style = self.averaged_encoder(spectrograms)
        probabilities = tf.nn.softmax(self.averaged_classifier(guided))
        return self.averaged_decoder(style, self._as_condition(probabilities))

    def codes(self, spectrograms):
        """Guided codes z and style codes z′ by the averaged E."""
        guided, style = self.averaged_encoder(spectrograms)
        return {"guided": guided, "style": style}

    def class_probabilities(self, spectrograms):
        """ŷ by the averaged E and C."""
        return self.probabilities_of(self.codes(spectrograms))

    def probabilities_of(self, codes):
        """ŷ by the averaged C, of what `codes` gave."""
        return tf.nn.softmax(self.averaged_classifier(codes["guided"]))

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
        discriminator_batches, autoencoder_batch = split_batches(batches)
        updates = []
        for i, batch in enumerate(discriminator_batches):
            updates.append(self._update_discriminators(batch, draw=i))
        logs = mean_logs(updates)
        logs |= self._update_autoencoder(autoencoder_batch, draw=len(updates))
        self._finish_step()
        return logs

    def _update_discriminators(self, batch, draw):
        """One update of S by equation (7) and of L by equation (8)."""
        x_u, x_l, y_l = batch
        prior, y_r = self._noise(x_u, draw)
        guided, style = self._encode(x_u)
        y_u = self._as_condition(tf.nn.softmax(self.classifier(guided, training=True)))
        reconstructed, generated = self._decode(style, y_u, y_r)
        with tf.GradientTape() as tape:
            scores = self.sample_discriminator(
                tf.concat([x_u, x_l, reconstructed, generated], axis=0),
                tf.concat([y_u, y_l, y_u, y_r], axis=0),
                training=True,
            )
            real_u, real_l, fake_u, fake_g = tf.split(scores, 4)
            real = (
                batch_mean(losses.hinge_real(real_u)) + batch_mean(losses.hinge_real(real_l))
            ) / 2.0
            fake = (
                batch_mean(losses.hinge_fake(fake_u)) + batch_mean(losses.hinge_fake(fake_g))
            ) / 2.0
            sample_loss = real + fake
            scaled = self.sample_optimizer.scale_loss(sample_loss)
        sample_norm = self._apply(tape, scaled, "sample")
        with tf.GradientTape() as tape:
            real = batch_mean(losses.hinge_real(self.latent_discriminator(prior)))
            fake = batch_mean(losses.hinge_fake(self.latent_discriminator(style)))
            latent_loss = real + fake
            scaled = self.latent_optimizer.scale_loss(latent_loss)
        latent_norm = self._apply(tape, scaled, "latent")
        logs = over_replicas({"S_loss": sample_loss, "L_loss": latent_loss})
        return logs | {"gradient_norm_S": sample_norm, "gradient_norm_L": latent_norm}

    def _update_autoencoder(self, batch, draw):
        """One joint update of E, D and C by equation (6)."""
        x_u, x_l, y_l = batch
        _, y_r = self._noise(x_u, draw)
        w = self.loss_weights
        with tf.GradientTape() as tape:
            guided, style = self._encode(x_u)
            y_u = self._as_condition(tf.nn.softmax(self.classifier(guided, training=True)))
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
            codes = self._encode(labelled)[0]
            logits_l, logits_g = tf.split(self.classifier(codes, training=True), 2)
            terms = {
                "G": batch_mean(generation) / 2.0,  # (1)
                "Cl": batch_mean(losses.cross_entropy(y_l, logits_l)),  # (4)
                "Cg": batch_mean(losses.cross_entropy(y_r, logits_g)),  # (5)
                "Lg": batch_mean(losses.hinge_generator(self.latent_discriminator(style))),  # (2)
            }
            made = w.omega_1 * terms["G"]
            if self.RECONSTRUCTS:
                terms["R"] = batch_mean(losses.reconstruction(reconstructed, x_u))  # (3)
                made += w.omega_2 * w.reconstruction_lambda * terms["R"]
            known = w.omega_3 * terms["Cl"] + w.omega_4 * terms["Cg"] + w.omega_5 * terms["Lg"]
            total = w.alpha * made + w.beta * known  # (6)
            scaled = self.autoencoder_optimizer.scale_loss(total)
        norm = self._apply(tape, scaled, "autoencoder")
        return over_replicas({"EDC": total, **terms}) | {"gradient_norm_EDC": norm}

    def _encode(self, spectrograms):
        """Guided and style codes by the trained E."""
        return self.encoder(spectrograms, training=True)

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
