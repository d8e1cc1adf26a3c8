"""The Guided Adversarial Autoencoder.

Source: paper III and Algorithm 1; METHOD §1-3. Symbols are the paper's: E encoder, D decoder, C
classifier, S sample discriminator, L latent discriminator; x_u unlabelled and x_l labelled
spectrograms; y_l true and y_r random labels; z guided and z′ style codes; ŷ = softmax C(z).

Departures and settled points: x̂_u and x̂_g are decoded in one pass and so share batch statistics;
ŷ_u conditions S and D without gradient and as a soft vector by default; E, D and C have a moving
average that sampling uses (BigGAN's habit). What `Additions` may add to the algorithm is off
unless it is asked for.
"""

from __future__ import annotations

import typing
from typing import ClassVar

import keras
import tensorflow as tf

from gaae_tf import losses
from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.encoder import Encoder
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.systems.added import Seen, Term, WithAdditions
from gaae_tf.systems.arguments import averaged, decoder, tower
from gaae_tf.systems.batches import batch_mean, mean_logs, over_replicas, split_batches
from gaae_tf.systems.settings import Additions, LossWeights
from gaae_tf.systems.spec import Spec

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription

# Equation (6) and its terms, (7) and (8).
LOSS_NAMES = ("EDC", "G", "R", "Cl", "Cg", "Lg", "S_loss", "L_loss")
_NO_TERMS = {"G": 0.0, "R": 0.0, "Cl": 0.0, "Cg": 0.0, "Lg": 0.0}

_PAPERS_WEIGHTS, _NOTHING_ADDED = LossWeights(), Additions()


class GAAE(WithAdditions):
    """Trains E, D, C, S and L as Algorithm 1; one call of `train_step` is one iteration.

    Args:
        encoder, decoder, classifier, sample_discriminator, latent_discriminator: the networks,
            built.
        loss_weights: weights of equation (6).
        additions: what else the algorithm can be asked for; the paper's by default.
        seed, average_decay: as in `System`; the average is E's, D's and C's.

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
    ENCODER = "encoder"
    CLASSIFIED_CODE = "guided"

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        classifier: keras.Model,
        sample_discriminator: keras.Model,
        latent_discriminator: keras.Model,
        loss_weights: LossWeights = _PAPERS_WEIGHTS,
        additions: Additions = _NOTHING_ADDED,
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
            additions,
            **kwargs,
        )
        self.loss_weights = loss_weights

    def call(self, spectrograms, training=False):
        """Reconstruction x̂ = D(z′, ŷ) by the averaged networks; [batch, bins, frames, 1] both."""
        return self.decode(self.codes(spectrograms))

    def codes(self, spectrograms):
        """Guided codes z and style codes z′ by the averaged E."""
        guided, style = self.averaged_encoder(spectrograms)
        return {"guided": guided, "style": style}

    def decode(self, codes):
        """D(z′, ŷ) of what `codes` gave, by the averaged networks; [batch, bins, frames, 1]."""
        condition = self._as_condition(self.probabilities_of(codes))
        return self.averaged_decoder(codes["style"], condition)

    def class_probabilities(self, spectrograms):
        """ŷ by the averaged E and C."""
        return self.probabilities_of(self.codes(spectrograms))

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

    def start_step(self, batches):
        """One iteration of the start, without adversaries: k + 1 updates of E, D and C.

        Takes what `train_step` takes; returns R, Cl and what is added, and the gradient norm.
        """
        updates = [self._update_start(batch, draw=i) for i, batch in enumerate(batches)]
        self._finish_step()
        return mean_logs(updates)

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
                self._confident_mean(losses.hinge_real(real_u), y_u)
                + batch_mean(losses.hinge_real(real_l))
            ) / 2.0
            fake = (
                batch_mean(losses.hinge_fake(fake_u)) + batch_mean(losses.hinge_fake(fake_g))
            ) / 2.0
            sample_loss = real + fake
            scaled = self.sample_optimizer.scale_loss(sample_loss)
        sample_norm = self._apply(tape, scaled, "sample")
        with tf.GradientTape() as tape:
            real = batch_mean(losses.hinge_real(self._latent_scores(prior, y_r, training=True)))
            seen = self._with_recent(style, y_u)
            fake = batch_mean(losses.hinge_fake(self._latent_scores(*seen, training=True)))
            latent_loss = real + fake
            scaled = self.latent_optimizer.scale_loss(latent_loss)
        latent_norm = self._apply(tape, scaled, "latent")
        logs = over_replicas({"S_loss": sample_loss, "L_loss": latent_loss})
        return logs | {"gradient_norm_S": sample_norm, "gradient_norm_L": latent_norm}

    def _update_autoencoder(self, batch, draw):
        """One joint update of E, D and C by equation (6)."""
        x_u, x_l, y_l = batch
        _, y_r = self._noise(x_u, draw)
        with tf.GradientTape(persistent=self.balance is not None) as tape:
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
            labelled = tf.concat([self._altered(x_l, draw), self._heard(generated)], axis=0)
            codes_l, codes_g = tf.split(self._encode(labelled)[0], 2)
            logits_l = self.classifier(codes_l, training=True)
            logits_g = self.classifier(codes_g, training=True)
            latent = losses.hinge_generator(self._latent_scores(style, y_u))
            terms = {
                "G": Term(batch_mean(generation) / 2.0, [reconstructed, generated]),  # (1)
                "Lg": Term(batch_mean(latent), [style]),  # (2)
                **self._reconstruction(reconstructed, x_u),  # R, (3)
                "Cl": Term(batch_mean(self.label_loss(y_l, logits_l)), [codes_l]),  # (4)
                "Cg": Term(batch_mean(losses.cross_entropy(y_r, logits_g)), [codes_g]),  # (5)
            }
            terms |= self._added(Seen(x_u, style, y_u, reconstructed, y_l, draw))
            total = self._total(tape, terms, self.loss_weights.reconstruction_lambda)
            scaled = self.autoencoder_optimizer.scale_loss(total)
        norm = self._apply(tape, scaled, "autoencoder")
        self._remember(style, y_u)
        return self._logs(total, terms, norm)

    def _update_start(self, batch, draw):
        """One update of E, D and C by equation (6) without G, Cg and Lg."""
        x_u, x_l, y_l = batch
        with tf.GradientTape(persistent=self.balance is not None) as tape:
            guided, style = self._encode(x_u)
            y_u = self._as_condition(tf.nn.softmax(self.classifier(guided, training=True)))
            codes_l = self._encode(self._altered(x_l, draw))[0]
            logits_l = self.classifier(codes_l, training=True)
            reconstructed = self._decode_for_start(style, y_u)
            terms = {
                **self._reconstruction(reconstructed, x_u),  # R, (3)
                "Cl": Term(batch_mean(self.label_loss(y_l, logits_l)), [codes_l]),  # (4)
            }
            terms |= self._added(Seen(x_u, style, y_u, reconstructed, y_l, draw))
            start_lambda = self.additions.start_reconstruction_lambda
            total = self._total(
                tape, terms, start_lambda or self.loss_weights.reconstruction_lambda
            )
            scaled = self.autoencoder_optimizer.scale_loss(total)
        # Without G and R, nothing moves D.
        norm = self._apply(tape, scaled, "autoencoder", some_stand_still=True)
        self._remember(style, y_u)
        return self._logs(total, terms, norm)

    def _total(self, tape, terms, lambda_):
        """Equation (6), and what is added to it; a term that is missing is 0."""
        w = self.loss_weights
        t = _NO_TERMS | self._balanced(tape, terms, lambda_)
        generation = w.omega_1 * t["G"] + w.omega_2 * lambda_ * t["R"]
        guidance = w.omega_3 * t["Cl"] + w.omega_4 * self._ramp() * t["Cg"] + w.omega_5 * t["Lg"]
        return w.alpha * generation + w.beta * guidance + self._weighted(t)

    def _logs(self, total, terms, norm):
        values = {name: term.value for name, term in terms.items()}
        return over_replicas({"EDC": total, **values}) | {"gradient_norm_EDC": norm}

    def _encode(self, spectrograms):
        """Guided and style codes by the trained E."""
        return self.encoder(spectrograms, training=True)

    def _decode(self, style, y_u, y_r):
        """Reconstructions D(z′, ŷ_u) and generations D(z′, y_r) of the same style codes."""
        held = tf.stop_gradient(style) if self.additions.hold_generated_style else style
        both = self.decoder(
            tf.concat([style, held], axis=0), tf.concat([y_u, y_r], axis=0), training=True
        )
        return tf.split(both, 2)

    def _decode_for_start(self, style, y_u):
        """Reconstructions alone."""
        return self.decoder(style, y_u, training=True)

    def _reconstruction(self, reconstructed, x_u):
        """R, equation (3), with the emphasis on loud bins that is asked for."""
        emphasis = self.additions.reconstruction_emphasis
        if emphasis:
            values = losses.emphasised_reconstruction(reconstructed, x_u, emphasis)
        else:
            values = losses.reconstruction(reconstructed, x_u)
        return {"R": Term(batch_mean(values), [reconstructed])}

    def _altered(self, x_l, draw):
        """Labelled clips as Cl sees them."""
        return self._alteration(x_l, draw) if self.additions.alter_labelled else x_l

    def _heard(self, generated):
        """x̂_g as Cg sees it: held constant, as the paper has it, or not."""
        if self.additions.generated_class_teaches_decoder:
            return generated
        return tf.stop_gradient(generated)

    def _ramp(self):
        """The share of Cg's weight in this step."""
        steps = self.additions.generated_class_ramp_steps
        if not steps:
            return 1.0
        since_start = tf.cast(self.step.value, tf.float32) + 1.0 - self.start_steps
        return tf.minimum(since_start / steps, 1.0)

    def _confident_mean(self, values, y_u):
        """Mean over the examples whose ŷ_u is confident enough; over all by default."""
        confidence = self.additions.pair_confidence
        if not confidence:
            return batch_mean(values)
        sure = tf.cast(tf.reduce_max(y_u, axis=-1) >= confidence, tf.float32)
        share = over_replicas(batch_mean(sure))
        return batch_mean(sure * values) / tf.maximum(share, 1e-6)

    def _latent_scores(self, style, classes, training=False):
        """L's scores of codes, beside their class vectors where L takes these."""
        if self.latent_discriminator.classes is None:
            return self.latent_discriminator(style, training=training)
        return self.latent_discriminator(style, classes, training=training)

    def _as_condition(self, probabilities):
        """ŷ as D and S take it."""
        if self.additions.condition == "hard":
            classes = probabilities.shape[-1]
            return tf.one_hot(tf.argmax(probabilities, axis=-1), classes)
        if self.additions.stop_condition_gradient:
            return tf.stop_gradient(probabilities)
        return probabilities


def build(config: TrainConfig, data: DataDescription) -> GAAE:
    """The networks of a configuration, which draw their weights in this order."""
    classes, size = len(data.classes), tower(config, data)
    model = GAAE(
        encoder=Encoder(
            **size | {"channels": config.encoder_channels or config.channels},
            guided_dim=config.guided_dim,
            style_dim=config.style_dim,
            style_pooling=config.style_pooling,
            frequency_axis=config.frequency_axis,
        ),
        decoder=Decoder(
            **decoder(config, data, classes),
            frequency_axis=config.frequency_axis,
        ),
        classifier=LatentClassifier(classes, config.guided_dim),
        sample_discriminator=SampleDiscriminator(**size, classes=classes),
        latent_discriminator=LatentDiscriminator(
            config.style_dim,
            classes=classes if config.latent_condition else None,
            spectral_norm=config.latent_spectral_norm,
        ),
        loss_weights=config.loss_weights,
        additions=config.additions,
        **averaged(config),
    )
    path = data.signal_path(config.stft, config.scaling, config.dynamic_range_nepers)
    floor, ceiling = path.scaling.limits_nepers
    model.nepers_per_unit = (ceiling - floor) / 2.0
    return model


SPEC = Spec(
    name="gaae",
    labels="some",
    unlabelled=True,
    does=("generate", "choose_class", "represent", "classify", "reconstruct", "restyle"),
    codes=("guided", "style"),
    sampled_code="style",
    sizes="doubling",
    flags=("adversarial", "tower", "decoder", "class_biases", "guided_loss", "alterations"),
    build=build,
)
