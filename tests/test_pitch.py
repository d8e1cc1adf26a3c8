import numpy as np
import pytest

from gaae_tf.metrics.pitch import (
    harmonicity,
    harmonics_to_noise_db,
    semitones,
    strongest_harmonic_hz,
)

RATE_HZ, SAMPLES = 16000, 16384


def harmonics(f0_hz, amplitudes, rate_hz=RATE_HZ, samples=SAMPLES):
    """Σ a_k·sin(2πk·f0·t + k²), float64 [samples]."""
    time = np.arange(samples) / rate_hz
    return sum(
        amplitude * np.sin(2.0 * np.pi * k * f0_hz * time + k * k)
        for k, amplitude in enumerate(amplitudes, start=1)
    )


@pytest.mark.parametrize("hz", [26.0, 55.0, 220.3, 1000.77, 3999.1, 7500.0])
@pytest.mark.parametrize(("rate_hz", "samples"), [(16000, 16384), (16000, 4000), (22050, 16384)])
def test_a_sinusoid_s_frequency_is_found_within_a_fiftieth_of_a_semitone(hz, rate_hz, samples):
    found = strongest_harmonic_hz(harmonics(hz, [0.3], rate_hz, samples)[None], rate_hz)
    assert found.shape == (1,)
    # The mirror image at -hz leaks into the lowest ones.
    assert abs(semitones(found, hz)[0]) < (0.02 if hz > 50.0 else 0.2)


@pytest.mark.parametrize(
    ("amplitudes", "strongest"), [((1.0, 0.8, 0.5), 1), ((0.3, 0.5, 1.0, 0.2), 3), ((0, 1, 0.9), 2)]
)
def test_the_strongest_of_known_harmonics_is_found(amplitudes, strongest):
    tone = harmonics(196.0, amplitudes)
    fading = tone * np.exp(-np.arange(SAMPLES) / 4000.0)
    noisy = tone + np.random.default_rng(0).normal(0.0, 0.2, SAMPLES)
    found = strongest_harmonic_hz(np.stack([tone, fading, noisy]), RATE_HZ)
    assert np.abs(semitones(found, strongest * 196.0)).max() < 0.02


def test_what_is_below_25_hz_is_no_harmonic_and_silence_has_none():
    hum = harmonics(12.0, [1.0]) + harmonics(440.0, [0.1])
    quiet = np.stack([hum, np.zeros(SAMPLES), np.full(SAMPLES, 0.3)]).astype(np.float32)
    found = strongest_harmonic_hz(quiet, RATE_HZ)
    assert found[0] == pytest.approx(440.0, rel=1e-4)
    assert np.isnan(found[1:]).all()
    assert np.isnan(harmonicity(quiet, RATE_HZ)).tolist() == [False, True, True]


def test_semitones_of_equal_temperament():
    assert semitones(440.0, 440.0) == 0.0
    assert semitones([880.0, 220.0], 440.0).tolist() == [12.0, -12.0]
    assert semitones(261.625565, 440.0) == pytest.approx(-9.0, abs=1e-6)  # c' and a'
    assert np.isnan(semitones(np.nan, 440.0))


@pytest.mark.parametrize("f0_hz", [60.3, 97.0, 150.7, 333.3, 1001.0, 1999.0])
def test_tones_and_harmonic_tones_are_periodic(f0_hz):
    bright = [1.0 / k for k in range(1, 9) if k * f0_hz < 7500.0]
    sounds = np.stack([harmonics(f0_hz, [0.2]), harmonics(f0_hz, bright)])
    assert (harmonicity(sounds, RATE_HZ) > 0.999).all()


@pytest.mark.parametrize(("rate_hz", "most"), [(16000, 0.13), (8000, 0.17)])
def test_noise_is_not_periodic_even_where_it_is_dull(rate_hz, most):
    white = np.random.default_rng(0).normal(size=(8, rate_hz))
    dull = np.cumsum(white, axis=1)  # near samples are alike, but nothing comes back
    assert harmonicity(white, rate_hz).mean() < most
    assert harmonicity(dull, rate_hz).mean() < 0.2


@pytest.mark.parametrize("ratio_db", [-3.0, 0.0, 6.0, 15.0, 30.0])
def test_a_tone_in_noise_has_the_share_of_its_energy(ratio_db):
    # White noise adds to the autocorrelation at lag 0 alone: r = S / (S + N).
    rng = np.random.default_rng(1)
    tones = np.stack([harmonics(f0, [1.0, 0.5, 0.25]) for f0 in (110.0, 147.3, 261.6, 523.3)])
    noise = rng.normal(size=tones.shape)
    noise *= np.sqrt((tones**2).mean() / (noise**2).mean() / 10.0 ** (ratio_db / 10.0))
    share = 1.0 / (1.0 + 10.0 ** (-ratio_db / 10.0))
    found = harmonicity(tones + noise, RATE_HZ)
    assert np.abs(found - share).max() < 0.2 * (1.0 - share)
    if ratio_db >= 0.0:
        assert harmonics_to_noise_db(found.mean()) == pytest.approx(ratio_db, abs=0.8)


def test_the_harmonics_to_noise_ratio_is_r_over_the_rest():
    assert harmonics_to_noise_db(0.5) == 0.0
    assert harmonics_to_noise_db(10 / 11) == pytest.approx(10.0)
    for r in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match=r"must lie in \(0, 1\)"):
            harmonics_to_noise_db(r)


def test_neither_level_nor_neighbours_matter_and_loud_parts_count_most():
    rng = np.random.default_rng(2)
    tone, noise = harmonics(200.0, [1.0, 0.5]), rng.normal(size=SAMPLES)
    half = np.arange(SAMPLES) < SAMPLES // 2
    clips = np.stack([tone, noise, np.where(half, tone, 0.01 * noise)])
    together = harmonicity(clips, RATE_HZ)
    assert together[2] > 0.97
    for measure in (harmonicity, strongest_harmonic_hz):
        alone = np.concatenate([measure(0.001 * clip[None], RATE_HZ) for clip in clips])
        np.testing.assert_allclose(alone, measure(clips, RATE_HZ), rtol=1e-6)
    many = np.tile(clips, (20, 1))  # more than are held at once
    np.testing.assert_allclose(harmonicity(many, RATE_HZ), np.tile(together, 20), rtol=1e-12)


def test_short_clips_of_a_low_rate_have_both():
    tone = harmonics(300.0, [1.0], 4000, 512)[None]
    assert strongest_harmonic_hz(tone, 4000)[0] == pytest.approx(300.0, rel=1e-3)
    assert harmonicity(tone, 4000)[0] > 0.99


@pytest.mark.parametrize("measure", [harmonicity, strongest_harmonic_hz])
def test_what_is_no_audio_is_named(measure):
    with pytest.raises(ValueError, match=r"received \(16,\)"):
        measure(np.zeros(16), RATE_HZ)
    with pytest.raises(ValueError, match=r"received \(0, 16\)"):
        measure(np.zeros((0, 16)), RATE_HZ)
    with pytest.raises(ValueError, match="received int16 values"):
        measure(np.zeros((1, 16), np.int16), RATE_HZ)
    with pytest.raises(ValueError, match="1 values are not"):
        measure(np.array([[np.nan] + [0.0] * 15]), RATE_HZ)
    with pytest.raises(ValueError, match="received 0"):
        measure(np.ones((1, 16)), 0)
