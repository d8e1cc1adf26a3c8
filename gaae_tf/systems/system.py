"""What all trained systems share, and what the training loop, checkpoints and TensorBoard ask.

A system is a Keras model that holds networks and trains them by one `train_step` an iteration.
Noise, the sums over replicas, loss scaling, the moving average and the batch statistics measured
again (METHOD §4) are here; its losses and the order of its updates are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import keras
import tensorflow as tf

from gaae_tf import losses
from gaae_tf.systems.batches import share_batch_statistics
from gaae_tf.systems.spec import Spec


class System(keras.Model):
    """A trained system; its class attributes say what it holds, and how that is wired.

    What it needs and can do says its SPEC (`systems.spec`).

    Attributes of the class:
        NETWORKS: the networks: attribute, and how it is called in words.
        FROZEN: those of them that another run has trained, and this one leaves as they are.
        AVERAGED: those of them with a moving average, in the attribute `averaged_<network>`.
        SAMPLER: the one of them that makes sounds or their spectrograms; None without such.
        OPTIMIZERS: the optimizers: name, and the networks that each moves. The first makes one
            update an iteration, the others, of discriminators, k; each is in the attribute
            `<name>_optimizer`.
        LOSS_NAMES, LOG_NAMES: loss terms of an iteration, and all that `train_step` reports; of a
            model they may be more than of its class.
        PROGRESS_NAMES: those of LOG_NAMES that the line of progress shows; empty for the first
            three of LOSS_NAMES.
        HINGE_LOSSES: those of LOSS_NAMES that are hinge losses of discriminators: 2 for a guess, 0
            once all that they see is told apart with a margin.
        PASSES: the updates of an iteration, by how many batches pass each network in one.
        PRIOR: what codes are drawn from in training: "normal", N(0, 1), or "uniform", U(-1, 1).
        SAMPLING_PRIOR: what they are drawn from in sampling, as `synthesis.style_codes` has it.
        ENCODER: the network that gives codes of spectrograms, with its last layers in
            `code_layers`.
        CLASSIFIED_CODE: that of its `codes` which its classifier reads; None for one that reads
            spectrograms, or none.

    One that can "represent" has a method `codes` of spectrograms, a dict of [batch, …] by name; one
    that can "classify" has `class_probabilities` of them, [batch, classes]; one that can
    "reconstruct" gives spectrograms again when it is called.

    Args:
        networks: the networks by their names in NETWORKS, built.
        style_dim: length of the codes that the sampler takes; None without a sampler.
        classes: how many classes the system knows, and so length of the class vector that its
            sampler takes; None for none.
        seed: noise and random labels of a step depend on (seed, step, place in the global batch)
            alone.
        average_decay: decay of the moving average, in [0, 1); 0 keeps a plain copy.

    Raises:
        ValueError: an argument is out of its range.
    """

    NETWORKS: ClassVar[Mapping[str, str]]
    FROZEN: ClassVar[tuple[str, ...]] = ()
    AVERAGED: ClassVar[tuple[str, ...]]
    SAMPLER: ClassVar[str | None] = None
    OPTIMIZERS: ClassVar[Mapping[str, tuple[str, ...]]]
    LOSS_NAMES: ClassVar[tuple[str, ...]]
    LOG_NAMES: ClassVar[tuple[str, ...]]
    PROGRESS_NAMES: ClassVar[tuple[str, ...]] = ()
    HINGE_LOSSES: ClassVar[tuple[str, ...]] = ()
    PASSES: ClassVar[tuple[Mapping[str, int], ...]]
    PRIOR: ClassVar[str] = "normal"
    SAMPLING_PRIOR: ClassVar[str] = "normal"
    ENCODER: ClassVar[str | None] = None
    CLASSIFIED_CODE: ClassVar[str | None] = None

    # What it needs and can do; of a model that `systems.build` made.
    spec: Spec | None = None
    # Iterations at the beginning that `start_step` makes in place of `train_step`.
    start_steps: int = 0
    # Spectrograms of real training clips, over which codes are scaled and measured.
    calibration: tf.Tensor | None = None
    # What a labelled clip of each class weighs in the losses of labels, float32 [classes].
    class_weights: tf.Tensor | None = None

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        style_dim: int | None,
        classes: int | None,
        seed: int = 0,
        average_decay: float = 0.9999,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0.0 <= average_decay < 1.0:
            raise ValueError(f"average_decay must be in [0, 1), got {average_decay}")
        for name in self.NETWORKS:
            setattr(self, name, networks[name])
            if tf.distribute.get_strategy().num_replicas_in_sync > 1:
                share_batch_statistics(networks[name])
        for name in self.FROZEN:
            networks[name].trainable = False
        for name in self.AVERAGED:
            setattr(self, f"averaged_{name}", _copy(networks[name]))
        self.style_dim = style_dim
        self.classes = classes
        self.seed = seed
        self.average_decay = average_decay
        self.step = self.add_weight(
            name="step",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        # Plain variables, for they are no weights. How often a divergence made training go back:
        self.rollbacks = tf.Variable(
            0,
            dtype=tf.int64,
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            name="rollbacks",
        )
        # Share of the learning rates that is left, which falls and never rises.
        self.rate_scale = tf.Variable(
            1.0,
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            name="rate_scale",
        )
        # And, of several replicas, each one's part in the first update that was not finite: 0 for
        # no such update, 1 if this replica's share was finite, 2 + its number if it was not.
        self.part_in_divergence = tf.Variable(
            0.0,
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
            name="part_in_divergence",
        )
        self.built = True  # all networks are; without this MirroredStrategy looks for build()

    def compile(self, *optimizers: keras.optimizers.Optimizer, **kwargs) -> None:
        """Takes the optimizers in the order of OPTIMIZERS, and creates their variables."""
        super().compile(optimizer=None, jit_compile=False, **kwargs)
        for name, optimizer in zip(self.OPTIMIZERS, optimizers, strict=True):
            setattr(self, f"{name}_optimizer", optimizer)
            optimizer.build(self.variables_of(name))

    def optimizer_of(self, name: str) -> keras.optimizers.Optimizer:
        """The optimizer of that name in OPTIMIZERS."""
        return getattr(self, f"{name}_optimizer")

    def variables_of(self, name: str) -> list:
        """Trainable variables that the optimizer of that name moves."""
        networks = (getattr(self, network) for network in self.OPTIMIZERS[name])
        return [variable for network in networks for variable in network.trainable_variables]

    @property
    def all_networks(self) -> dict[str, keras.Model]:
        """Trained, frozen and averaged networks by attribute: all weights but `step`."""
        names = (*self.NETWORKS, *(f"averaged_{name}" for name in self.AVERAGED))
        return {name: getattr(self, name) for name in names}

    @property
    def lasting_networks(self) -> list[keras.Model]:
        """The networks that are used once training is over: averaged and frozen ones."""
        names = (*(f"averaged_{name}" for name in self.AVERAGED), *self.FROZEN)
        return [getattr(self, name) for name in names]

    @property
    def memory(self) -> dict[str, tf.Variable]:
        """What training remembers from step to step beside weights, optimizers and `rollbacks`."""
        return {"rate_scale": self.rate_scale}

    @property
    def sampler(self) -> keras.Model:
        """The network that makes sounds or their spectrograms, averaged or frozen."""
        frozen = self.SAMPLER in self.FROZEN
        return getattr(self, self.SAMPLER if frozen else f"averaged_{self.SAMPLER}")

    def sample(self, style, condition=None, training: bool = False):
        """What the sampler makes of codes [batch, style_dim] and, if it takes them, class vectors.

        Returns:
            float32 spectrograms [batch, bins, frames, 1], or audio [batch, samples, 1], in [-1, 1].
        """
        inputs = (style,) if self.classes is None else (style, condition)
        return self.sampler(*inputs, training=training)

    def _noise(self, like, draw):
        """Prior codes and one-hot random labels, functions of (seed, step, draw, place in batch).

        After a rollback they are others: then `rollbacks` is part of the key, too.

        They are drawn for the global batch and each replica takes its part, so that several
        replicas see what one device would. Labels are None in a system without classes.
        """
        prior = self._drawn(like, draw, 0, self._codes)
        if self.classes is None:
            return prior, None
        labels = self._drawn(
            like,
            draw,
            1,
            lambda batch, key: tf.random.stateless_uniform(
                [batch], key, maxval=self.classes, dtype=tf.int32
            ),
        )
        return prior, tf.one_hot(labels, self.classes)

    def _codes(self, batch, key):
        """Codes [batch, style_dim] from the prior."""
        if self.PRIOR == "uniform":
            return tf.random.stateless_uniform([batch, self.style_dim], key, -1.0, 1.0)
        return tf.random.stateless_normal([batch, self.style_dim], key)

    def _drawn(self, like, draw, stream, sampler):
        """This replica's rows of `sampler(global batch, key)`; another `stream`, other values.

        `like` is a tensor with as many rows as this replica's batch has.
        """
        context = tf.distribute.get_replica_context()
        batch = tf.shape(like)[0]
        start = context.replica_id_in_sync_group * batch
        drawn = sampler(batch * context.num_replicas_in_sync, self._key(draw, stream))
        return drawn[start : start + batch]

    def _key(self, draw, stream):
        """The key of random numbers of (seed, step, draw, stream), int64 [2]."""
        key = tf.random.experimental.stateless_fold_in(
            tf.constant([self.seed, draw], tf.int64), self.step.value
        )
        other = tf.random.experimental.stateless_fold_in(key, self.rollbacks)
        return tf.where(self.rollbacks > 0, other, key) + stream

    def _apply(self, tape, scaled_loss, name, some_stand_still=False):
        """Applies the gradients of a loss by an optimizer; returns their global norm before it.

        The loss depends on all variables of the optimizer, unless `some_stand_still`.
        """
        optimizer, variables = self.optimizer_of(name), self.variables_of(name)
        gradients = tape.gradient(scaled_loss, variables)
        if some_stand_still:
            gradients = [
                tf.zeros_like(variable.value) if gradient is None else gradient
                for variable, gradient in zip(variables, gradients, strict=True)
            ]
        context = tf.distribute.get_replica_context()
        own_norm = tf.linalg.global_norm(gradients)
        loss_scaling = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        finite = tf.math.is_finite(scaled_loss)
        if not loss_scaling:  # which meets an overflow of gradients by leaving the step out
            finite &= tf.math.is_finite(own_norm)
        # The norm of each replica's gradient, summed: finite only if all are.
        norm, bad = tf.unstack(
            context.all_reduce(
                tf.distribute.ReduceOp.SUM, tf.stack([own_norm, tf.where(finite, 0.0, 1.0)])
            )
        )
        if context.num_replicas_in_sync > 1:
            self._note_divergence(context, finite, bad)
        if loss_scaling:
            if context.num_replicas_in_sync > 1:
                # LossScaleOptimizer looks at its own replica only: let an overflow on one be seen
                # by all.
                overflow = norm * 0.0  # 0, or NaN
                gradients = [gradient + tf.cast(overflow, gradient.dtype) for gradient in gradients]
            norm /= optimizer.dynamic_scale
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return norm

    def _note_divergence(self, context, finite, bad):
        """Notes this replica's part in the first update whose loss or gradient was not finite.

        `bad` is on how many replicas it was not.
        """
        part = self.part_in_divergence
        first = (bad > 0.0) & (part < 0.5)
        bad_here = 2.0 + tf.cast(context.replica_id_in_sync_group, tf.float32)
        part.assign(tf.where(first, tf.where(finite, 1.0, bad_here), part))

    def _finish_step(self):
        """Moves the averaged networks towards the trained ones, and counts the step."""
        self._update_average()
        self.step.assign_add(1)

    def _update_average(self):
        """Moves the averaged networks towards the trained ones, faster in early steps."""
        step = tf.cast(self.step.value, tf.float32)
        decay = tf.minimum(self.average_decay, (1.0 + step) / (10.0 + step))
        for name in self.AVERAGED:
            network, average = getattr(self, name), getattr(self, f"averaged_{name}")
            for weight, mean in zip(network.weights, average.weights, strict=True):
                mean.assign(mean + (weight - mean) * (1.0 - decay))

    def probabilities_of(self, codes):
        """ŷ by the averaged classifier, of what `codes` gave."""
        return tf.nn.softmax(self.averaged_classifier(codes[self.CLASSIFIED_CODE]))

    def label_loss(self, labels, logits):
        """Cross-entropy of labelled clips, [batch], by the weights of their classes."""
        loss = losses.cross_entropy(labels, logits)
        if self.class_weights is None:
            return loss
        return loss * tf.linalg.matvec(labels, self.class_weights)

    def scale_codes(self) -> None:
        """Scales the encoder's last layers: mean 0, deviation 1 of the codes of `calibration`.

        For the start of a training. Sizes of networks and spectrograms alone do not tell how much
        codes will vary over clips, and a code that hardly varies says nothing to D, C and L (data-
        dependent initialisation, Salimans & Kingma 2016, arXiv 1602.07868). Nothing is done without
        `calibration`, or by a system that trains no encoder.
        """
        if self.calibration is None or self.ENCODER is None or self.ENCODER in self.FROZEN:
            return
        network = getattr(self, self.ENCODER)
        average = getattr(self, f"averaged_{self.ENCODER}")
        codes = self._over_calibration(lambda clips: tf.nest.flatten(network(clips)))
        for layer, copy, code in zip(network.code_layers, average.code_layers, codes, strict=True):
            mean, variance = tf.nn.moments(code, axes=[0])
            scale = tf.math.rsqrt(variance + 1e-12)
            for one in (layer, copy):
                one.kernel.assign(one.kernel * scale)
                one.bias.assign((one.bias - mean) * scale)

    def find_groups(self) -> list[int]:
        """Finds groups of the calibration clips before the first step: how large; none here."""
        return []

    def _over_calibration(self, function, batch_size: int = 64) -> list[tf.Tensor]:
        """What a function gives for the calibration clips, a list of [clips, …]."""
        parts = [
            function(self.calibration[start : start + batch_size])
            for start in range(0, len(self.calibration), batch_size)
        ]
        return [tf.concat(part, axis=0) for part in zip(*parts, strict=True)]

    def measure_code_statistics(self) -> None:
        """Measures mean and variance of the codes that the averaged classifier standardises.

        They are those of real clips, `calibration`, under the averaged weights. Moving statistics
        will not do: they are of weights that have moved on since, of small batches, and of
        generated clips among the real ones; and an average of statistics is not the statistics of
        averaged weights. Nothing is done without `calibration`, or by a system whose classifier
        reads no codes.
        """
        if self.calibration is None or self.CLASSIFIED_CODE is None:
            return
        (codes,) = self._over_calibration(lambda clips: [self.codes(clips)[self.CLASSIFIED_CODE]])
        mean, variance = tf.nn.moments(codes, axes=[0])
        standardise = self.averaged_classifier.standardise
        standardise.moving_mean.assign(mean)
        standardise.moving_variance.assign(variance)

    def reestimate_statistics(self, batches: int = 16, batch_size: int = 64) -> None:
        """Measures the sampler's batch statistics again, over samples from the prior.

        BigGAN's habit: the moving statistics belong to other codes, those of recordings say, and to
        weights of other steps. A sampler without batch normalisation stays as it is, and so does a
        frozen one, which the other networks know by the statistics that it has.

        Args:
            batches: how many batches to average over; 0 leaves the statistics alone.
            batch_size: samples a batch.
        """
        if self.SAMPLER is None or self.SAMPLER in self.FROZEN:
            return
        norms = [layer for layer in self.sampler._flatten_layers() if hasattr(layer, "moving_mean")]
        momenta = [layer.momentum for layer in norms]
        for i in range(batches if norms else 0):
            for layer in norms:
                layer.momentum = i / (i + 1)  # a running mean
            style = self._codes(batch_size, [self.seed, i])
            labels = None
            if self.classes is not None:
                in_turn = tf.range(i * batch_size, (i + 1) * batch_size) % self.classes
                labels = tf.one_hot(in_turn, self.classes)
            self.sample(style, labels, training=True)
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum


def _copy(network):
    """An untrainable network of the same structure and weights."""
    copy = type(network).from_config(network.get_config())
    if not copy.built:  # a network that learns its sizes from its first input
        copy.build_from_config(network.get_build_config())
    copy.trainable = False
    # keras counts weights by trainability: set first, then copy in the order of `weights`.
    for mean, weight in zip(copy.weights, network.weights, strict=True):
        mean.assign(weight)
    return copy
