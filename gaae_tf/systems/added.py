"""Terms beside equation (6) that `Additions` can give a weight, and what a training remembers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

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
from gaae_tf.systems.batches import batch_mean
from gaae_tf.systems.colour import ColourGroups
from gaae_tf.systems.settings import Additions
from gaae_tf.systems.system import System

# The terms, which have the names of their weights.
ADDED_LOSS_NAMES = ("sliced_wasserstein", "whitening", "pseudo_labels", "magnitude_error")

# Streams of random numbers beside 0 and 1 of `System`, and 2 and 3 of `augmented`: by how much
# those of `augmented` are moved for x_u, and where the draws that codes are matched to begin.
_ALTERED_UNLABELLED, _PRIOR_DRAWS = 2, 6


class Term(NamedTuple):
    """A loss term, and the outputs of E and D through which it moves them."""

    value: tf.Tensor
    outputs: list[tf.Tensor]


class Seen(NamedTuple):
    """What an update of E, D and C has made of x_u, for the terms that are added.

    `reconstructed` is None where there is no R; `draw` is the number of the batch in its iteration.
    """

    x_u: tf.Tensor
    style: tf.Tensor
    y_u: tf.Tensor
    reconstructed: tf.Tensor | None
    y_l: tf.Tensor
    draw: int


class WithAdditions(System):
    """A system with an E, D and C whose loss `Additions` can add terms to.

    Args:
        networks, style_dim, classes: as in `System`.
        additions: the settings.
        kwargs: as in `System`.

    Attributes:
        added_weights: of the terms that have one, by name.
        nepers_per_unit: nepers of log-magnitude that 1 in a spectrogram stands for.
    """

    nepers_per_unit: float = 5.0

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        style_dim: int,
        classes: int,
        additions: Additions,
        **kwargs,
    ):
        super().__init__(networks, style_dim, classes, **kwargs)
        self.additions = additions
        self.start_steps = additions.start_steps
        weights = {name: getattr(additions, name) for name in ADDED_LOSS_NAMES}
        self.added_weights = {name: weight for name, weight in weights.items() if weight}
        self.LOSS_NAMES = (*self.LOSS_NAMES, *self.added_weights)
        self.LOG_NAMES = (*self.LOG_NAMES, *self.added_weights)
        self.recent = None
        if additions.recent_codes:
            self.recent = RecentCodes(additions.recent_codes, self.style_dim + self.classes)
        self.class_shares = None
        if additions.pseudo_label_balance:
            self.class_shares = ClassShares(
                self.classes,
                additions.pseudo_label_balance,
                additions.pseudo_label_balance_steps,
                additions.pseudo_label_groups,
            )
        self.colours = None
        if additions.pseudo_label_groups > 1:
            self.colours = ColourGroups(additions.pseudo_label_groups, self.encoder.bins)
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
        if self.colours is not None:
            memory |= {
                "colour_mean": self.colours.mean,
                "colour_axes": self.colours.axes,
                "colour_centres": self.colours.centres,
            }
        if self.balance is not None:
            memory |= {f"balance_{name}": norm for name, norm in self.balance.norms.items()}
        return memory

    def find_groups(self):
        """Finds the groups of the calibration clips' colours, where they are asked for."""
        if self.colours is None:
            return super().find_groups()
        return self.colours.find(self.calibration, self.seed)

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

    def _alteration(self, x, draw, moved=0):
        """Altered clips; random numbers are of the streams of `augmented`, moved by so many."""
        return augmented(
            x,
            lambda own, sampler: self._drawn(x, draw, moved + own, sampler),
            self.additions.alter_channel,
        )

    def _added(self, seen: Seen) -> dict[str, Term]:
        """The terms beside equation (6) by name."""
        return {name: getattr(self, f"_{name}")(seen) for name in self.added_weights}

    def _weighted(self, values: Mapping[str, tf.Tensor]):
        """The sum of what is added to equation (6)."""
        return sum(weight * values[name] for name, weight in self.added_weights.items())

    def _balanced(self, tape, terms: Mapping[str, Term], lambda_: float) -> dict[str, tf.Tensor]:
        """Values with gradients of one norm at the outputs; as they are by default.

        With R the whole of λ·R is meant, so that λ drops out.
        """
        values = {name: term.value for name, term in terms.items()}
        if self.balance is None:
            return values
        outputs = {name: term.outputs for name, term in terms.items()}
        balanced = self.balance.balanced(tape, values, outputs)
        if "R" in balanced:
            balanced["R"] /= lambda_
        return balanced

    def _sliced_wasserstein(self, seen):
        """Distance of z′ from the prior."""
        style, y_u = self._all_codes(seen)
        key, scale = self._key(seen.draw, _PRIOR_DRAWS), self.additions.class_independence
        distance = distance_from_prior(style, y_u, scale, key)
        return Term(self._felt(distance, style, seen), [seen.style])

    def _whitening(self, seen):
        """Deviation of z′'s mean and covariance from 0 and I."""
        style, _ = self._all_codes(seen)
        return Term(self._felt(losses.whitening(style), style, seen), [seen.style])

    def _pseudo_labels(self, seen):
        """Cross-entropy of altered x_u against the teacher's classes, by their guided codes."""
        altered = self._alteration(seen.x_u, seen.draw, _ALTERED_UNLABELLED)
        codes = self._encode(altered)[0]
        logits = self.classifier(codes, training=True)
        confidence = self.additions.pseudo_label_confidence
        values = losses.confident_cross_entropy(self._teacher(seen), logits, confidence)
        return Term(batch_mean(values), [codes])

    def _magnitude_error(self, seen):
        """Spectral convergence of reconstructed magnitudes."""
        error = losses.magnitude_error(seen.reconstructed, seen.x_u, self.nepers_per_unit)
        return Term(batch_mean(error), [seen.reconstructed])

    def _all_codes(self, seen):
        """z′ and ŷ of the global batch, and recent ones: the same on all replicas."""
        if self.recent is not None:
            return self._with_recent(seen.style, seen.y_u)
        return gathered(seen.style), gathered(seen.y_u)

    def _felt(self, mean, codes, seen):
        """This replica's share of a mean over all codes, which the batch's alone feel."""
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        return felt_by_batch(mean, codes, replicas * tf.shape(seen.style)[0]) / replicas

    def _teacher(self, seen):
        """Classes of x_u by the averaged E and C, whose codes are standardised over this batch."""
        codes = self.codes(seen.x_u)[self.CLASSIFIED_CODE]
        mean, variance = tf.nn.moments(gathered(codes), axes=[0])
        standard = (codes - mean) * tf.math.rsqrt(variance + 1e-6)
        logits = tf.stop_gradient(self.averaged_classifier.stack(standard))
        if self.class_shares is None:
            return tf.nn.softmax(logits)
        groups = None if self.colours is None else self.colours.of(seen.x_u)
        return self.class_shares.probabilities(logits, seen.y_l, self.step.value, groups)
