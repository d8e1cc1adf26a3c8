"""Magnitude <-> the log-magnitude in [-1, 1] that networks see (paper IV-B, METHOD section 5)."""

import dataclasses
import math

import tensorflow as tf

from gaae_tf.ops.settings import SCALINGS

BIN_OFFSET = 1e-6  # added to magnitudes before the logarithm of "per_bin"

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
class BinStatistics:
    """Of a training split's log(magnitude + 1e-6) in each frequency bin, in nepers.

    Attributes:
        means: one a bin, without the Nyquist bin.
        deviations: standard deviations, one a bin, positive.

    Raises:
        ValueError: a value is not finite, a deviation is not positive, or the lengths differ.
    """

    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def __post_init__(self):
        for name in ("means", "deviations"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON gives a list
        if not self.means or len(self.means) != len(self.deviations):
            raise ValueError(
                f"means and deviations must have one value a bin, not {len(self.means)} and "
                f"{len(self.deviations)}"
            )
        if not all(map(math.isfinite, self.means)):
            raise ValueError("means must be finite")
        if not all(0.0 < deviation < math.inf for deviation in self.deviations):
            raise ValueError(f"deviations must be positive, not {min(self.deviations)!r}")


@dataclasses.dataclass(frozen=True)
class LogMagnitudeScaling:
    """Which log-magnitudes become -1 and 1.

    Attributes:
        mode: "dataset_peak" spans `dynamic_range_nepers` below the training split's maximum, so
            loudness survives. "clip_peak" spans it below each clip's own maximum (TiFGAN's code);
            loudness is lost. "standardised" is the paper's literal order: standardise by mean and
            deviation, then clip at -r, here `dynamic_range_nepers` in units of the deviation.
            "per_bin" is SpecGAN's: log(magnitude + 1e-6), standardised by each bin's own mean and
            deviation and clipped at `dynamic_range_nepers` deviations (SpecGAN: 3) either way.
        dynamic_range_nepers: r, in natural-log units; positive. The paper takes 10 for speech, 15
            for NSynth.
        statistics: those of the training split. "clip_peak" needs the maximum for the way back.
        bins: those of each bin, which "per_bin" needs.

    Raises:
        ValueError: a field is out of range.
    """

    mode: str = "dataset_peak"
    dynamic_range_nepers: float = 10.0
    _: dataclasses.KW_ONLY
    statistics: LogMagnitudeStatistics
    bins: BinStatistics | None = None

    def __post_init__(self):
        if self.mode not in SCALINGS:
            raise ValueError(f"mode must be one of {', '.join(SCALINGS)}, not {self.mode!r}")
        if not 0.0 < self.dynamic_range_nepers <= 60.0:
            raise ValueError(
                "dynamic_range_nepers must be above 0 and at most 60, "
                f"not {self.dynamic_range_nepers!r}"
            )
        if self.mode == "per_bin" and self.bins is None:
            raise ValueError("mode per_bin needs the statistics of each bin, bins")

    @property
    def limits_nepers(self) -> tuple[float, float]:
        """Log-magnitudes that -1 and 1 stand for on the way back from [-1, 1].

        Those of "per_bin" differ from bin to bin; these are then the lowest and the highest.
        """
        statistics = self.statistics
        if self.mode == "per_bin":
            r, pairs = self.dynamic_range_nepers, zip(*dataclasses.astuple(self.bins), strict=True)
            edges = [(mean - r * deviation, mean + r * deviation) for mean, deviation in pairs]
            return min(low for low, _ in edges), max(high for _, high in edges)
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
        float32 of the same shape, in [-1, 1]. A silent clip is -1 throughout, but for
        "per_bin", where that depends on the bin.
    """
    magnitude = tf.convert_to_tensor(magnitude)
    if scaling.mode == "per_bin":
        means, deviations = _bins(scaling)
        standard = (tf.math.log(magnitude + BIN_OFFSET) - means) / deviations
        r = scaling.dynamic_range_nepers
        return tf.clip_by_value(standard / r, -1.0, 1.0)
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
        unit: float [batch, bins, frames] in [-1, 1]; half precision is widened. A Nyquist bin may
            follow the others; "per_bin" gives it its neighbour's statistics.
        scaling: that of `to_unit`.

    Returns:
        float32 of the same shape, positive.
    """
    unit = tf.cast(unit, tf.float32)
    if scaling.mode == "per_bin":
        means, deviations = _bins(scaling, unit.shape[-2])
        log_magnitude = means + scaling.dynamic_range_nepers * deviations * unit
        return tf.maximum(tf.exp(log_magnitude) - BIN_OFFSET, _SMALLEST_MAGNITUDE)
    floor, ceiling = scaling.limits_nepers
    return tf.exp(floor + (unit + 1.0) * (0.5 * (ceiling - floor)))


def _bins(scaling: LogMagnitudeScaling, count: int | None = None) -> tuple[tf.Tensor, tf.Tensor]:
    """Means and deviations of `count` bins, float32 [count, 1]; the last one's stand in beyond."""
    means, deviations = dataclasses.astuple(scaling.bins)
    missing = (count or len(means)) - len(means)
    return tuple(
        tf.constant([*values, *values[-1:] * missing], tf.float32)[:, tf.newaxis]
        for values in (means, deviations)
    )
