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

from typing import ClassVar, NamedTuple

import keras
import tensorflow as tf

from gaae_tf import losses
from gaae_tf.systems.additions import (
    ClassShares,
    LossBalance,
    RecentCodes,
    distance_from_prior,
    felt_by_batch,
    gathered,
)
from gaae_tf.systems.augmentation import augmented
from gaae_tf.systems.settings import Additions, LossWeights
from gaae_tf.systems.system import System, batch_mean, mean_logs, over_replicas, split_batches

# Equation (6) and its terms, (7) and (8).
LOSS_NAMES = ("EDC", "G", "R", "Cl", "Cg", "Lg", "S_loss", "L_loss")

# Of those that `Additions` can weigh, which have the names of their weights.
ADDED_LOSS_NAMES = ("sliced_wasserstein", "whitening", "pseudo_labels", "magnitude_error")

# Streams of random numbers beside 0 and 1 of `System`, and 2 and 3 of `augmented`: by how much
# those of `augmented` are moved for x_u, and where the draws that codes are matched to begin.
_ALTERED_UNLABELLED, _PRIOR_DRAWS = 2, 6

_PAPERS_WEIGHTS, _NOTHING_ADDED = LossWeights(), Additions()


class _Seen(NamedTuple):
    """What an update of E, D and C has made of x_u, for the terms that are added to equation (6).

    `reconstructed` is None where there is no R; `draw` is the number of the batch in its iteration.
    """

    x_u: tf.Tensor
    style: tf.Tensor
    y_u: tf.Tensor
    reconstructed: tf.Tensor | None
    y_l: tf.Tensor
    draw: int


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
        additions: what is added to the paper's algorithm; nothing by default.
        nepers_per_unit: nepers of log-magnitude that 1 in a spectrogram stands for.

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
    ENCODER = "encoder"
    CLASSIFIED_CODE = "guided"
    STYLE_CODE = "style"

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        classifier: keras.Model,
        sample_discriminator: keras.Model,
        latent_discriminator: keras.Model,
        loss_weights: LossWeights = _PAPERS_WEIGHTS,
        seed: int = 0,
        average_decay: float = 0.9999,
        condition: str = "soft",
        stop_condition_gradient: bool = True,
        additions: Additions = _NOTHING_ADDED,
        nepers_per_unit: float = 5.0,
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
        self.additions = additions
        self.nepers_per_unit = nepers_per_unit
        self.start_steps = additions.start_steps
        added = {name: getattr(additions, name) for name in ADDED_LOSS_NAMES}
        self.added_weights = {name: weight for name, weight in added.items() if weight}
        self.LOSS_NAMES = (*self.LOSS_NAMES, *self.added_weights)
        self.LOG_NAMES = (*self.LOG_NAMES, *self.added_weights)
        self.recent = None
        if additions.recent_codes:
            self.recent = RecentCodes(additions.recent_codes, self.style_dim + self.classes)
        self.class_shares = None
        if additions.pseudo_label_balance:
            self.class_shares = ClassShares(self.classes, additions.pseudo_label_balance)
        self.balance = None
        if additions.balance_losses:
            self.balance = LossBalance(("G", "R", "Cl", "Cg", "Lg", *self.added_weights))

    @property
    def memory(self):
        """What training remembers from step to step beside weights and optimizers."""
        memory = super().memory
        if self.recent is not None:
            memory |= {"recent_codes": self.recent.codes, "recent_filled": self.recent.filled}
        if self.class_shares is not None:
            memory |= {
                "labelled_shares": self.class_shares.labelled,
                "found_shares": self.class_shares.found,
                "class_offsets": self.class_shares.offsets,
            }
        if self.balance is not None:
            memory |= {f"balance_{name}": norm for name, norm in self.balance.norms.items()}
        return memory

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
        w = self.loss_weights
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
            latent = self._latent_scores(style, y_u)
            terms = {
                "G": batch_mean(generation) / 2.0,  # (1)
                "Cl": batch_mean(self.label_loss(y_l, logits_l)),  # (4)
                "Cg": batch_mean(losses.cross_entropy(y_r, logits_g)),  # (5)
                "Lg": batch_mean(losses.hinge_generator(latent)),  # (2)
            }
            outputs = {"G": [reconstructed, generated], "Cl": [codes_l], "Cg": [codes_g]}
            outputs["Lg"] = [style]
            added, added_outputs = self._added(_Seen(x_u, style, y_u, reconstructed, y_l, draw))
            if self.RECONSTRUCTS:
                terms["R"] = self._reconstruction(reconstructed, x_u)  # (3)
                outputs["R"] = [reconstructed]
            balanced = self._balanced(tape, terms | added, outputs | added_outputs)
            made = w.omega_1 * balanced["G"]
            if self.RECONSTRUCTS:
                made += w.omega_2 * w.reconstruction_lambda * balanced["R"]
            known = (
                w.omega_3 * balanced["Cl"]
                + w.omega_4 * self._ramp() * balanced["Cg"]
                + w.omega_5 * balanced["Lg"]
            )
            total = w.alpha * made + w.beta * known  # (6)
            total += self._weighted(balanced)
            scaled = self.autoencoder_optimizer.scale_loss(total)
        norm = self._apply(tape, scaled, "autoencoder")
        self._remember(style, y_u)
        return over_replicas({"EDC": total, **terms, **added}) | {"gradient_norm_EDC": norm}

    def _update_start(self, batch, draw):
        """One update of E, D and C by equation (6) without G, Cg and Lg."""
        x_u, x_l, y_l = batch
        w = self.loss_weights
        with tf.GradientTape(persistent=self.balance is not None) as tape:
            guided, style = self._encode(x_u)
            y_u = self._as_condition(tf.nn.softmax(self.classifier(guided, training=True)))
            codes_l = self._encode(self._altered(x_l, draw))[0]
            logits_l = self.classifier(codes_l, training=True)
            terms = {"Cl": batch_mean(self.label_loss(y_l, logits_l))}  # (4)
            outputs = {"Cl": [codes_l]}
            reconstructed = None
            if self.RECONSTRUCTS:
                reconstructed = self.decoder(style, y_u, training=True)
                terms["R"] = self._reconstruction(reconstructed, x_u)  # (3)
                outputs["R"] = [reconstructed]
            added, added_outputs = self._added(_Seen(x_u, style, y_u, reconstructed, y_l, draw))
            balanced = self._balanced(tape, terms | added, outputs | added_outputs)
            total = w.beta * w.omega_3 * balanced["Cl"] + self._weighted(balanced)
            if self.RECONSTRUCTS:
                total += w.alpha * w.omega_2 * w.reconstruction_lambda * balanced["R"]
            scaled = self.autoencoder_optimizer.scale_loss(total)
        # Without R, nothing here moves D.
        norm = self._apply(tape, scaled, "autoencoder", some_stand_still=not self.RECONSTRUCTS)
        self._remember(style, y_u)
        return over_replicas({"EDC": total, **terms, **added}) | {"gradient_norm_EDC": norm}

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

    def _reconstruction(self, reconstructed, x_u):
        """R, equation (3), with the emphasis on loud bins that is asked for."""
        emphasis = self.additions.reconstruction_emphasis
        if emphasis:
            return batch_mean(losses.emphasised_reconstruction(reconstructed, x_u, emphasis))
        return batch_mean(losses.reconstruction(reconstructed, x_u))

    def _altered(self, x_l, draw):
        """Labelled clips as Cl sees them."""
        return self._alteration(x_l, draw) if self.additions.alter_labelled else x_l

    def _alteration(self, x, draw, moved=0):
        """Altered clips; random numbers are of the streams of `augmented`, moved by so many."""
        return augmented(x, lambda own, sampler: self._drawn(x, draw, moved + own, sampler))

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

    def _with_recent(self, style, y_u):
        """z′ and ŷ of the global batch and recent ones; just this replica's by default."""
        if self.recent is None:
            return style, y_u
        rows = self.recent.with_batch(gathered(tf.concat([style, y_u], axis=1)))
        return tf.split(rows, [self.style_dim, self.classes], axis=1)

    def _remember(self, style, y_u):
        """Keeps codes as recent ones."""
        if self.recent is not None:
            self.recent.push(gathered(tf.concat([style, y_u], axis=1)))

    def _added(self, seen):
        """Terms beside equation (6) by name, and the outputs of E or D through which each moves."""
        found = {name: getattr(self, f"_{name}")(seen) for name in self.added_weights}
        terms = {name: term for name, (term, _) in found.items()}
        return terms, {name: [output] for name, (_, output) in found.items()}

    def _sliced_wasserstein(self, seen):
        """Distance of z′ from the prior, and z′."""
        style, y_u = self._all_codes(seen)
        key, scale = self._key(seen.draw, _PRIOR_DRAWS), self.additions.class_independence
        return self._felt(distance_from_prior(style, y_u, scale, key), style, seen), seen.style

    def _whitening(self, seen):
        """Deviation of z′'s mean and covariance from 0 and I, and z′."""
        style, _ = self._all_codes(seen)
        return self._felt(losses.whitening(style), style, seen), seen.style

    def _pseudo_labels(self, seen):
        """Cross-entropy of altered x_u against the teacher's classes, and their guided codes."""
        altered = self._alteration(seen.x_u, seen.draw, _ALTERED_UNLABELLED)
        codes = self._encode(altered)[0]
        logits = self.classifier(codes, training=True)
        confidence = self.additions.pseudo_label_confidence
        values = losses.confident_cross_entropy(self._teacher(seen), logits, confidence)
        return batch_mean(values), codes

    def _magnitude_error(self, seen):
        """Spectral convergence of reconstructed magnitudes, and the reconstructions."""
        error = losses.magnitude_error(seen.reconstructed, seen.x_u, self.nepers_per_unit)
        return batch_mean(error), seen.reconstructed

    def _all_codes(self, seen):
        """z′ and ŷ of the global batch, and recent ones: the same on all replicas."""
        if self.recent is not None:
            return self._with_recent(seen.style, seen.y_u)
        return gathered(seen.style), gathered(seen.y_u)

    def _felt(self, mean, codes, seen):
        """This replica's share of a mean over all codes, which the batch's alone feel."""
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        return felt_by_batch(mean, codes, replicas * tf.shape(seen.style)[0]) / replicas

    def _weighted(self, terms):
        """The sum of what is added to equation (6)."""
        return sum(weight * terms[name] for name, weight in self.added_weights.items())

    def _balanced(self, tape, terms, outputs):
        """Terms with gradients of one norm at the outputs; as they are by default.

        With R the whole of λ·R is meant, so that λ drops out.
        """
        if self.balance is None:
            return terms
        balanced = self.balance.balanced(tape, terms, outputs)
        if "R" in balanced:
            balanced["R"] /= self.loss_weights.reconstruction_lambda
        return balanced

    def _teacher(self, seen):
        """Classes of x_u by the averaged E and C, whose codes are standardised over this batch."""
        codes = self.codes(seen.x_u)[self.CLASSIFIED_CODE]
        mean, variance = tf.nn.moments(gathered(codes), axes=[0])
        standard = (codes - mean) * tf.math.rsqrt(variance + 1e-6)
        logits = tf.stop_gradient(self.averaged_classifier.stack(standard))
        if self.class_shares is None:
            return tf.nn.softmax(logits)
        return self.class_shares.probabilities(logits, seen.y_l)

    def _as_condition(self, probabilities):
        if self.condition == "hard":
            classes = probabilities.shape[-1]
            return tf.one_hot(tf.argmax(probabilities, axis=-1), classes)
        return tf.stop_gradient(probabilities) if self.stop_condition_gradient else probabilities
