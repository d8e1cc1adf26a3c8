"""The classifier by which the WaveGAN authors score spoken digits (BASELINES; METHOD §7).

C. Donahue et al., "Adversarial Audio Synthesis", arXiv 1802.04208; network, constants and names of
weights as in their public code, chrisdonahue/wavegan `eval/inception`. At 16 kHz: STFT 1024/128
with a periodic Hann window, padded at the end; magnitudes in 128 mel bins from 40 to 7,800 Hz;
log(x + 1e-6); batch norm of each mel bin; four times [5×5×128 convolution, ReLU, 2×2 max pool] with
batch norm of each channel between them; flat; batch norm of each of those numbers; dense: 1,331,850
trainable weights and 17,408 moving statistics for 16,384 samples and ten classes.

Ours: other sample rates, for which window and hop keep their 64 and 8 ms, the mel bins their 40 Hz
to 97.5 % of the Nyquist frequency, and the transform its 1,024 samples at least, so that narrow mel
bins are not empty; moving averages of the batch norms with momentum 0.9 for 0.99, for short
trainings; and features of 128 numbers for the 8,192 that the dense layer reads.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from gaae_tf.networks.saving import Saved

CHANNELS = 128
CONVOLUTIONS = 4
MEL_BINS = 128

_WINDOW_S, _HOP_S = 0.064, 0.008
_SMALLEST_FFT = 1024
_LOWEST_HZ = 40.0
_HIGHEST_OF_NYQUIST = 0.975  # 7,800 Hz of 8,000
_OFFSET = 1e-6  # added to the mel bins' magnitudes before the logarithm
_EPSILON = 1e-3  # of the batch norms
_LOWEST_RATE_HZ = 1000


def mel_matrix(
    mel_bins: int, bins: int, sample_rate_hz: float, lowest_hz: float, highest_hz: float
) -> np.ndarray:
    """Weights of each frequency bin in each mel bin, as `tf.signal.linear_to_mel_weight_matrix`.

    The mel scale is HTK's, 1127 ln(1 + f / 700 Hz). Mel bin m is a triangle, linear in mel, of
    height 1 between edges m and m + 2 of `mel_bins` + 2 evenly spaced ones. Bin 0 has weight 0.

    Args:
        mel_bins: Number of mel bins.
        bins: Number of frequency bins, from 0 to the Nyquist frequency inclusive.
        sample_rate_hz: Of the audio.
        lowest_hz: Lower edge of the first mel bin, at least 0.
        highest_hz: Upper edge of the last, above `lowest_hz`, at most the Nyquist frequency.

    Returns:
        float64 [bins, mel_bins], in [0, 1].

    Raises:
        ValueError: An edge is out of range.
    """
    nyquist_hz = sample_rate_hz / 2.0
    if not 0.0 <= lowest_hz < highest_hz <= nyquist_hz:
        raise ValueError(
            f"lowest_hz and highest_hz must satisfy 0 <= lowest < highest <= {nyquist_hz:g}, the "
            f"Nyquist frequency; received {lowest_hz:g} and {highest_hz:g}."
        )
    edges = np.linspace(_mel(lowest_hz), _mel(highest_hz), mel_bins + 2)
    frequencies = _mel(np.linspace(0.0, nyquist_hz, bins))[:, None]
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies - lower) / (centre - lower)
    falling = (upper - frequencies) / (upper - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return weights


def _mel(frequency_hz):
    return 1127.0 * np.log1p(np.asarray(frequency_hz, np.float64) / 700.0)


class WaveganClassifier(Saved, keras.Model):
    """Gives class logits of audio.

    Args:
        classes: Number of classes, at least 2.
        sample_rate_hz: Of the audio, at least 1,000.
        seed: Seed of the initial weights: equal seeds give equal weights.

    Call arguments:
        audio: float32 [batch, samples] in [-1, 1]; at least 120 ms and a sample.
        training: Whether batch norms take their batch's statistics.
        return_features: Whether to give the penultimate features too: the last pooled map, averaged
            over its positions.

    Returns:
        Logits, float32 [batch, classes]; or these and features, float32 [batch, 128], all ≥ 0.

    Raises:
        ValueError: An argument is out of range, or clips are too short.
    """

    def __init__(
        self, classes: int, sample_rate_hz: int = 16000, seed: int = 0, **kwargs: Any
    ) -> None:
        # No autocast: audio in bfloat16 would be 8 bits deep.
        super().__init__(autocast=False, **kwargs)
        if classes < 2:
            raise ValueError(f"classes must be at least 2; received {classes}.")
        if sample_rate_hz < _LOWEST_RATE_HZ:
            raise ValueError(
                f"sample_rate_hz must be at least {_LOWEST_RATE_HZ}; received {sample_rate_hz}."
            )
        self.classes = classes
        self.sample_rate_hz = sample_rate_hz
        self.seed = seed
        self.window_samples = round(_WINDOW_S * sample_rate_hz)
        self.hop_samples = round(_HOP_S * sample_rate_hz)
        # A power of two that holds the window.
        self.fft_size = max(_SMALLEST_FFT, 2 ** (self.window_samples - 1).bit_length())
        angle = 2.0 * np.pi * np.arange(self.window_samples) / self.window_samples
        self._window = (0.5 - 0.5 * np.cos(angle)).astype(np.float32)
        self._mel_matrix = mel_matrix(
            MEL_BINS,
            self.fft_size // 2 + 1,
            sample_rate_hz,
            _LOWEST_HZ,
            _HIGHEST_OF_NYQUIST * sample_rate_hz / 2.0,
        ).astype(np.float32)

        # One initialiser a layer: layers of equal shape would else start with equal weights.
        initializers = [
            keras.initializers.GlorotUniform(seed=(CONVOLUTIONS + 1) * seed + layer)
            for layer in range(CONVOLUTIONS + 1)
        ]
        self.convolutions = [
            keras.layers.Conv2D(
                CHANNELS,
                5,
                padding="same",
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=f"convolution_{layer}",
            )
            for layer, initializer in enumerate(initializers[:-1])
        ]
        # One before each convolution, one before the dense layer.
        self.norms = [
            keras.layers.BatchNormalization(
                momentum=0.9, epsilon=_EPSILON, dtype=dtype, name=f"norm_{layer}"
            )
            for layer, dtype in enumerate(["float32", *[self.dtype_policy] * 3, "float32"])
        ]
        self.pool = keras.layers.MaxPooling2D(2, dtype=self.dtype_policy)
        self.flatten = keras.layers.Flatten(dtype="float32")
        # float32 under any policy: the loss and every score are taken from the logits.
        self.head = keras.layers.Dense(
            classes, kernel_initializer=initializers[-1], dtype="float32", name="logits"
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for audio of `input_shape`, [batch, samples]."""
        smallest = 2**CONVOLUTIONS
        shortest = (smallest - 1) * self.hop_samples + 1
        if len(input_shape) != 2 or not input_shape[1] or input_shape[1] < shortest:
            raise ValueError(
                f"audio must be [batch, samples] with at least {shortest} samples, which give "
                f"{smallest} frames; received shape {tuple(input_shape)}."
            )
        frames = -(-input_shape[1] // self.hop_samples)
        self.norms[0].build((None, frames, MEL_BINS))
        shape: tuple[int | None, ...] = (None, frames, MEL_BINS, 1)
        for convolution, norm in zip(self.convolutions, self.norms[1:], strict=True):
            convolution.build(shape)
            shape = self.pool.compute_output_shape(convolution.compute_output_shape(shape))
            if norm is self.norms[-1]:
                shape = self.flatten.compute_output_shape(shape)
            norm.build(shape)
        self.head.build(shape)
        self.built = True

    def log_mel(self, audio):
        """log(x + 1e-6) of mel-bin magnitudes of audio, float32 [batch, frames, 128]."""
        audio = ops.cast(audio, "float32")
        samples = audio.shape[1]
        frames = -(-samples // self.hop_samples)
        missing = (frames - 1) * self.hop_samples + self.window_samples - samples
        audio = ops.pad(audio, ((0, 0), (0, missing)))
        cut = ops.extract_sequences(audio, self.window_samples, self.hop_samples)
        real, imaginary = ops.rfft(cut * self._window, self.fft_size)
        magnitude = ops.sqrt(ops.square(real) + ops.square(imaginary))
        return ops.log(ops.matmul(magnitude, self._mel_matrix) + _OFFSET)

    def call(self, audio, training: bool = False, return_features: bool = False):
        """Gives logits, and with `return_features` the penultimate features after them."""
        x = self.norms[0](self.log_mel(audio), training=training)[..., None]
        for convolution, norm in zip(self.convolutions, self.norms[1:], strict=True):
            # ReLU after the pool: the same values as before it, in less time on a CPU.
            pooled = x = ops.relu(self.pool(convolution(x)))
            if norm is self.norms[-1]:
                x = self.flatten(x)
            x = norm(x, training=training)
        logits = self.head(x)
        if not return_features:
            return logits
        return logits, ops.mean(ops.cast(pooled, "float32"), axis=(1, 2))
