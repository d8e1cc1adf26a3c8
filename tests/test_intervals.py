import numpy as np
import pytest
import scipy.stats

from gaae_tf.metrics.intervals import bootstrap_interval, wilson_interval


@pytest.mark.parametrize("confidence", [0.68, 0.95, 0.999])
@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (0, 20), (7, 9), (20, 20), (480, 500)])
def test_at_wilsons_ends_the_share_is_z_deviations_away(successes, trials, confidence):
    """|successes / trials − p| = z·√(p·(1 − p) / trials) at both ends p; 0 and 1 beyond."""
    z = scipy.stats.norm.ppf(0.5 + confidence / 2)
    for end in wilson_interval(successes, trials, confidence):
        away = abs(successes / trials - end)
        assert away == pytest.approx(z * np.sqrt(end * (1 - end) / trials), abs=1e-12)


def test_wilson_of_no_success_is_the_closed_form():
    # [0, z² / (n + z²)]
    z = scipy.stats.norm.ppf(0.975)
    assert wilson_interval(0, 10) == (0.0, pytest.approx(z**2 / (10 + z**2)))


@pytest.mark.parametrize(("successes", "trials"), [(0.9, 10), (3, 2), (-1, 5), (0, 0), (1, 2.5)])
def test_counts_that_are_none_are_named(successes, trials):
    with pytest.raises(ValueError, match=f"received {successes} of {trials}"):
        wilson_interval(successes, trials)


def test_bootstrap_agrees_with_scipy():
    x = np.random.default_rng(0).exponential(size=200)
    expected = scipy.stats.bootstrap(
        (x,),
        np.mean,
        n_resamples=20_000,
        method="percentile",
        random_state=np.random.default_rng(1),
    ).confidence_interval
    received = bootstrap_interval(x, resamples=20_000)
    # The ends' own Monte-Carlo error is about 1 % of the width.
    width = expected.high - expected.low
    assert received == pytest.approx((expected.low, expected.high), abs=0.04 * width)


def test_bootstrap_of_many_values_is_the_normal_interval():
    x = np.random.default_rng(2).normal(size=2000)
    half = 1.959964 * np.std(x) / np.sqrt(2000)
    low, high = bootstrap_interval(x, resamples=10_000)
    assert low == pytest.approx(np.mean(x) - half, abs=0.1 * half)
    assert high == pytest.approx(np.mean(x) + half, abs=0.1 * half)


def test_bootstrap_is_seeded_and_the_same_in_any_blocks(monkeypatch):
    x = np.random.default_rng(3).normal(size=50)
    received = bootstrap_interval(x, seed=5)
    assert received == bootstrap_interval(x, seed=5) != bootstrap_interval(x, seed=6)
    monkeypatch.setattr("gaae_tf.metrics.intervals.BLOCK_VALUES", 333)
    assert bootstrap_interval(x, seed=5) == received


@pytest.mark.parametrize(
    ("x", "settings", "message"),
    [
        (np.arange(9.0), {}, "at least 10 values; received 9"),
        (np.ones((20, 2)), {}, r"not of shape \(20, 2\)"),
        (np.full(20, np.nan), {}, "20 of 20 are not"),
        (np.full(20, 0.5), {}, "All 20 values equal 0.5"),
        (np.arange(20.0), {"resamples": 300}, "at least 400 resamples; received 300"),
        (np.arange(20.0), {"confidence": 1.0}, r"confidence must lie in \(0, 1\); received 1.0"),
    ],
)
def test_bad_values_and_settings_are_named(x, settings, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(x, **settings)
