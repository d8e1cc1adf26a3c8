import heapq
import os
from pathlib import Path

import numba.core.caching
import numpy as np
import pytest
import soundfile as sf
import tensorflow as tf

from gaae_tf.ops.compiled import compiled
from gaae_tf.ops.griffin_lim import griffin_lim, spectral_convergence_db
from gaae_tf.ops.pghi import pghi
from gaae_tf.ops.settings import WINDOWS, StftSettings
from gaae_tf.ops.stft import inverse_stft, stft

SMALL = StftSettings("hann", window_samples=16, hop_samples=4, fft_size=16)
SHARED_DATA = Path(
    os.environ.get("GAAE_TF_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)


def random_magnitude(*shape, seed=0):
    return np.exp(np.random.default_rng(seed).normal(0.0, 2.0, shape))


def assert_equal_phase(actual, expected, tolerance):
    """Equal as angles, to a tolerance in radians."""
    difference = np.angle(np.exp(1j * (np.asarray(actual) - np.asarray(expected))))
    assert np.abs(difference).max() < tolerance


def reference_pghi(magnitude, settings, tolerances):
    """METHOD section 5 with a library heap, one clip [bins, frames]; NaN below tolerance."""
    bins, frames = magnitude.shape
    hop, size, gamma = settings.hop_samples, settings.fft_size, settings.gamma
    s = np.log(np.maximum(magnitude / magnitude.max(), tolerances[-1]))
    over_time = np.zeros_like(s)
    over_time[1:-1] = hop * size / (2 * gamma) * (s[2:] - s[:-2])
    over_time += 2 * np.pi * hop * np.arange(bins)[:, None] / size
    over_frequency = -gamma / (2 * hop * size) * (np.roll(s, -1, axis=1) - np.roll(s, 1, axis=1))
    phase = np.full(s.shape, np.nan)
    for tolerance in tolerances:
        allowed = s > np.log(tolerance)
        heap = [(-s[p], p) for p in np.ndindex(s.shape) if np.isfinite(phase[p])]
        heapq.heapify(heap)
        while True:
            if not heap:
                left = [(s[p], p) for p in np.ndindex(s.shape) if allowed[p] and np.isnan(phase[p])]
                if not left:
                    break
                seed = max(left)[1]
                phase[seed] = 0.0
                heap = [(-s[seed], seed)]
            _, (m, n) = heapq.heappop(heap)
            after, before = (n + 1) % frames, (n - 1) % frames
            steps = [
                ((m, before), -(over_time[m, n] + over_time[m, before]) / 2),
                ((m, after), (over_time[m, n] + over_time[m, after]) / 2),
            ]
            if m + 1 < bins:
                steps.append(((m + 1, n), (over_frequency[m, n] + over_frequency[m + 1, n]) / 2))
            if m > 0:
                steps.append(((m - 1, n), -(over_frequency[m, n] + over_frequency[m - 1, n]) / 2))
            for place, step in steps:
                if allowed[place] and np.isnan(phase[place]):
                    phase[place] = phase[m, n] + step
                    heapq.heappush(heap, (-s[place], place))
    edge = 2 * np.pi * np.arange(bins)[:, None] / size * (settings.window_samples // 2)
    return phase - edge


def gaussian_pulse(settings, frames, frame, bin):
    """STFT magnitude and phase of exp(-π(t-t0)²/γ) cos(2πf0(t-t0)), positive frequencies alone.

    With the window exp(-πt²/γ), the product of both Gaussians has its centre halfway, which gives
    |X(f, t)| ∝ exp(-π/2 [(t-t0)²/γ + γ(f-f0)²]) and, for a frame whose phase counts from its
    centre, arg X = π(f+f0)(t-t0). From the window's left edge it is 2πf · window / 2 less.
    """
    t = settings.hop_samples * (np.arange(frames) - frame)[None, :]
    f = np.arange(settings.fft_size // 2 + 1)[:, None] / settings.fft_size
    f0 = bin / settings.fft_size
    magnitude = np.exp(-np.pi / 2 * (t**2 / settings.gamma + settings.gamma * (f - f0) ** 2))
    phase = np.pi * (f + f0) * t - 2 * np.pi * f * (settings.window_samples // 2)
    return magnitude, phase


@pytest.mark.parametrize(
    "settings", [StftSettings("gauss", 512, 32, 512), StftSettings("gauss", 512, 16, 1024)]
)
def test_recovers_the_closed_form_phase_of_a_gaussian_pulse(settings):
    magnitude, phase = gaussian_pulse(settings, frames=80, frame=37, bin=60)
    heard = magnitude > 1e-6
    recovered = pghi(magnitude[None], settings)[0]
    offset = (recovered - phase)[60, 37]  # the phase that every bin shares is never known
    assert_equal_phase(recovered[heard] - offset, phase[heard], 1e-6)


@pytest.mark.parametrize(
    "settings", [StftSettings("gauss", 512, 32, 512), StftSettings("gauss", 512, 16, 1024)]
)
def test_recovers_the_phase_that_stft_gives_a_gaussian_pulse(settings):
    frames, frame, bin = 80, 37, 60
    t = np.arange(frames * settings.hop_samples) - frame * settings.hop_samples
    pulse = np.exp(-np.pi * t**2 / settings.gamma) * np.cos(2 * np.pi * bin * t / settings.fft_size)
    spectrum = stft(pulse[None], settings).numpy()
    recovered = pghi(np.abs(spectrum), settings)
    heard = np.abs(spectrum) > 1e-3 * np.abs(spectrum).max()
    offset = recovered[0, bin, frame] - np.angle(spectrum[0, bin, frame])
    assert_equal_phase(recovered[heard] - offset, np.angle(spectrum)[heard], 1e-2)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("tolerances", [(1e-1, 1e-10), (1e-2,), (0.5, 1e-1, 1e-3)])
def test_equals_a_plain_implementation(window, tolerances):
    settings = StftSettings(window, window_samples=12, hop_samples=3, fft_size=16)
    magnitude = random_magnitude(2, 9, 14)
    phase = pghi(magnitude, settings, tolerances=tolerances)
    for clip in range(2):
        expected = reference_pghi(magnitude[clip], settings, tolerances)
        known = np.isfinite(expected)
        assert known.mean() > 0.1
        assert_equal_phase(phase[clip][known], expected[known], 1e-9)


@pytest.mark.parametrize("frames", [1, 2])
def test_clips_of_one_and_two_frames_wrap_onto_themselves(frames):
    magnitude = random_magnitude(1, 9, frames)
    expected = reference_pghi(magnitude[0], SMALL, (1e-1, 1e-10))
    assert_equal_phase(pghi(magnitude, SMALL)[0], expected, 1e-9)


def test_each_loud_island_gets_a_seed_of_its_own_before_the_quiet_between():
    # Two peaks, a valley of 1 % between: only a pass that stops above the valley seeds both.
    magnitude = np.full((1, 9, 20), 1e-12)
    magnitude[0, 4] = 0.01
    magnitude[0, 4, [3, 12]] = 1.0, 0.9
    left_edge = 2 * np.pi * 4 / 16 * 8
    phase = pghi(magnitude, SMALL, tolerances=(1e-1, 1e-10))[0, 4]
    assert_equal_phase(phase[[3, 12]], [-left_edge, -left_edge], 1e-9)
    one_pass = pghi(magnitude, SMALL, tolerances=(1e-10,))[0, 4]
    # From 3 to 12 in one pass: 9 hops of 2π · 4 · 4/16; the slopes cancel by symmetry.
    assert_equal_phase(one_pass[12], -left_edge + 9 * 2 * np.pi, 1e-9)


def test_phase_below_tolerance_is_random_and_above_it_is_not():
    magnitude = random_magnitude(1, 9, 400, seed=3)
    loud = magnitude > 0.01 * magnitude.max()
    first, second = (pghi(magnitude, SMALL, seed, tolerances=(1e-1, 1e-2)) for seed in (1, 2))
    np.testing.assert_array_equal(first[loud], second[loud])
    assert np.all(first[~loud] != second[~loud])
    for phase in (first[~loud], second[~loud], (first - second)[~loud]):
        # Uniform: the mean of n unit vectors has length about 1 / sqrt(n).
        assert abs(np.exp(1j * phase).mean()) < 4 / np.sqrt(phase.size)


def test_equal_seeds_give_equal_phases_whatever_the_batch_and_the_threads():
    magnitude = random_magnitude(5, 9, 30) ** 8  # much lies below tolerance
    phase = pghi(magnitude, SMALL, seed=7, threads=1)
    np.testing.assert_array_equal(pghi(magnitude, SMALL, seed=7, threads=4), phase)
    np.testing.assert_array_equal(pghi(magnitude[3:], SMALL, seed=7), phase[3:])


def test_first_and_last_bin_advance_by_their_frequency_alone():
    # However steep the slope beside them: bin 0 not at all, the last by π a sample.
    settings = StftSettings("hann", window_samples=20, hop_samples=5, fft_size=20)
    magnitude = np.full((2, 11, 6), 1e-12)
    magnitude[0, :2] = [[1.0], [0.3]]
    magnitude[1, -2:] = [[0.3], [1.0]]
    phase = pghi(magnitude, settings)
    assert_equal_phase(phase[0, 0], np.zeros(6), 1e-9)
    assert_equal_phase(np.diff(phase[1, 10]), np.full(5, 5 * np.pi), 1e-9)


@pytest.mark.parametrize("cycles", [640, 643, 2011])
def test_integrates_a_stationary_sinusoid(cycles):
    # Whole cycles in the clip, anywhere between bins: out comes a sinusoid of that frequency.
    settings = StftSettings()
    t = np.arange(16384) / 16384
    magnitude = np.abs(stft(np.cos(2 * np.pi * cycles * t)[None], settings))
    spectrum = magnitude * np.exp(1j * pghi(magnitude, settings))
    rebuilt = inverse_stft(spectrum, settings)[0].numpy()
    amplitude = 2 * np.mean(rebuilt * np.exp(-2j * np.pi * cycles * t))
    residual = rebuilt - (amplitude * np.exp(2j * np.pi * cycles * t)).real
    assert abs(amplitude) == pytest.approx(1.0, abs=0.01)
    assert np.std(residual) < 0.06  # a Hamming window is only nearly Gaussian: a slight drift


def test_phase_lies_within_one_turn_so_that_float32_holds_it():
    phase = pghi(random_magnitude(1, 9, 5000), SMALL)
    assert np.abs(phase).max() <= np.pi
    assert phase.dtype == np.float64


def test_silence_among_clips_gets_random_phase_and_hurts_no_other():
    magnitude = random_magnitude(2, 9, 30)
    alone = pghi(magnitude[:1], SMALL)
    magnitude[1] = 0.0
    phase = pghi(magnitude, SMALL)
    np.testing.assert_array_equal(phase[:1], alone)
    assert np.unique(phase[1]).size == phase[1].size


def test_exact_zeros_leave_finite_phases():
    magnitude = random_magnitude(1, 9, 30)
    magnitude[:, :, 20:] = 0.0  # padding
    magnitude[:, 4] = 0.0
    assert np.all(np.isfinite(pghi(magnitude, SMALL)))


def test_compiles_where_no_folder_can_keep_the_code(monkeypatch):
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    assert compiled(lambda x: x + 1)(2) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"magnitude": np.ones((9, 4))}, r"magnitude must be \[batch, 9, frames\]"),
        ({"magnitude": np.ones((1, 8, 4))}, r"magnitude must be \[batch, 9, frames\]"),
        ({"magnitude": -np.ones((1, 9, 4))}, "magnitude must be finite and not negative"),
        ({"magnitude": np.full((1, 9, 4), np.nan)}, "magnitude must be finite and not negative"),
        ({"tolerances": (1e-10, 1e-1)}, "tolerances must fall within"),
        ({"tolerances": (1.0,)}, "tolerances must fall within"),
        ({"tolerances": ()}, "tolerances must fall within"),
    ],
)
def test_impossible_arguments_are_refused_by_name(arguments, message):
    defaults = {"magnitude": np.ones((1, 9, 4)), "settings": SMALL}
    with pytest.raises(ValueError, match=message):
        pghi(**(defaults | arguments))


@pytest.fixture(scope="module")
def speech():
    """Twenty one-second recordings, [20, 16384]."""
    folder = SHARED_DATA / "speech_commands_v0.01"
    paths = sorted(folder.glob("*/*.wav"))[::6][:20]
    if len(paths) < 20:
        pytest.skip(f"no Speech Commands recordings in {folder} (GAAE_TF_SHARED_DATA)")
    audio = np.zeros((len(paths), 16384), np.float32)
    for line, path in zip(audio, paths, strict=True):
        clip = sf.read(path, dtype="float32")[0][:16384]
        line[: len(clip)] = clip
    return audio


@pytest.mark.parametrize("peak_normalised", [False, True])
def test_real_speech_converges_as_published(speech, peak_normalised):
    # METHOD section 5: -22 dB, and -31 dB after 32 fast Griffin-Lim iterations.
    settings = StftSettings()
    if peak_normalised:
        speech = speech / np.abs(speech).max(axis=1, keepdims=True)
    magnitude = tf.abs(stft(speech, settings)).numpy()
    phase = pghi(magnitude, settings)
    alone, refined = (
        spectral_convergence_db(
            griffin_lim(magnitude, settings, phase, iterations), magnitude, settings
        ).mean()
        for iterations in (0, 32)
    )
    assert -23.0 < alone < -19.0
    assert refined < -29.0
