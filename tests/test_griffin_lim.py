import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.ops.griffin_lim import griffin_lim, spectral_convergence_db
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.stft import inverse_stft, stft

SETTINGS = StftSettings("hann", window_samples=32, hop_samples=8, fft_size=32)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def magnitude_and_phase(audio):
    spectrum = stft(audio, SETTINGS).numpy()
    return np.abs(spectrum), np.angle(spectrum)


def random_phase(magnitude):
    return np.random.default_rng(1).uniform(-np.pi, np.pi, magnitude.shape).astype(np.float32)


@pytest.mark.parametrize("momentum", [0.0, 0.99])
def test_the_true_phase_is_a_fixed_point(momentum):
    audio = noise(2, 256)
    magnitude, phase = magnitude_and_phase(audio)
    rebuilt = griffin_lim(magnitude, SETTINGS, phase, 20, momentum)
    np.testing.assert_allclose(rebuilt, audio, atol=1e-4)


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_three_iterations_are_perraudins_algorithm(momentum):
    magnitude, _ = magnitude_and_phase(noise(1, 128))
    phase = random_phase(magnitude)
    accelerated = consistent = magnitude * np.exp(1j * phase)
    for _ in range(3):
        imposed = magnitude * np.exp(1j * np.angle(accelerated))
        nearer = stft(inverse_stft(imposed, SETTINGS), SETTINGS).numpy()
        accelerated = nearer + momentum * (nearer - consistent)
        consistent = nearer
    expected = inverse_stft(magnitude * np.exp(1j * np.angle(accelerated)), SETTINGS)
    rebuilt = griffin_lim(magnitude, SETTINGS, phase, 3, momentum)
    np.testing.assert_allclose(rebuilt, expected, atol=1e-4)


def test_classic_griffin_lim_never_gets_worse():
    # Griffin and Lim's theorem, and why the algorithm is used.
    magnitude, _ = magnitude_and_phase(noise(1, 512))
    phase = random_phase(magnitude)
    sounds = [griffin_lim(magnitude, SETTINGS, phase, n, 0.0) for n in range(12)]
    errors_db = [spectral_convergence_db(sound, magnitude, SETTINGS)[0] for sound in sounds]
    assert np.all(np.diff(errors_db) < 1e-3)
    assert errors_db[-1] < errors_db[0] - 3.0


def test_the_fast_variant_gets_further_in_as_many_steps():
    magnitude, _ = magnitude_and_phase(noise(4, 1024))
    phase = random_phase(magnitude)
    sounds = [griffin_lim(magnitude, SETTINGS, phase, 60, m) for m in (0.0, 0.99)]
    classic, fast = (spectral_convergence_db(sound, magnitude, SETTINGS) for sound in sounds)
    assert fast.mean() < classic.mean() - 2.0


def test_silence_stays_silent():
    silence = np.zeros((1, 17, 4), np.float32)
    audio = griffin_lim(silence, SETTINGS, random_phase(silence), 3)
    np.testing.assert_array_equal(audio, np.zeros((1, 32)))


def test_same_from_a_saved_model_with_shapes_known_at_run_time(tmp_path):
    class Vocoder(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 17, None]),
                tf.TensorSpec([None, 17, None]),
                tf.TensorSpec([], tf.int32),
            ]
        )
        def vocode(self, magnitude, phase, iterations):
            return griffin_lim(magnitude, SETTINGS, phase, iterations)

    tf.saved_model.save(Vocoder(), str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    magnitude, _ = magnitude_and_phase(noise(2, 256))
    phase = random_phase(magnitude)
    np.testing.assert_allclose(
        loaded.vocode(magnitude, phase, 4), griffin_lim(magnitude, SETTINGS, phase, 4), atol=1e-4
    )


def test_spectral_convergence_of_scaled_and_silent_sound():
    audio = noise(1, 256).repeat(3, axis=0)
    magnitude, _ = magnitude_and_phase(audio)
    gains = np.array([[1.1], [0.99], [0.0]], np.float32)
    np.testing.assert_allclose(
        spectral_convergence_db(gains * audio, magnitude, SETTINGS), [-20.0, -40.0, 0.0], atol=1e-3
    )


def test_spectral_convergence_of_perfect_and_of_undefined():
    silence = np.zeros((2, 256), np.float32)
    magnitude = np.zeros((2, 17, 32), np.float32)
    assert np.all(np.isnan(spectral_convergence_db(silence, magnitude, SETTINGS)))
    magnitude, _ = magnitude_and_phase(noise(2, 256))
    assert np.all(spectral_convergence_db(noise(2, 256), magnitude, SETTINGS) < -120.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"iterations": -1}, "iterations must be 0 or more, not -1"),
        ({"momentum": -0.5}, "momentum must be 0 or more, not -0.5"),
        ({"magnitude": np.ones((1, 16, 4))}, r"magnitude must be \[batch, 17, frames\]"),
        ({"magnitude": np.ones((17, 4))}, r"magnitude must be \[batch, 17, frames\]"),
    ],
)
def test_impossible_arguments_are_refused_by_name(arguments, message):
    ones = np.ones((1, 17, 4))
    defaults = {"magnitude": ones, "settings": SETTINGS, "phase": ones, "iterations": 1}
    with pytest.raises(ValueError, match=message):
        griffin_lim(**(defaults | arguments))
