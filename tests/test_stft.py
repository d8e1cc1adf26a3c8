import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from gaae_tf.ops.settings import WINDOWS, StftSettings, analysis_window, dual_window
from gaae_tf.ops.stft import inverse_stft, stft

SMALL = StftSettings("hann", window_samples=12, hop_samples=4, fft_size=16)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def naive_stft(audio, window, hop_samples, fft_size):
    """The definition: [bins, frames], every sample by its index modulo the clip's length."""
    reach = np.arange(len(window))
    turns = np.exp(-2j * np.pi * np.outer(np.arange(fft_size // 2 + 1), reach) / fft_size)
    frames = [
        audio[(hop_samples * n - len(window) // 2 + reach) % len(audio)] * window
        for n in range(len(audio) // hop_samples)
    ]
    return turns @ np.array(frames).T


def scipy_window(settings):
    name = settings.window
    if name == "gauss":  # exp(-π t² / γ) = exp(-t² / 2σ²)
        name = ("gaussian", np.sqrt(settings.hop_samples * settings.fft_size / (2 * np.pi)))
    return scipy.signal.get_window(name, settings.window_samples, fftbins=True)


@pytest.mark.parametrize("window", WINDOWS)
def test_window_is_scipys_periodic_one(window):
    settings = StftSettings(window)
    np.testing.assert_allclose(analysis_window(settings), scipy_window(settings), atol=1e-12)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("hop_samples", [32, 64, 128])
def test_dual_window_is_scipys_canonical_dual(window, hop_samples):
    settings = StftSettings(window, 256, hop_samples, 512)
    oracle = scipy.signal.ShortTimeFFT(scipy_window(settings), hop_samples, fs=1, mfft=512)
    np.testing.assert_allclose(dual_window(settings), oracle.dual_win, atol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        SMALL,
        StftSettings("hamming", 16, 4, 16),
        StftSettings("blackman", 16, 6, 32),  # the hop does not divide the window
        StftSettings("hamming", 16, 12, 16),  # hops longer than half a window
        StftSettings("gauss", 14, 7, 14),
    ],
)
@pytest.mark.parametrize("frames", [1, 2, 9])  # 1 and 2: clips shorter than the window
def test_stft_is_the_circular_definition(settings, frames):
    audio = noise(frames * settings.hop_samples)
    oracle = naive_stft(audio, scipy_window(settings), settings.hop_samples, settings.fft_size)
    spectrum = stft(audio, settings)
    assert spectrum.dtype == tf.complex64
    np.testing.assert_allclose(spectrum, oracle, atol=2e-5)


def test_shifting_the_clip_by_a_hop_turns_the_frames_by_one():
    audio = noise(2, 2048)
    shifted = stft(np.roll(audio, 128, axis=1), StftSettings())
    np.testing.assert_allclose(shifted, np.roll(stft(audio, StftSettings()), 1, axis=2), atol=1e-4)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("redundancy", [2, 4, 8])
@pytest.mark.parametrize("fft_size", [256, 512])
def test_inverse_reconstructs_perfectly(window, redundancy, fft_size):
    settings = StftSettings(window, 256, 256 // redundancy, fft_size)
    audio = np.clip(0.3 * noise(3, 2048), -1.0, 1.0)
    np.testing.assert_allclose(inverse_stft(stft(audio, settings), settings), audio, atol=1e-5)


@pytest.mark.parametrize("hop_samples", [100, 384])
@pytest.mark.parametrize("frames", [1, 3, 20])
def test_inverse_reconstructs_with_odd_hops_and_short_clips(hop_samples, frames):
    settings = StftSettings("hamming", 512, hop_samples, 512)
    audio = noise(1, frames * hop_samples)
    np.testing.assert_allclose(inverse_stft(stft(audio, settings), settings), audio, atol=1e-5)


def test_inverse_is_the_least_squares_signal():
    # Of an inconsistent spectrum X, the least-squares y makes STFT(y) - X orthogonal to every
    # STFT: its adjoint, the analysis window overlap-added, gives zero.
    settings = StftSettings("hann", 8, 2, 8)
    rng = np.random.default_rng(0)
    samples = 16
    basis = np.stack([naive_stft(e, scipy_window(settings), 2, 8) for e in np.eye(samples)])
    spectrum = rng.standard_normal((5, 8)) + 1j * rng.standard_normal((5, 8))
    spectrum[[0, 4]] = spectrum[[0, 4]].real  # as a real frame's first and last bins are
    twice = np.array([1, 2, 2, 2, 1])[:, None]  # a bin stands for its mirror image too
    weigh = np.sqrt(twice)
    matrix = (basis * weigh).reshape(samples, -1).T
    target = (spectrum * weigh).ravel()
    stacked = np.concatenate([matrix.real, matrix.imag])
    oracle = np.linalg.lstsq(stacked, np.concatenate([target.real, target.imag]), rcond=None)[0]
    inverse = inverse_stft(spectrum[None].astype(np.complex64), settings)[0]
    np.testing.assert_allclose(inverse, oracle, atol=1e-5)


def test_same_inside_tf_data_as_eagerly():
    audio = noise(4, 64)
    dataset = tf.data.Dataset.from_tensor_slices(audio).batch(2)
    dataset = dataset.map(lambda clips: stft(clips, SMALL))
    np.testing.assert_allclose(np.concatenate(list(dataset)), stft(audio, SMALL), atol=1e-6)
    back = dataset.map(lambda spectrum: inverse_stft(spectrum, SMALL))
    np.testing.assert_allclose(np.concatenate(list(back)), audio, atol=1e-5)


def test_static_shapes_survive_where_known():
    @tf.function(input_signature=[tf.TensorSpec([None, 64])])
    def there_and_back(audio):
        spectrum = stft(audio, SMALL)
        audio = inverse_stft(spectrum, SMALL)
        assert spectrum.shape.as_list() == [None, 9, 16]
        assert audio.shape.as_list() == [None, 64]
        return audio

    there_and_back.get_concrete_function()


def test_lengths_known_only_at_run_time_work_and_are_checked():
    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def there_and_back(audio):
        return inverse_stft(stft(audio, SMALL), SMALL)

    for samples in (4, 64):
        audio = noise(2, samples)
        np.testing.assert_allclose(there_and_back(audio), audio, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="multiple of hop_samples"):
        there_and_back(noise(2, 63))


def test_sizes_that_follow_from_the_settings():
    settings = StftSettings()
    assert settings.bins == 256
    assert settings.frames(16384) == 128


@pytest.mark.parametrize(
    ("window", "gamma"),  # METHOD section 5: C_g 512², and hop times fft_size
    [("hamming", 78103.18), ("hann", 67226.83), ("blackman", 47065.33), ("gauss", 65536.0)],
)
def test_gamma_of_each_window(window, gamma):
    assert StftSettings(window).gamma == pytest.approx(gamma, rel=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"window": "kaiser"}, "window must be one of .*'kaiser'"),
        ({"window_samples": 0}, "window_samples must be a positive integer, not 0"),
        ({"hop_samples": 128.0}, "hop_samples must be a positive integer, not 128.0"),
        ({"window_samples": 511}, "window_samples must be even, not 511"),
        ({"fft_size": 513}, "fft_size must be even, not 513"),
        ({"fft_size": 256}, r"window_samples must be at most fft_size \(256\), not 512"),
        ({"hop_samples": 600}, r"hop_samples must be at most window_samples \(512\), not 600"),
        ({"window": "hann", "hop_samples": 512}, "hop_samples=512 leaves gaps"),
    ],
)
def test_impossible_settings_are_refused_by_name(fields, message):
    with pytest.raises(ValueError, match=message):
        StftSettings(**fields)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"multiple of hop_samples \(4\), not 63"):
        stft(noise(2, 63), SMALL)
    with pytest.raises(ValueError, match=r"spectrum must be \[..., 9, frames\]"):
        inverse_stft(np.zeros((1, 8, 4), np.complex64), SMALL)
