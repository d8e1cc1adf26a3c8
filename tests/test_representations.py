"""Probes find what is in a code and nothing else."""

import numpy as np
import pytest
import scipy.stats

from gaae_tf.evaluation.measures import representations
from gaae_tf.evaluation.measures.representations import Probe, TooFew, probe, probes, told, tsne


def codes_of(values, informative=True, seed=0, dim=6):
    """Gaussian codes; the values shift them by ten deviations if they are informative."""
    rng = np.random.default_rng(seed)
    names = sorted({value for value in values if value})
    centres = 10 * np.eye(max(len(names), dim))[:, :dim]
    codes = rng.normal(size=[len(values), dim])
    for i, value in enumerate(values):
        if informative and value:
            codes[i] += centres[names.index(value)]
    return codes


TRAIN, TEST = ["a", "b", "c"] * 40, ["a", "b", "b", "c"] * 10


def test_what_is_there_is_found():
    found = probe(codes_of(TRAIN), TRAIN, codes_of(TEST, seed=1), TEST)
    interval = tuple(scipy.stats.binomtest(40, 40).proportion_ci(method="wilson"))
    assert found == Probe(
        linear=1.0,
        neighbours=1.0,
        chance=0.5,
        values=3,
        clips=40,
        protocol="test",
        linear_interval_95=pytest.approx(interval),
        neighbours_interval_95=pytest.approx(interval),
        interval_is=found.interval_is,
    )


def test_agrees_with_a_linear_and_a_neighbours_rule_by_hand():
    """Least squares on one-hot targets; the majority among all distances, both by NumPy."""
    train, test = codes_of(TRAIN, False) * 2.0, codes_of(TEST * 5, False, seed=1) * 2.0
    for codes, values in ((train, TRAIN), (test, TEST * 5)):
        codes[:, :3] += 1.5 * np.eye(3)[["abc".index(value) for value in values]]
    found = probe(train, TRAIN, test, TEST * 5)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    y = np.array(["abc".index(value) for value in TRAIN])
    truth = np.array(["abc".index(value) for value in TEST * 5])
    distances = np.linalg.norm(test[:, None] - train[None], axis=-1)
    votes = np.eye(3)[y[np.argsort(distances, axis=1)[:, :5]]].sum(axis=1)
    assert found.neighbours == np.mean(votes.argmax(axis=1) == truth)  # of equals the first
    ones = np.ones([len(train), 1]), np.ones([len(test), 1])
    weights, *_ = np.linalg.lstsq(np.hstack([train, ones[0]]), np.eye(3)[y], rcond=None)
    linear = (np.hstack([test, ones[1]]) @ weights).argmax(axis=1) == truth
    assert found.linear == pytest.approx(linear.mean(), abs=0.04)
    low, high = found.linear_interval_95
    assert low < found.linear < high


def test_what_is_not_there_is_found_by_chance_alone():
    found = probe(codes_of(TRAIN, False), TRAIN, codes_of(TEST * 10, False, seed=1), TEST * 10)
    assert found.linear == pytest.approx(1 / 3, abs=0.1)
    assert found.neighbours == pytest.approx(1 / 3, abs=0.1)


def test_linear_accuracy_is_that_of_the_best_linear_rule():
    """Two Gaussians two deviations apart: the best rule is right with probability Φ(1)."""
    rng = np.random.default_rng(0)
    y = np.tile(["left", "right"], 5_000)
    x = rng.normal(size=[10_000, 1]) + 2.0 * (y == "right")[:, None]
    found = probe(x[:5_000], y[:5_000], x[5_000:], y[5_000:])
    assert found.linear == pytest.approx(0.8413, abs=0.015)


def test_speakers_that_only_training_has_are_probed_by_folds():
    other = ["d", "e"] * 20
    found = probe(codes_of(TRAIN), TRAIN, codes_of(other), other)
    assert (found.protocol, found.clips, found.linear) == ("folds", 120, 1.0)
    assert "folds are not quite" in found.interval_is
    wilson = scipy.stats.binomtest(120, 120).proportion_ci(method="wilson")
    assert found.linear_interval_95 == pytest.approx(tuple(wilson))


def test_clips_without_a_value_and_rare_values_are_left_out():
    train = [*TRAIN, *["rare"] * 9, *[""] * 30]
    found = probe(codes_of(train), train, codes_of(TEST), [*TEST[:-4], "", "", "", ""])
    assert (found.values, found.clips) == (3, 36)


def test_the_scale_of_a_dimension_does_not_matter():
    scale = np.array([1e-3, 1.0, 1e3, 1.0, 1.0, 1.0])
    one = probe(codes_of(TRAIN), TRAIN, codes_of(TEST, seed=1), TEST)
    other = probe(codes_of(TRAIN) * scale, TRAIN, codes_of(TEST, seed=1) * scale, TEST)
    assert one == other


def test_one_value_is_too_few():
    with pytest.raises(TooFew, match="two values of 10 training clips each, there are 1"):
        probe(codes_of(["a"] * 30), ["a"] * 30, codes_of(["a"] * 5), ["a"] * 5)


def test_codes_that_are_not_finite_are_refused():
    codes = codes_of(TRAIN)
    codes[3, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        probe(codes, TRAIN, codes_of(TEST), TEST)


def test_the_table_says_why_a_probe_is_missing():
    none = [""] * len(TRAIN)
    table = probes(
        {"z": codes_of(TRAIN)},
        {"class": TRAIN, "speaker": none},
        {"z": codes_of(TEST)},
        {"class": TEST, "speaker": [""] * len(TEST)},
    )
    assert table["class"]["z"].linear == 1.0
    assert table["speaker"]["z"] == (
        "a probe needs two values of 10 training clips each, there are 0"
    )


def test_a_large_training_part_is_drawn_from(monkeypatch):
    monkeypatch.setattr(representations, "_MOST_CLIPS", 60)
    codes = codes_of(TRAIN)
    assert probe(codes, TRAIN, codes_of(TEST), TEST).linear == 1.0


def test_tsne_keeps_neighbours_together():
    codes = codes_of(TRAIN)
    plane = tsne(codes)
    assert plane.shape == (120, 2)
    nearest = np.linalg.norm(plane[:, None] - plane[None], axis=-1) + 1e9 * np.eye(120)
    same = np.array(TRAIN)[nearest.argmin(axis=1)] == np.array(TRAIN)
    assert same.mean() > 0.95


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.eye(9), "ten different codes, there are 9"),
        (np.ones([50, 4]), "ten different codes, there are 1"),
        (np.arange(50.0)[:, None], "two dimensions"),
    ],
)
def test_tsne_of_too_little_is_refused(codes, message):
    with pytest.raises(TooFew, match=message):
        tsne(codes)


def test_versions_of_test_clips_are_told_by_one_probe():
    codes = codes_of(TEST, seed=1)
    found = told(codes_of(TRAIN), TRAIN, {"same": codes, "turned": codes[::-1]}, TEST)
    assert found.right["same"].all()
    expected = [first == last for first, last in zip(TEST, TEST[::-1], strict=True)]
    assert found.right["turned"].tolist() == expected
    assert (found.chance, found.values) == (0.5, 3)
    alone = probe(codes_of(TRAIN), TRAIN, codes[::-1], TEST)
    assert found.right["turned"].mean() == alone.linear
    with pytest.raises(TooFew, match="two values of 10 training clips each"):
        told(codes_of(TRAIN), [""] * 120, {"same": codes}, TEST)
    with pytest.raises(TooFew, match="other values than the training clips"):
        told(codes_of(TRAIN), TRAIN, {"same": codes}, ["d"] * 40)
