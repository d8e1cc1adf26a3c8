"""WaveGAN's generator and discriminator of waveforms.

Source: Donahue et al. 2019 (arXiv 1802.04208, appendix D); facts from the authors' code,
chrisdonahue/wavegan. For 16,384 samples and ch = 64: dense 100 → 16×1024, ReLU, five transposed
convolutions of length 25 and stride 4 to 512, 256, 128, 64 and 1 channels, ReLU between them, tanh;
19,065,345 parameters. The discriminator mirrors it, with leaky ReLU of slope 0.2 and phase shuffle
after each convolution but the last; 17,427,969. No batch normalisation, as in the authors' default.
Departures: phase shuffle shifts each example by its own amount, as the paper describes it, where
the authors' code shifts a batch by one; other lengths have as many convolutions as quarter the
length to between 8 and 31 samples.
"""

from __future__ import annotations

import keras
from keras import ops

from gaae_tf.networks.geometry import WAVEGAN_STRIDE as STRIDE
from gaae_tf.networks.geometry import wavegan_base
from gaae_tf.networks.resampling import strided_convolution, strided_transpose
from gaae_tf.networks.saving import Saved

KERNEL = 25
SHUFFLE_RADIUS = 2  # n of phase shuffle

_SLOPE = 0.2


def phase_shuffle(features, shifts):
    """Shifts each example along time, and fills the gap by reflection about its end.

    Args:
        features: [batch, time, channels].
        shifts: int [batch], each in [-n, n] for n = `SHUFFLE_RADIUS`; positive is later.

    Returns:
        The same shape: value t of example i is value t - shifts[i], reflected without repeating the
        end.
    """
    time, n = features.shape[1], SHUFFLE_RADIUS
    before = ops.flip(_part(features, 1, n), axis=1)
    behind = ops.flip(_part(features, time - 1 - n, n), axis=1)
    padded = ops.concatenate([before, features, behind], axis=1)
    # A sum of masked slices, not a gather: its gradient is the same from run to run on any device.
    result = ops.zeros_like(features)
    for shift in range(-n, n + 1):
        mask = ops.cast(ops.equal(shifts, shift), features.dtype)[:, None, None]
        result = result + mask * _part(padded, n - shift, time)
    return result


def _part(features, first, count):
    """So many values of time; unlike `features[:, …]`, with a gradient that is fast on a CPU."""
    batch, _, channels = ops.shape(features)
    return ops.slice(features, (0, first, 0), (batch, count, channels))


class WaveGANGenerator(Saved, keras.Model):
    """Code to waveform.

    Args:
        samples: length of a clip.
        channels: ch, a sixteenth of the widest layer's channels at 16,384 samples.
        style_dim: length of the code.

    Raises:
        ValueError: WaveGAN has no such length.
    """

    classes = None

    def __init__(self, samples: int, channels: int = 64, style_dim: int = 100, **kwargs):
        super().__init__(**kwargs)
        self.samples = samples
        self.channels = channels
        self.style_dim = style_dim
        self.base, count = wavegan_base(samples)
        policy = self.dtype_policy
        self.widest = channels << (count - 1)
        self.dense = keras.layers.Dense(self.base * self.widest, dtype=policy)
        widths = [channels << i for i in reversed(range(count - 1))] + [1]
        self.convolutions = [
            keras.layers.Conv1DTranspose(
                width, KERNEL, strides=STRIDE, padding="same", dtype=policy
            )
            for width in widths
        ]
        self.build()

    def build(self, input_shape=None):
        """Creates all weights; all sizes are known from the arguments."""
        self.dense.build((None, self.style_dim))
        shape = (None, self.base, self.widest)
        for convolution in self.convolutions:
            convolution.build(shape)
            shape = (None, STRIDE * shape[1], convolution.filters)
        self.built = True

    def call(self, style, training=False):
        """[batch, style_dim] -> float32 audio [batch, samples, 1] in [-1, 1]."""
        x = ops.reshape(self.dense(style), (-1, self.base, self.widest))
        for convolution in self.convolutions:
            kernel = ops.cast(convolution.kernel, self.compute_dtype)
            x = ops.add(strided_transpose(ops.relu(x), kernel, STRIDE), convolution.bias)
        return ops.tanh(ops.cast(x, "float32"))

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.style_dim,),)


class WaveGANDiscriminator(Saved, keras.Model):
    """Waveform to score.

    Args:
        samples: length of a clip.
        channels: ch, the channels of the first layer.

    Raises:
        ValueError: WaveGAN has no such length.
    """

    classes = None

    def __init__(self, samples: int, channels: int = 64, **kwargs):
        super().__init__(**kwargs)
        self.samples = samples
        self.channels = channels
        self.base, count = wavegan_base(samples)
        self.convolutions = [
            keras.layers.Conv1D(
                channels << i, KERNEL, strides=STRIDE, padding="same", dtype=self.dtype_policy
            )
            for i in range(count)
        ]
        self.shuffles = count - 1
        self.dense = keras.layers.Dense(1, dtype="float32")
        self.build()

    def build(self, input_shape=None):
        """Creates all weights; all sizes are known from the arguments."""
        shape = (None, self.samples, 1)
        for convolution in self.convolutions:
            convolution.build(shape)
            shape = (None, shape[1] // STRIDE, convolution.filters)
        self.dense.build((None, shape[1] * shape[2]))
        self.built = True

    def call(self, audio, shifts=None, training=False):
        """Audio [batch, samples, 1] and shifts of phase -> float32 scores [batch, 1].

        `shifts` is int [batch, shuffles], each in [-2, 2], for as many layers as are shuffled; None
        shuffles nothing.
        """
        x = audio
        for i, convolution in enumerate(self.convolutions):
            kernel = ops.cast(convolution.kernel, self.compute_dtype)
            x = ops.add(strided_convolution(x, kernel, STRIDE), convolution.bias)
            x = ops.leaky_relu(x, _SLOPE)
            if shifts is not None and i < self.shuffles:
                x = phase_shuffle(x, shifts[:, i])
        return self.dense(ops.reshape(ops.cast(x, "float32"), (-1, self.dense_inputs)))

    @property
    def dense_inputs(self) -> int:
        """Numbers that the dense layer reads."""
        return self.base * self.convolutions[-1].filters

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the inputs of one example."""
        return ((self.samples, 1),)
