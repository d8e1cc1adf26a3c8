"""Maximum, mean, deviation and histogram of training log-magnitudes (METHOD section 5)."""

import dataclasses
import functools
import itertools
import math
from typing import Any

import numpy as np
import scipy.fft

from gaae_tf.ops.compiled import compiled
from gaae_tf.ops.log_magnitude import BIN_OFFSET, BinStatistics, LogMagnitudeStatistics
from gaae_tf.ops.settings import StftSettings, analysis_window

# Smaller magnitudes count as this one, else digital silence would have a logarithm of minus
# infinity. The rounding of 16-bit audio alone makes magnitudes of about 1e-4.
MAGNITUDE_FLOOR = 1e-6

# Nepers a bin of the histogram, and bins. They reach from the floor to +10.2 nepers; the window
# that brings a full-scale tone there is 50,000 samples long.
HISTOGRAM_STEP = 0.05
HISTOGRAM_BINS = 480

# Share of bins that a dynamic range may clip: see `suggested_dynamic_range`.
SUGGESTED_CLIPPED_SHARE = 0.2

_FLOOR_NEPERS = math.log(MAGNITUDE_FLOOR)
_UNIT = 2.0**-24  # of the sums: a clip's is off by 3e-8, its mean by a ten-thousandth of that


@dataclasses.dataclass(frozen=True)
class LogMagnitudeHistogram:
    """How many of the training split's spectrogram bins have which log-magnitude.

    Attributes:
        counts: bins of the spectrograms in each step of `HISTOGRAM_STEP` nepers, the first from
            the logarithm of `MAGNITUDE_FLOOR` on; the last also has all that are louder.
        silent: bins at the floor, digital silence as a rule; not in `counts`.

    Raises:
        ValueError: there are not `HISTOGRAM_BINS` counts, or one is negative.
    """

    counts: tuple[int, ...]
    silent: int

    def __post_init__(self):
        object.__setattr__(self, "counts", tuple(self.counts))  # JSON gives a list
        if len(self.counts) != HISTOGRAM_BINS or min(*self.counts, self.silent) < 0:
            raise ValueError(
                f"a histogram must have {HISTOGRAM_BINS} counts, none negative, "
                f"not {len(self.counts)} from {min(*self.counts, self.silent)} on"
            )

    @property
    def edges_nepers(self) -> np.ndarray:
        """Log-magnitudes between which the counts lie, float64 [HISTOGRAM_BINS + 1]."""
        return _FLOOR_NEPERS + HISTOGRAM_STEP * np.arange(HISTOGRAM_BINS + 1)

    @property
    def silent_share(self) -> float:
        """Share of all bins that are at the floor."""
        return self.silent / max(self.silent + sum(self.counts), 1)


class LogMagnitudeAccumulator:
    """Adds up log-magnitudes of clips; memory does not grow with their number.

    Sums are whole numbers, so any order and any grouping of the clips gives the same result to the
    bit: one accumulator, or one a clip in several threads and one a shard, merged in the end.

    Args:
        settings: the STFT; its Nyquist bin is left out, as networks never see it.
    """

    def __init__(self, settings: StftSettings):
        self._settings = settings
        self.maximum = -math.inf
        self.total = 0  # of log-magnitudes, in _UNIT
        self.total_squares = 0
        self.silent = 0
        self.counts = np.zeros(HISTOGRAM_BINS, np.int64)

    def add(self, audio: np.ndarray) -> None:
        """Adds clips, int16 [n, samples]; releases Python's global lock most of the time.

        Raises:
            ValueError: the length is no multiple of the hop.
        """
        for clip in audio:
            spectrum = _spectrum(clip, self._settings)
            power = np.empty([len(spectrum), self._settings.bins], np.float32)
            silent = _floored_power(spectrum, np.float32(MAGNITUDE_FLOOR**2), power)
            maximum, total, total_squares = _add_up(
                np.log(power, out=power), _FLOOR_NEPERS, 1.0 / HISTOGRAM_STEP, self.counts
            )
            self.counts[0] -= silent
            self.silent += silent
            self.maximum = max(self.maximum, maximum)
            self.total += round(total / _UNIT)
            self.total_squares += round(total_squares / _UNIT)

    def merge(self, other: "LogMagnitudeAccumulator") -> None:
        """Adds what another accumulator of the same STFT has seen."""
        self.maximum = max(self.maximum, other.maximum)
        self.total += other.total
        self.total_squares += other.total_squares
        self.silent += other.silent
        self.counts += other.counts

    def state(self) -> dict[str, Any]:
        """All that was added, for JSON; `from_state` gives it back to the bit."""
        return {
            "maximum": self.maximum if self.count else None,
            "total": self.total,
            "total_squares": self.total_squares,
            "silent": self.silent,
            "counts": self.counts.tolist(),
        }

    @classmethod
    def from_state(cls, settings: StftSettings, state: dict[str, Any]) -> "LogMagnitudeAccumulator":
        """The accumulator that `state` came from.

        Raises:
            KeyError: a value is missing.
            ValueError: the counts are not `HISTOGRAM_BINS` whole numbers.
        """
        accumulator = cls(settings)
        accumulator.maximum = -math.inf if state["maximum"] is None else state["maximum"]
        accumulator.total = state["total"]
        accumulator.total_squares = state["total_squares"]
        accumulator.silent = state["silent"]
        accumulator.counts = np.array(state["counts"], np.int64)
        if accumulator.counts.shape != (HISTOGRAM_BINS,):
            raise ValueError(f"counts must be {HISTOGRAM_BINS}, not {len(state['counts'])}")
        return accumulator

    @property
    def count(self) -> int:
        """Bins of all spectrograms that were added."""
        return self.silent + int(self.counts.sum())

    def result(self) -> LogMagnitudeStatistics:
        """Statistics of all that was added, rounded to 1e-6 so that no machine's last bit shows.

        Raises:
            ValueError: nothing was added.
        """
        if not self.count:
            raise ValueError("log-magnitude statistics need at least one clip")
        mean = self.total * _UNIT / self.count
        variance = max(self.total_squares * _UNIT / self.count - mean**2, 0.0)
        return LogMagnitudeStatistics(
            maximum=round(self.maximum, 6),
            mean=round(mean, 6),
            deviation=round(math.sqrt(variance), 6),
        )

    def histogram(self) -> LogMagnitudeHistogram:
        """Histogram of all that was added."""
        return LogMagnitudeHistogram(tuple(self.counts.tolist()), self.silent)


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


def bin_statistics(audio: np.ndarray, settings: StftSettings) -> BinStatistics:
    """Mean and deviation of log(magnitude + 1e-6) in each bin, over all clips and frames.

    Args:
        audio: int16 [n, samples], n at least 1, samples a multiple of the hop.
        settings: the STFT; its Nyquist bin is left out.

    Raises:
        ValueError: no clips, a length that is no multiple of the hop, or a bin that never changes.
    """
    if not len(audio):
        raise ValueError("statistics of bins need at least one clip")
    count, total, total_squares = 0, np.zeros(settings.bins), np.zeros(settings.bins)
    for clip in audio:
        magnitude = np.abs(_spectrum(clip, settings)[:, : settings.bins]).astype(np.float64)
        log_magnitude = np.log(magnitude + BIN_OFFSET)
        count += len(log_magnitude)
        total += log_magnitude.sum(axis=0)
        total_squares += np.square(log_magnitude).sum(axis=0)
    means = total / count
    deviations = np.sqrt(np.maximum(total_squares / count - means**2, 0.0))
    return BinStatistics(  # rounded as `LogMagnitudeAccumulator.result` is
        means=tuple(means.round(6).tolist()), deviations=tuple(deviations.round(6).tolist())
    )


def clipped_share(
    histogram: LogMagnitudeHistogram, maximum: float, dynamic_range_nepers: float
) -> float:
    """Share of bins, digital silence aside, that a dynamic range below the maximum would clip.

    Args:
        histogram: of the training split; within a step its bins count as evenly spread.
        maximum: the training split's largest log-magnitude.
        dynamic_range_nepers: r, in natural-log units.

    Returns:
        From 0 to 1; 0 where all is digital silence.
    """
    below = np.concatenate([[0], np.cumsum(histogram.counts)])
    clipped = np.interp(maximum - dynamic_range_nepers, histogram.edges_nepers, below)
    return float(clipped / max(below[-1], 1))


def suggested_dynamic_range(histogram: LogMagnitudeHistogram, maximum: float) -> int:
    """The smallest dynamic range, in whole nepers, that clips at most a fifth of the bins.

    The quietest fifth of recorded speech and music is the noise of room and recorder, 90 dB and
    more below the loudest bin. A range that reaches down into it has networks learn that noise, a
    smaller one cuts the tails of sounds. On extracts of the paper's data sets, with its transform,
    this gives 12 for S09, 11 for LibriSpeech and 11 for NSynth's acoustic guitars, strings and
    mallets. The paper takes 10 for speech, which clips 44 % of S09 and 30 % of LibriSpeech, and 15
    for NSynth, which clips 0.02 %: no one share gives both.

    Args:
        histogram: of the training split.
        maximum: the training split's largest log-magnitude.

    Returns:
        r in natural-log units, at least 1.
    """
    return next(
        nepers
        for nepers in itertools.count(1)
        if clipped_share(histogram, maximum, nepers) <= SUGGESTED_CLIPPED_SHARE
    )


@functools.cache  # prepare makes an accumulator a clip
def _window(settings: StftSettings) -> np.ndarray:
    """The analysis window for 16-bit samples, float32 [window_samples]."""
    return analysis_window(settings).astype(np.float32) / np.float32(32768.0)


def _spectrum(clip: np.ndarray, settings: StftSettings) -> np.ndarray:
    """The frames of `ops.stft.stft`, complex64 [frames, bins + 1], without TensorFlow's threads."""
    frames = np.empty([settings.frames(len(clip)), settings.window_samples], np.float32)
    _cut_frames(np.ascontiguousarray(clip), _window(settings), settings.hop_samples, frames)
    return scipy.fft.rfft(frames, settings.fft_size, overwrite_x=True)


@compiled
def _cut_frames(clip, window, hop, frames):
    """Fill frames [frames, window_samples]: windowed, around multiples of the hop, wrapping."""
    wrapped = np.empty((frames.shape[0] - 1) * hop + window.size, np.float32)
    place, filled = -(window.size // 2) % clip.size, 0
    while filled < wrapped.size:
        stretch = min(clip.size - place, wrapped.size - filled)
        wrapped[filled : filled + stretch] = clip[place : place + stretch]
        place, filled = 0, filled + stretch
    for n in range(frames.shape[0]):
        frame, out = wrapped[n * hop : n * hop + window.size], frames[n]  # three times as fast
        for i in range(window.size):
            out[i] = frame[i] * window[i]


@compiled
def _floored_power(spectrum, floor, power):
    """Fill power [frames, bins] with |spectrum|², at least `floor`; returns how many are there."""
    floored = 0
    for n in range(power.shape[0]):
        for m in range(power.shape[1]):
            value = spectrum[n, m].real ** 2 + spectrum[n, m].imag ** 2
            floored += value <= floor
            power[n, m] = max(value, floor)
    return floored


@compiled
def _add_up(log_power, floor, steps, counts):
    """Maximum, sum and sum of squares of half of `log_power`; adds to the histogram `counts`."""
    maximum, total, total_squares = -np.inf, 0.0, 0.0
    last = counts.size - 1
    for value in log_power.flat:
        log_magnitude = 0.5 * value
        maximum = max(maximum, log_magnitude)
        total += log_magnitude
        total_squares += log_magnitude * log_magnitude
        counts[max(0, min(int((log_magnitude - floor) * steps), last))] += 1
    return maximum, total, total_squares
