import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.ops.log_magnitude import BinStatistics, LogMagnitudeScaling, LogMagnitudeStatistics
from gaae_tf.ops.settings import SCALINGS, StftSettings
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.ops.stft import stft

STATISTICS = LogMagnitudeStatistics(maximum=5.0, mean=-3.0, deviation=2.5)
BINS = BinStatistics(means=tuple(np.linspace(0.0, -4.0, 256)), deviations=(1.5,) * 256)


def path(mode="dataset_peak"):
    scaling = LogMagnitudeScaling(mode, statistics=STATISTICS, bins=BINS)
    return SignalPath(StftSettings(), scaling)


def noise(*shape):
    return 0.2 * np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("mode", SCALINGS)
def test_the_papers_clip_becomes_its_256_by_128_image(mode):
    spectrogram = path(mode).spectrogram(noise(2, 16384))
    assert spectrogram.shape == (2, 256, 128, 1)
    assert spectrogram.dtype == tf.float32
    assert np.max(np.abs(spectrogram)) <= 1.0


def test_a_sinusoid_shows_at_its_bin_with_its_level():
    # Amplitude a at bin 32 of a Hamming window: magnitude a/2 · 512 · 0.54.
    audio = 0.5 * np.cos(2 * np.pi * 32 * np.arange(4096) / 512)[None].astype(np.float32)
    spectrogram = path().spectrogram(audio)[0, :, :, 0].numpy()
    assert np.all(spectrogram.argmax(axis=0) == 32)
    level = np.log(0.25 * 512 * 0.54)
    np.testing.assert_allclose(spectrogram[32], (level - 5.0) / 5.0 + 1.0, atol=1e-5)


def test_magnitude_returns_the_stfts_with_the_nyquist_bin_at_the_floor():
    audio = noise(2, 2048)
    magnitude = path().magnitude(path().spectrogram(audio)).numpy()
    expected = np.maximum(np.abs(stft(audio, StftSettings())), np.exp(-5.0))
    np.testing.assert_allclose(magnitude[:, :256], expected[:, :256], rtol=1e-4)
    np.testing.assert_allclose(magnitude[:, 256], np.exp(-5.0), rtol=1e-5)


def test_per_bin_magnitudes_come_back_and_the_nyquist_bin_is_its_neighbours_floor():
    audio = noise(2, 2048)
    magnitude = path("per_bin").magnitude(path("per_bin").spectrogram(audio)).numpy()
    np.testing.assert_allclose(
        magnitude[:, :256], np.abs(stft(audio, StftSettings()))[:, :256], rtol=1e-3
    )
    np.testing.assert_allclose(magnitude[:, 256], np.exp(-4.0 - 10.0 * 1.5), rtol=1e-2, atol=1e-6)


def test_magnitude_takes_half_precision():
    spectrogram = tf.zeros((1, 256, 4, 1), tf.bfloat16)
    magnitude = path().magnitude(spectrogram)
    assert magnitude.dtype == tf.float32
    np.testing.assert_allclose(magnitude[0, :256], 1.0, rtol=1e-5)  # the middle of [-5, 5]


def test_same_inside_tf_data_as_eagerly():
    audio = noise(4, 1024)
    dataset = tf.data.Dataset.from_tensor_slices(audio).batch(2).map(path().spectrogram)
    np.testing.assert_allclose(np.concatenate(list(dataset)), path().spectrogram(audio), atol=1e-6)


def test_pictures_have_one_range_of_levels_in_all_bins_whatever_the_scaling():
    audio = noise(2, 2048)
    assert path().shown == path()
    np.testing.assert_array_equal(path().to_shown(np.eye(3)), np.eye(3))
    bins = path("per_bin")
    ceiling = bins.scaling.statistics.maximum
    magnitude = np.abs(stft(audio, StftSettings()))[:, :256]
    expected = np.clip(2.0 * (np.log(magnitude) - ceiling) / 10.0 + 1.0, -1.0, 1.0)
    shown = bins.shown.spectrogram(audio).numpy()[..., 0]
    np.testing.assert_allclose(shown, expected, atol=1e-4)
    spectrogram = bins.spectrogram(audio).numpy()[..., 0]
    np.testing.assert_allclose(bins.to_shown(spectrogram), expected, atol=1e-3)
    rows = np.reshape(spectrogram, (1, 2, *spectrogram.shape[1:]))
    np.testing.assert_allclose(bins.to_shown(rows)[0], expected, atol=1e-3)
    assert np.isnan(bins.to_shown(np.full((256, 4), np.nan, np.float32))).all()
