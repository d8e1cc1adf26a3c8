import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from gaae_tf.ops import synthesis
from gaae_tf.ops.griffin_lim import spectral_convergence_db
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling, LogMagnitudeStatistics
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.ops.stft import stft

SETTINGS = StftSettings(window_samples=64, hop_samples=16, fft_size=64)
PATH = SignalPath(
    SETTINGS,
    LogMagnitudeScaling(
        dynamic_range_nepers=12.0,
        statistics=LogMagnitudeStatistics(maximum=3.0, mean=-3.0, deviation=2.0),
    ),
)


def chirps(clips, samples=1024):
    """Gliding tones from 1/16 to 3/16 of the rate and back; loudness differs."""
    time = np.arange(samples)
    glide = np.cos(2.0 * np.pi * time / samples)
    phase = 2.0 * np.pi * np.cumsum(0.125 - 0.0625 * glide)
    loudness = np.linspace(0.2, 0.8, clips)[:, np.newaxis]
    return (loudness * np.cos(phase + np.arange(clips)[:, np.newaxis])).astype(np.float32)


@pytest.mark.parametrize(
    ("vocoder", "refine", "below_db"),
    [("pghi", None, -15.0), ("pghi_fgla", None, -20.0), ("griffin_lim", 60, -8.0)],
)
def test_sound_of_a_spectrogram_has_its_magnitudes(vocoder, refine, below_db):
    audio = chirps(3)
    sound = synthesis.to_audio(PATH.spectrogram(audio), PATH, vocoder, refine)
    magnitude = tf.abs(stft(audio, SETTINGS)).numpy()
    assert sound.shape == audio.shape
    assert sound.dtype == np.float32
    assert spectral_convergence_db(sound, magnitude, SETTINGS).max() < below_db


@pytest.mark.parametrize("vocoder", synthesis.VOCODERS)
def test_a_clips_sound_does_not_depend_on_its_neighbours(vocoder):
    spectrograms = PATH.spectrogram(chirps(19)).numpy()  # more than are worked on at once
    together = synthesis.to_audio(spectrograms, PATH, vocoder, 4, seed=5)
    alone = synthesis.to_audio(spectrograms[17:18], PATH, vocoder, 4, seed=5)
    np.testing.assert_array_equal(together[17:18], alone)


def test_the_seed_decides_the_random_phase():
    spectrograms = PATH.spectrogram(chirps(1))
    first, again, other = (
        synthesis.to_audio(spectrograms, PATH, "griffin_lim", 2, seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_graph_and_eager_vocoder_agree_where_both_start_from_random_phase():
    spectrograms = PATH.spectrogram(chirps(2))
    in_graph = tf.function(
        lambda x, seed: synthesis.graph_to_audio(x, PATH, refine=0, seed=seed), autograph=False
    )(spectrograms, tf.constant(4, tf.int64))
    eager = synthesis.to_audio(spectrograms, PATH, "griffin_lim", refine=0, seed=4)
    np.testing.assert_allclose(in_graph, eager, atol=1e-5)


def test_style_codes_are_standard_normal_and_functions_of_seed_and_index():
    draw = tf.function(synthesis.style_codes, autograph=False)
    codes = draw(7, tf.range(400), 16).numpy()
    assert scipy.stats.kstest(codes.ravel(), "norm").pvalue > 0.01
    # The mean of 6,384 products of independent normals has a deviation of 1/80.
    assert abs(np.mean(codes[1:] * codes[:-1])) < 4.0 / 80.0
    np.testing.assert_array_equal(draw(7, tf.constant([399, 3]), 16), codes[[399, 3]])
    assert not np.any(draw(8, tf.range(400), 16).numpy() == codes)


@pytest.mark.parametrize(
    ("prior", "distribution"),
    [
        ("uniform", scipy.stats.uniform(-1, 2)),
        ("truncated_normal", scipy.stats.truncnorm(-2.5, 2.5)),
    ],
)
def test_other_priors_have_their_distributions(prior, distribution):
    codes = synthesis.style_codes(7, tf.range(400), 16, prior).numpy()
    assert scipy.stats.kstest(codes.ravel(), distribution.cdf).pvalue > 0.01
    low, high = distribution.support()
    assert low <= codes.min() <= low + 0.2
    assert high - 0.2 <= codes.max() <= high


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocoder": "wavenet"}, "pghi, pghi_fgla, griffin_lim, got 'wavenet'"),
        ({"refine": -1}, "refine must be 0 or more, got -1"),
        ({"seed": -1}, "seed must be an integer from 0"),
        ({"seed": 0.5}, "got 0.5"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        synthesis.to_audio(PATH.spectrogram(chirps(1)), PATH, **arguments)


@pytest.mark.parametrize("shape", [(32, 64, 1), (1, 33, 64, 1), (1, 32, 64, 2), (0, 32, 64, 1)])
def test_spectrograms_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="spectrograms must"):
        synthesis.to_audio(np.zeros(shape, np.float32), PATH)
