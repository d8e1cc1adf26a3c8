"""Batch normalisation, plain and conditioned on a class vector.

Source: METHOD §4; BigGAN (arXiv 1809.11096) for the conditional form. Departures: statistics are
always float32, whatever the compute dtype, and are taken over the global batch where several
replicas train, so that they act as one device.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops

from gaae_tf.networks.saving import Saved


class BatchNormalization(Saved, keras.layers.Layer):
    """Normalises each channel over batch, bins and frames, then scales and shifts it.

    With `classes` set, the gain is 1 + y·W_g and the bias y·W_b for a class vector y [batch,
    classes], which may be a distribution; otherwise gain and bias are one learned vector each.

    Args:
        classes: length of the class vector, or None for the unconditional layer.
        momentum: share of the old moving statistics kept at each training call, in [0, 1).
        epsilon: added to the variance.
        class_biases: how W_b starts, "zeros" or "orthogonal"; with the latter, classes differ in
            their biases from the first step on.

    Attributes:
        of_replicas: gives the arrays of all replicas, of which Keras knows nothing, stacked, for
            the array of this one; None where there is but one.
    """

    of_replicas: Callable | None = None

    def __init__(
        self,
        classes: int | None = None,
        momentum: float = 0.99,
        epsilon: float = 1e-4,
        class_biases: str = "zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.class_biases = class_biases
        self.classes = classes
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, features_shape, condition_shape=None):
        """Creates float32 weights for features [batch, bins, frames, channels]."""
        channels = features_shape[-1]

        def weight(name, shape, initializer, **kwargs):
            return self.add_weight(
                name=name,
                shape=shape,
                initializer=initializer,
                dtype="float32",
                autocast=False,
                **kwargs,
            )

        # Without aggregation: what is assigned to them is the same on all replicas.
        self.moving_mean = weight("moving_mean", (channels,), "zeros", trainable=False)
        self.moving_variance = weight("moving_variance", (channels,), "ones", trainable=False)
        if self.classes is None:
            self.gain = weight("gain", (channels,), "ones")
            self.bias = weight("bias", (channels,), "zeros")
        else:
            self.gain = weight("gain", (self.classes, channels), "orthogonal")
            self.bias = weight("bias", (self.classes, channels), self.class_biases)

    def call(self, features, condition=None, training=False):
        """[batch, bins, frames, channels] and, if conditional, [batch, classes] -> same shape."""
        _, bins, frames, channels = features.shape
        # Frames and channels side by side, so that every operation runs along long rows: with few
        # channels twice as fast on a CPU as on the four axes.
        x = ops.reshape(ops.cast(features, "float32"), (-1, bins, frames * channels))
        if training:
            mean, variance = global_moments(*_moments(x, channels), self.of_replicas)
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
        else:
            mean, variance = self.moving_mean, self.moving_variance
        if self.classes is None:
            gain, bias = self.gain[None], self.bias[None]
        else:
            condition = ops.cast(condition, "float32")
            gain = 1.0 + ops.matmul(condition, self.gain)
            bias = ops.matmul(condition, self.bias)
        scale = gain * ops.rsqrt(variance + self.epsilon)
        x = (x - _rows(mean[None], frames)) * _rows(scale, frames) + _rows(bias, frames)
        return ops.reshape(ops.cast(x, self.compute_dtype), (-1, bins, frames, channels))


def _rows(values, frames):
    """Repeats [batch, channels] for each frame: [batch, 1, frames·channels]."""
    return ops.tile(values, (1, frames))[:, None, :]


def _moments(x, channels):
    """Mean and variance of each channel over this replica's batch; float32 [channels] each.

    Args:
        x: float32 [batch, bins, frames·channels].
        channels: number of channels.
    """

    def channel_means(values):
        return ops.mean(ops.reshape(ops.mean(values, axis=(0, 1)), (-1, channels)), axis=0)

    mean = channel_means(x)
    frames = x.shape[-1] // channels
    return mean, channel_means(ops.square(x - _rows(mean[None], frames)))


def global_moments(mean, variance, of_replicas: Callable | None):
    """Moments of the global batch, of equally many examples on each replica; [channels] all.

    Args:
        mean: of this replica's batch.
        variance: of this replica's batch.
        of_replicas: as in `BatchNormalization`. It is called once, for both.
    """
    if of_replicas is None:
        return mean, variance
    means, variances = ops.unstack(of_replicas(ops.stack([mean, variance])), axis=1)
    global_mean = ops.mean(means, axis=0)
    # By way of mean squares it would lose the digits that a large mean takes.
    return global_mean, ops.mean(variances + ops.square(means - global_mean), axis=0)
