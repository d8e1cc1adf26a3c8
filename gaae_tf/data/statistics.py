"""Maximum, mean and deviation of training log-magnitudes (METHOD section 5), batch by batch."""

import functools
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from gaae_tf.data.audio import from_int16
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.ops.stft import StftSettings, stft

# Smaller magnitudes count as this one, else digital silence would have a logarithm of minus
# infinity. The rounding of 16-bit audio alone makes magnitudes of about 1e-4.
MAGNITUDE_FLOOR = 1e-6

_BATCH = 32  # clips taken together


class LogMagnitudeAccumulator:
    """Adds up log-magnitudes of clips in float64; memory does not grow with their number.

    Args:
        settings: the STFT; its Nyquist bin is left out, as networks never see it.
    """

    def __init__(self, settings: StftSettings):
        self._log_magnitude = _log_magnitude_function(settings)
        self.maximum = -math.inf
        self.count = 0
        self.total = 0.0
        self.total_squares = 0.0

    def add(self, audio: np.ndarray) -> None:
        """Adds clips, int16 [n, samples]."""
        for start in range(0, len(audio), _BATCH):
            batch = tf.constant(from_int16(audio[start : start + _BATCH]))
            log_magnitude = self._log_magnitude(batch).numpy()
            self.maximum = max(self.maximum, float(log_magnitude.max()))
            self.count += log_magnitude.size
            self.total += float(log_magnitude.sum(dtype=np.float64))
            self.total_squares += float(np.square(log_magnitude, dtype=np.float64).sum())

    def result(self) -> LogMagnitudeStatistics:
        """Statistics of all that was added, rounded to 1e-6 so that no machine's last bit shows.

        Raises:
            ValueError: nothing was added.
        """
        if not self.count:
            raise ValueError("log-magnitude statistics need at least one clip")
        mean = self.total / self.count
        variance = max(self.total_squares / self.count - mean**2, 0.0)
        return LogMagnitudeStatistics(
            maximum=round(self.maximum, 6),
            mean=round(mean, 6),
            deviation=round(math.sqrt(variance), 6),
        )


def log_magnitude_statistics(audio: np.ndarray, settings: StftSettings) -> LogMagnitudeStatistics:
    """Statistics of the log-magnitudes of clips.

    Args:
        audio: int16 [n, samples], n at least 1, samples a multiple of the hop.
        settings: the STFT; its Nyquist bin is left out.

    Raises:
        ValueError: no clips, or a length that is no multiple of the hop.
    """
    accumulator = LogMagnitudeAccumulator(settings)
    accumulator.add(audio)
    return accumulator.result()


@functools.cache  # of a graph, twice as fast as eager and slow to build
def _log_magnitude_function(settings: StftSettings) -> Callable[[tf.Tensor], tf.Tensor]:
    @tf.function(reduce_retracing=True)
    def log_magnitude(audio: tf.Tensor) -> tf.Tensor:
        spectrum = stft(audio, settings)[:, : settings.bins, :]
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        return 0.5 * tf.math.log(tf.maximum(power, MAGNITUDE_FLOOR**2))

    return log_magnitude
