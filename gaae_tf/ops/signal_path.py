"""Audio to the spectrogram that networks see, and that spectrogram back to STFT magnitudes."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from gaae_tf.ops.log_magnitude import LogMagnitudeScaling, to_magnitude, to_unit
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.stft import stft

_SHOWN_NEPERS = 10.0  # below the maximum, in pictures of spectrograms that are scaled bin by bin


@dataclasses.dataclass(frozen=True)
class SignalPath:
    """STFT and scaling together; plain TensorFlow, for `tf.data`, training and SavedModels alike.

    Attributes:
        stft: window, hop and transform length.
        scaling: what -1 and 1 stand for.
    """

    stft: StftSettings
    scaling: LogMagnitudeScaling

    def spectrogram(self, audio: tf.Tensor) -> tf.Tensor:
        """Scaled log-magnitudes of clips, without the Nyquist bin.

        Args:
            audio: float32 [batch, samples] in [-1, 1], samples a multiple of the hop.

        Returns:
            float32 [batch, bins, frames, 1] in [-1, 1], bins = fft_size / 2.
        """
        magnitude = tf.abs(stft(audio, self.stft))[:, : self.stft.bins, :]
        return to_unit(magnitude, self.scaling)[..., tf.newaxis]

    def magnitude(self, spectrogram: tf.Tensor) -> tf.Tensor:
        """STFT magnitudes of a spectrogram, the Nyquist bin put back at the scaling's floor.

        Args:
            spectrogram: float [batch, bins, frames, 1] in [-1, 1].

        Returns:
            float32 [batch, fft_size // 2 + 1, frames], positive.
        """
        unit = tf.cast(spectrogram, tf.float32)[..., 0]
        return to_magnitude(
            tf.pad(unit, [[0, 0], [0, 1], [0, 0]], constant_values=-1.0), self.scaling
        )

    @property
    def shown(self) -> SignalPath:
        """The path of spectrograms for pictures, whose -1 to 1 is one range of levels in all bins.

        This one, but for the scaling "per_bin".
        """
        if self.scaling.mode != "per_bin":
            return self
        scaling = LogMagnitudeScaling(
            mode="dataset_peak",
            dynamic_range_nepers=_SHOWN_NEPERS,
            statistics=self.scaling.statistics,
        )
        return dataclasses.replace(self, scaling=scaling)

    def to_shown(self, spectrograms: np.ndarray) -> np.ndarray:
        """Spectrograms of this path, float [..., bins, frames], in the scale of `shown`."""
        if self.shown is self:
            return spectrograms
        return to_unit(to_magnitude(spectrograms, self.scaling), self.shown.scaling).numpy()
