"""Log-magnitudes added up clip by clip, against the transform that networks see."""

import dataclasses
import json
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gaae_tf.data.audio import from_int16
from gaae_tf.data.statistics import (
    HISTOGRAM_BINS,
    HISTOGRAM_STEP,
    MAGNITUDE_FLOOR,
    LogMagnitudeAccumulator,
    LogMagnitudeHistogram,
    bin_statistics,
    clipped_share,
    log_magnitude_statistics,
    suggested_dynamic_range,
)
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.stft import stft

SETTINGS = StftSettings(window="hann", window_samples=256, hop_samples=64, fft_size=256)


def clips_of_noise(clips, samples=2_048):
    """Louder from clip to clip, and each fading out."""
    generator = np.random.default_rng(0)
    noise = generator.standard_normal([clips, samples]) * np.geomspace(1.0, 0.05, samples)
    return np.rint(noise * np.linspace(100, 9000, clips)[:, np.newaxis]).astype(np.int16)


def accumulated(audio, settings=SETTINGS):
    accumulator = LogMagnitudeAccumulator(settings)
    accumulator.add(audio)
    return accumulator


def log_magnitudes(audio, settings):
    """By `ops.stft`, in float64."""
    spectrum = stft(from_int16(audio).astype(np.float64), settings).numpy()
    return np.log(np.maximum(np.abs(spectrum[:, : settings.bins]), MAGNITUDE_FLOOR))


@pytest.mark.parametrize(
    ("settings", "samples"),
    [
        (StftSettings(), 16_384),
        (SETTINGS, 2_048),
        (StftSettings("hamming", 200, 50, 256), 2_000),  # zero-padded frames
        (StftSettings("gauss", 256, 64, 512), 128),  # windows longer than the clip
        (StftSettings("hamming", 64, 48, 64), 480),  # hops longer than half a window
    ],
)
def test_statistics_and_histogram_are_those_of_the_networks_transform(settings, samples):
    audio = clips_of_noise(3, samples)
    expected = log_magnitudes(audio, settings)
    accumulator = accumulated(audio, settings)
    result = accumulator.result()
    assert result.maximum == pytest.approx(expected.max(), abs=1e-5)
    assert result.mean == pytest.approx(expected.mean(), abs=1e-5)
    assert result.deviation == pytest.approx(expected.std(), abs=1e-5)
    histogram = accumulator.histogram()
    counts, _ = np.histogram(expected, histogram.edges_nepers)
    assert sum(histogram.counts) == expected.size
    # float32 puts a few on the other side of an edge.
    assert np.abs(np.cumsum(counts) - np.cumsum(histogram.counts)).max() <= 1e-4 * expected.size + 1


def test_statistics_of_bins_are_those_of_each_bins_frames():
    audio = clips_of_noise(3)
    spectrum = stft(from_int16(audio).astype(np.float64), SETTINGS).numpy()
    logs = np.log(np.abs(spectrum[:, : SETTINGS.bins]) + 1e-6)
    bins = bin_statistics(audio, SETTINGS)
    np.testing.assert_allclose(bins.means, logs.mean(axis=(0, 2)), atol=2e-5)
    np.testing.assert_allclose(bins.deviations, logs.std(axis=(0, 2)), atol=2e-5)
    with pytest.raises(ValueError, match="at least one clip"):
        bin_statistics(audio[:0], SETTINGS)


def test_any_order_and_grouping_give_the_same_to_the_bit():
    audio = clips_of_noise(7)
    whole = accumulated(audio)
    grouped = LogMagnitudeAccumulator(SETTINGS)
    for part in (audio[5:], audio[:1], audio[1:5]):
        grouped.merge(accumulated(part))
    assert grouped.state() == whole.state()
    assert grouped.result() == whole.result()


def test_threads_give_the_same_to_the_bit():
    audio = clips_of_noise(40)
    threaded = LogMagnitudeAccumulator(SETTINGS)
    with ThreadPoolExecutor(4) as pool:
        for part in pool.map(accumulated, audio[:, np.newaxis]):
            threaded.merge(part)
    assert threaded.state() == accumulated(audio).state()


@pytest.mark.parametrize("clips", [0, 3])
def test_a_state_written_as_json_goes_on_as_if_nothing_had_happened(clips):
    audio = clips_of_noise(6)
    text = json.dumps(accumulated(audio[:clips]).state(), allow_nan=False)
    continued = LogMagnitudeAccumulator.from_state(SETTINGS, json.loads(text))
    continued.add(audio[clips:])
    assert continued.state() == accumulated(audio).state()


def test_a_state_of_another_histogram_is_refused():
    state = accumulated(clips_of_noise(1)).state()
    with pytest.raises(ValueError, match=f"counts must be {HISTOGRAM_BINS}, not 7"):
        LogMagnitudeAccumulator.from_state(SETTINGS, state | {"counts": [0] * 7})


def test_digital_silence_is_counted_apart():
    audio = np.zeros([2, 2_048], np.int16)
    audio[1, 1_024] = 1000  # in 4 frames of 32, in all of their bins
    accumulator = accumulated(audio)
    histogram = accumulator.histogram()
    # A Hann window is zero at its first sample, so it hides the click from one of the four.
    assert sum(histogram.counts) == 3 * 128
    assert histogram.silent == (64 - 3) * 128
    assert histogram.silent_share == pytest.approx(61 / 64)
    silent_mean = math.log(MAGNITUDE_FLOOR) * 61 / 64
    assert accumulator.result().mean < silent_mean + 0.3  # silence counts in the mean


def test_what_is_louder_than_the_histogram_is_in_its_last_step():
    accumulator = LogMagnitudeAccumulator(StftSettings("hann", 131_072, 65_536, 131_072))
    accumulator.add(np.full([1, 131_072], 32_767, np.int16))
    assert accumulator.result().maximum == pytest.approx(math.log(65_536), abs=1e-3)
    assert accumulator.histogram().counts[-1] == 4  # two bins of both frames


def test_another_length_is_an_error():
    with pytest.raises(ValueError, match=r"multiple of hop_samples \(64\), not 100"):
        log_magnitude_statistics(np.zeros([1, 100], np.int16), SETTINGS)


def histogram_of(**counts_at):
    """Bins at steps "s20" and so on."""
    counts = [0] * HISTOGRAM_BINS
    for name, number in counts_at.items():
        counts[int(name[1:])] = number
    return LogMagnitudeHistogram(tuple(counts), silent=1000)


def test_clipped_share_counts_what_lies_below_the_range_but_no_silence():
    histogram = histogram_of(s40=10, s100=20, s200=70)
    edges = histogram.edges_nepers
    assert edges[0] == math.log(MAGNITUDE_FLOOR)
    assert edges[40] == pytest.approx(edges[0] + 40 * HISTOGRAM_STEP)
    maximum = float(edges[201])

    def share(step):
        return clipped_share(histogram, maximum, maximum - edges[step])

    assert [share(step) for step in (0, 40, 41, 100, 101, 200, 201)] == pytest.approx(
        [0.0, 0.0, 0.1, 0.1, 0.3, 0.3, 1.0]
    )
    assert clipped_share(histogram, maximum, 100.0) == 0.0


def test_within_a_step_bins_are_evenly_spread():
    histogram = histogram_of(s100=100)
    maximum = float(histogram.edges_nepers[101])
    assert clipped_share(histogram, maximum, 0.75 * HISTOGRAM_STEP) == pytest.approx(0.25)


def test_nothing_but_silence_clips_nothing():
    histogram = histogram_of()
    assert clipped_share(histogram, 0.0, 5.0) == 0.0
    assert suggested_dynamic_range(histogram, 0.0) == 1


def test_suggested_range_is_the_smallest_that_clips_a_fifth_at_most():
    for quiet, expected in ((19, 6), (21, 11)):
        histogram = histogram_of(s101=quiet, s201=100 - quiet, s320=0)
        maximum = float(histogram.edges_nepers[320])
        # 320 - 201 steps are 5.95 nepers, 320 - 101 are 10.95.
        assert suggested_dynamic_range(histogram, maximum) == expected


def test_a_histogram_comes_back_from_json():
    histogram = accumulated(clips_of_noise(2)).histogram()
    text = json.dumps(dataclasses.asdict(histogram))
    assert LogMagnitudeHistogram(**json.loads(text)) == histogram


def test_a_histogram_has_all_its_counts():
    with pytest.raises(ValueError, match=f"{HISTOGRAM_BINS} counts.*not 2 from 1 on"):
        LogMagnitudeHistogram((1, 2), silent=3)
