"""Magnitude <-> the log-magnitude in [-1, 1] that networks see (paper IV-B, METHOD section 5)."""

import dataclasses
import math

import tensorflow as tf

SCALINGS = ("dataset_peak", "clip_peak", "standardised")

_SMALLEST_MAGNITUDE = 1e-37  # what the logarithm takes for zero: just above float32's own


@dataclasses.dataclass(frozen=True)
class LogMagnitudeStatistics:
    """Of a training split's log-magnitudes without the Nyquist bin, in natural-log units (nepers).

    Attributes:
        maximum: the largest.
        mean: their mean.
        deviation: their standard deviation, positive.

    Raises:
        ValueError: a value is not finite, or the deviation is not positive.
    """

    maximum: float
    mean: float
    deviation: float

    def __post_init__(self):
        for name in ("maximum", "mean", "deviation"):
            value = getattr(self, name)
            if not math.isfinite(value):
                raise ValueError(f"{name} must be finite, not {value!r}")
        if self.deviation <= 0.0:
            raise ValueError(f"deviation must be positive, not {self.deviation!r}")
        if self.maximum < self.mean:
            raise ValueError(f"maximum must be at least the mean ({self.mean}), not {self.maximum}")


@dataclasses.dataclass(frozen=True)
class LogMagnitudeScaling:
    """Which log-magnitudes become -1 and 1.

    Attributes:
        mode: "dataset_peak" spans `dynamic_range_nepers` below the training split's maximum, so
            loudness survives. "clip_peak" spans it below each clip's own maximum (TiFGAN's code);
            loudness is lost. "standardised" is the paper's literal order: standardise by mean and
            deviation, then clip at -r, here `dynamic_range_nepers` in units of the deviation.
        dynamic_range_nepers: r, in natural-log units; positive. The paper takes 10 for speech, 15
            for NSynth.
        statistics: those of the training split. "clip_peak" needs the maximum for the way back.

    Raises:
        ValueError: a field is out of range.
    """

    mode: str = "dataset_peak"
    dynamic_range_nepers: float = 10.0
    _: dataclasses.KW_ONLY
    statistics: LogMagnitudeStatistics

    def __post_init__(self):
        if self.mode not in SCALINGS:
            raise ValueError(f"mode must be one of {', '.join(SCALINGS)}, not {self.mode!r}")
        if not 0.0 < self.dynamic_range_nepers <= 60.0:
            raise ValueError(
                "dynamic_range_nepers must be above 0 and at most 60, "
                f"not {self.dynamic_range_nepers!r}"
            )

    @property
    def limits_nepers(self) -> tuple[float, float]:
        """Log-magnitudes that -1 and 1 stand for on the way back from [-1, 1]."""
        statistics = self.statistics
        if self.mode == "standardised":
            floor = statistics.mean - self.dynamic_range_nepers * statistics.deviation
        else:
            floor = statistics.maximum - self.dynamic_range_nepers
        return max(floor, math.log(_SMALLEST_MAGNITUDE)), statistics.maximum


def to_unit(magnitude: tf.Tensor, scaling: LogMagnitudeScaling) -> tf.Tensor:
    """Clipped log-magnitudes, mapped affinely to [-1, 1].

    Args:
        magnitude: float32 [batch, bins, frames], not negative.
        scaling: what -1 and 1 stand for.

    Returns:
        float32 of the same shape, in [-1, 1]. A silent clip is -1 throughout.
    """
    magnitude = tf.convert_to_tensor(magnitude)
    log_magnitude = tf.math.log(tf.maximum(magnitude, _SMALLEST_MAGNITUDE))
    floor, ceiling = scaling.limits_nepers
    if scaling.mode == "clip_peak":
        # A peak no lower than r above the smallest log keeps silence at -1.
        peak = tf.reduce_max(log_magnitude, axis=(-2, -1), keepdims=True)
        lowest = math.log(_SMALLEST_MAGNITUDE) + scaling.dynamic_range_nepers
        log_magnitude += ceiling - tf.maximum(peak, lowest)
    return tf.clip_by_value((log_magnitude - floor) * (2.0 / (ceiling - floor)) - 1.0, -1.0, 1.0)


def to_magnitude(unit: tf.Tensor, scaling: LogMagnitudeScaling) -> tf.Tensor:
    """Magnitudes of log-magnitudes in [-1, 1]: the inverse of `to_unit` above the floor.

    What `to_unit` clipped comes back as the floor, not as zero. "clip_peak" has lost each clip's
    loudness: its inverse puts every clip's peak at the data set's maximum.

    Args:
        unit: float [batch, bins, frames] in [-1, 1]; half precision is widened.
        scaling: that of `to_unit`.

    Returns:
        float32 of the same shape, positive.
    """
    floor, ceiling = scaling.limits_nepers
    unit = tf.cast(unit, tf.float32)
    return tf.exp(floor + (unit + 1.0) * (0.5 * (ceiling - floor)))
