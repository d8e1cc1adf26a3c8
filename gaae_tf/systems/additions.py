"""What may be added to the paper's Algorithm 1 (`systems.settings.Additions`): its parts."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from gaae_tf import losses

DIRECTIONS = 64  # of the sliced Wasserstein distance, drawn anew each time
LARGEST_OFFSET = 2.0  # of a class's logit, either way

_NORM_DECAY = 0.99  # of the moving averages of gradients' norms
_SHARE_DECAY = 0.99  # of the moving averages of classes' shares


class RecentCodes:
    """The style codes of the last batches, with their ŷ behind them; checkpoints hold them.

    Args:
        count: how many.
        size: length of a code and its ŷ together.
    """

    def __init__(self, count: int, size: int):
        self.codes = remembered(tf.zeros([count, size]), "recent_codes")
        self.filled = remembered(tf.zeros([], tf.int64), "recent_codes_filled")

    def with_batch(self, codes: tf.Tensor) -> tf.Tensor:
        """The batch's codes [batch, size] and behind them as many recent ones as there are."""
        return tf.concat([codes, self.codes[: self.filled]], axis=0)

    def push(self, codes: tf.Tensor) -> None:
        """Puts the batch's codes, the same in all replicas, before the others."""
        count = self.codes.shape[0]
        self.codes.assign(tf.concat([tf.stop_gradient(codes), self.codes], axis=0)[:count])
        added = tf.shape(codes, tf.int64)[0]
        self.filled.assign(tf.minimum(self.filled + added, count))


class ClassShares:
    """Offsets of a teacher's logits that bring its classes to the shares of labelled clips.

    A teacher that once takes a speaker's "two" for "four" teaches it to itself from then on. But
    then it finds too many fours and too few twos: the offset of a class grows by the logarithm of
    its share of labels over its share found, until those nearest to the boundary have crossed it.
    This goes on from where the alignment of distributions (ReMixMatch, arXiv 1911.09785) stops,
    which divides by the shares found once. Offsets are bounded: a speaker's "two" that is firmly
    "four" does not cross, and offsets that grow on for its sake move others, which were right. For
    the same reason the bound may fall to 0: what can cross has crossed by then. Where groups of
    clips are known, of one speaker each, say, each has shares and offsets of its own: what one
    speaker's classes lack moves no other's.

    Args:
        classes: how many.
        rate: how much of that logarithm an update adds.
        steps: of training over which the bound falls, evenly, to 0; 0 for a bound that stays.
        groups: of clips.
    """

    def __init__(self, classes: int, rate: float, steps: int = 0, groups: int = 1):
        self.rate = rate
        self.steps = steps

        self.labelled = remembered(tf.fill([classes], 1.0 / classes), "labelled_shares")
        self.found = remembered(tf.fill([groups, classes], 1.0 / classes), "found_shares")
        self.offsets = remembered(tf.zeros([groups, classes]), "class_offsets")

    def probabilities(
        self,
        logits: tf.Tensor,
        y_l: tf.Tensor,
        step: tf.Tensor | int,
        groups: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Classes of this batch under the offsets, which then move.

        Args:
            logits: the teacher's of unlabelled clips, [batch, classes].
            y_l: one-hot labels of as many labelled clips.
            step: of the training, counted from 0.
            groups: one-hot groups of the unlabelled clips, [batch, groups]; None where all are one.
        """
        if groups is None:
            groups = tf.ones_like(logits[:, :1])
        probabilities = tf.nn.softmax(logits + tf.matmul(groups, self.offsets))
        labels = tf.reduce_mean(gathered(y_l), axis=0)
        self.labelled.assign_add((1.0 - _SHARE_DECAY) * (labels - self.labelled))
        of_all, found = gathered(groups), gathered(probabilities)
        # A group moves by as many of its clips as the batch has, which is an even share on average.
        change = tf.matmul(of_all, found - tf.matmul(of_all, self.found), transpose_a=True)
        even = tf.cast(tf.shape(found)[0], tf.float32) / self.found.shape[0]
        self.found.assign_add((1.0 - _SHARE_DECAY) * change / even)
        # The small share keeps a class without labels or finds finite.
        lacks = tf.math.log((self.labelled + 1e-3) / (self.found + 1e-3))
        moved = self.offsets + self.rate * (lacks - tf.reduce_mean(lacks, axis=1, keepdims=True))
        bound = LARGEST_OFFSET
        if self.steps:
            bound *= tf.maximum(1.0 - tf.cast(step, tf.float32) / self.steps, 0.0)
        self.offsets.assign(tf.clip_by_value(moved, -bound, bound))
        return probabilities


class LossBalance:
    """Moving averages of the norms of terms' gradients, and terms divided by them.

    Args:
        names: of the terms.
    """

    def __init__(self, names: tuple[str, ...]):
        self.norms = {
            name: tf.Variable(
                0.0,
                trainable=False,
                aggregation=tf.VariableAggregation.MEAN,
                name=f"gradient_norm_{name}_at_outputs",
            )
            for name in names
        }

    def balanced(
        self,
        tape: tf.GradientTape,
        terms: Mapping[str, tf.Tensor],
        outputs: Mapping[str, list[tf.Tensor]],
    ) -> dict[str, tf.Tensor]:
        """Divides each term by the moving average of its gradient's norm at its outputs.

        Args:
            tape: a persistent one, recording; it goes on to record the division.
            terms: scalars by name.
            outputs: of E or D, the tensors through which each term moves them.
        """
        context = tf.distribute.get_replica_context()
        result = {}
        for name, term in terms.items():
            with tape.stop_recording():
                gradients = [g for g in tape.gradient(term, outputs[name]) if g is not None]
                power = tf.square(tf.linalg.global_norm(gradients))
                power = context.all_reduce(tf.distribute.ReduceOp.SUM, power)
                norm, average = tf.sqrt(power), self.norms[name]
                moved = average + (norm - average) * (1.0 - _NORM_DECAY)
                # A norm that is not finite is the loss scale's matter, and is not remembered.
                moved = tf.where(average > 0.0, moved, norm)
                average.assign(tf.where(tf.math.is_finite(moved), moved, average))
                scale = 1.0 / tf.maximum(average, 1e-12)
            result[name] = term * scale
        return result


def remembered(value: tf.Tensor, name: str) -> tf.Variable:
    """What a training remembers, the same in all replicas, and does not train."""
    return tf.Variable(
        value,
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        name=name,
    )


def gathered(codes: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas, in their order; gradients find their way back."""
    context = tf.distribute.get_replica_context()
    return codes if context.num_replicas_in_sync == 1 else context.all_gather(codes, axis=0)


def felt_by_batch(mean: tf.Tensor, codes: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
    """A mean over the batch's and recent codes, with the gradient of one over the batch's alone.

    Recent codes are constants: in the plain mean, the more of them there are, the less each code of
    the batch would feel of it.

    Args:
        mean: a scalar.
        codes: the batch's and recent ones, [points, …].
        batch: how many of them are the batch's.
    """
    times = tf.cast(tf.shape(codes)[0], tf.float32) / tf.cast(batch, tf.float32)
    return times * mean - tf.stop_gradient((times - 1.0) * mean)


def distance_from_prior(
    style: tf.Tensor, probabilities: tf.Tensor, class_scale: float, key: tf.Tensor
) -> tf.Tensor:
    """Sliced Wasserstein distance of z′ from the prior, or of (z′, s·ŷ) from independent ones.

    Args:
        style: z′, [points, style_dim].
        probabilities: their ŷ, [points, classes].
        class_scale: s; 0 leaves the class out.
        key: int64 [2], of the prior's draws and the directions.
    """
    prior = tf.random.stateless_normal(tf.shape(style), key)
    prior = tf.ensure_shape(prior, style.shape)
    if class_scale:
        classes = class_scale * tf.stop_gradient(probabilities)
        style = tf.concat([style, classes], axis=1)
        prior = tf.concat([prior, tf.roll(classes, 1, axis=0)], axis=1)
    directions = tf.random.stateless_normal([style.shape[-1], DIRECTIONS], key + 1)
    return losses.sliced_wasserstein(style, prior, tf.math.l2_normalize(directions, axis=0))
