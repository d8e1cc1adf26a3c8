import numpy as np
import pytest
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from gaae_tf.metrics import neighbours as module
from gaae_tf.metrics.neighbours import (
    memorisation,
    nearest_distances,
    precision_recall_density_coverage,
)


def features(seed, clips, dimensions=8, shift=0.0, scale=1.0):
    return np.random.default_rng(seed).normal(shift, scale, size=(clips, dimensions))


def values(real, generated, k=5):
    measures = precision_recall_density_coverage(real, generated, k=k, halves=2)
    return {name: value for name, (value, _) in measures.items()}


def reference(real, generated, k):
    """The definitions on scikit-learn's whole distance matrices, pair by pair."""
    between = pairwise_distances(real, generated)
    real_radii, generated_radii = (
        NearestNeighbors(n_neighbors=k).fit(x).kneighbors()[0][:, -1] for x in (real, generated)
    )
    in_real = [
        [between[i, j] <= r for i, r in enumerate(real_radii)] for j in range(len(generated))
    ]
    in_generated = [
        [between[i, j] <= r for j, r in enumerate(generated_radii)] for i in range(len(real))
    ]
    return {
        "precision": np.mean([any(row) for row in in_real]),
        "recall": np.mean([any(row) for row in in_generated]),
        "density": np.mean([sum(row) for row in in_real]) / k,
        "coverage": np.mean([min(between[i]) <= r for i, r in enumerate(real_radii)]),
    }


def test_points_on_a_line_give_the_closed_form():
    # k = 1. Real balls: 0 and 1 of radius 1, 10 and 12 of radius 2, 20 and 24 of radius 4.
    real = np.array([[0.0], [1.0], [10.0], [12.0], [20.0], [24.0]])
    # Generated balls, radius to the nearest other: 0.5 (1.5), 2 (1.5), 11 (9), 40 (10), 50 (10).
    generated = np.array([[0.5], [2.0], [11.0], [40.0], [50.0]])
    received = values(real, generated, k=1)
    assert received["precision"] == pytest.approx(3 / 5)
    assert received["density"] == pytest.approx((2 + 1 + 2 + 0 + 0) / 5)  # 2.0 is on an edge
    assert received["recall"] == pytest.approx(5 / 6)  # 24 is 13 from 11, 16 from 40
    assert received["coverage"] == pytest.approx(4 / 6)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("rows", [1, 17, 1000])
def test_agrees_with_scikit_learn_and_loops_in_any_blocks(monkeypatch, k, rows):
    monkeypatch.setattr(module, "BLOCK_ROWS", rows)
    real, generated = features(0, 60), features(1, 50, shift=0.4, scale=0.8)
    assert values(real, generated, k) == pytest.approx(reference(real, generated, k), abs=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e8])
def test_equal_sets_give_the_closed_form_at_any_offset(offset):
    # Every clip lies in its own ball and, on the edge included, in k others' on average. At an
    # offset of 1e8 the expanded form knows no distance below 4: ‖a‖² is 8e16, its rounding 16.
    x = features(2, 80) + offset
    assert values(x, x.copy()) == {
        "precision": 1.0,
        "recall": 1.0,
        "density": pytest.approx(6 / 5),
        "coverage": 1.0,
    }


def test_clips_on_edges_are_inside_though_rounding_would_move_them():
    # k = 1: pairs c, c + v far apart, and clips c − v, each on the edge of one ball alone. In whole
    # numbers at an offset of 2^27 differences are exact, and ‖a‖² has a spacing of 256.
    rng = np.random.default_rng(3)
    centres = 2.0**27 + rng.integers(-(10**6), 10**6, size=(40, 64))
    steps = rng.integers(-3, 4, size=(40, 64))
    pairs, edges = np.concatenate([centres, centres + steps]), centres - steps
    squared, slack = module._expanded(centres, edges)
    exact = np.square(steps).sum(axis=1)
    assert np.mean(np.diagonal(squared) > exact) > 0.2
    assert np.all(np.abs(np.diagonal(squared) - exact) <= slack[:, 0])
    received = values(pairs, edges, k=1)
    assert received["precision"] == received["density"] == 1.0
    assert received["coverage"] == 0.5
    assert values(edges, pairs, k=1)["recall"] == 1.0


def test_distant_sets_share_nothing():
    received = values(features(0, 40), features(1, 40, shift=100.0))
    assert received == {"precision": 0.0, "recall": 0.0, "density": 0.0, "coverage": 0.0}


def test_a_collapsed_generator_is_precise_and_recalls_nothing():
    real = features(4, 100)
    received = values(real, np.repeat(real.mean(axis=0, keepdims=True), 40, axis=0))
    assert received["precision"] == 1.0
    assert received["recall"] == 0.0
    assert received["coverage"] < 1.0


def test_two_samples_of_one_distribution_reach_the_expectations():
    # Density 1; coverage 1 − Π (N − i)/(2N − i), i = 1…k: the k nearest of all others are real.
    received = [values(features(i, 300, 2), features(1000 + i, 300, 2)) for i in range(8)]
    i = np.arange(1, 6)
    expected = 1.0 - np.prod((300 - i) / (600 - i))
    assert np.mean([r["density"] for r in received]) == pytest.approx(1.0, abs=0.03)
    assert np.mean([r["coverage"] for r in received]) == pytest.approx(expected, abs=0.01)


def test_deviation_of_halves_is_that_of_repeated_experiments():
    def measures(seed):
        generated = features(500 + seed, 200, 3, shift=0.5, scale=0.7)
        return precision_recall_density_coverage(features(seed, 200, 3), generated, halves=10)

    repeated = [measures(seed) for seed in range(30)]
    for name in ("precision", "recall", "density", "coverage"):
        scatter = np.std([r[name][0] for r in repeated], ddof=1)
        claimed = np.mean([r[name][1] for r in repeated])
        assert 0.5 < claimed / scatter < 2.0, name


def test_deviation_is_that_of_the_documented_halves():
    real, generated = features(2, 61), features(3, 50, shift=0.6)
    received = precision_recall_density_coverage(real, generated, k=3, halves=4, seed=8)
    rng = np.random.default_rng(8)
    expected = []
    for _ in range(4):
        half = real[rng.permutation(61)[:30]]
        expected.append(reference(half, generated[rng.permutation(50)[:25]], 3))
    for name, (_, deviation) in received.items():
        assert deviation == pytest.approx(np.std([e[name] for e in expected], ddof=1)), name


def test_halves_are_seeded():
    real, generated = features(0, 60), features(1, 60, shift=0.5)
    first, again, other = (
        precision_recall_density_coverage(real, generated, halves=3, seed=s) for s in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert {n: v for n, (v, _) in first.items()} == {n: v for n, (v, _) in other.items()}


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (features(0, 11), features(1, 30), "real must hold at least 12 clips.*k=5; received 11"),
        (features(0, 30), features(1, 11), "generated must hold at least 12 clips.*received 11"),
        (np.ones((30, 8)), features(1, 30), "All 30 real clips have identical features"),
        (features(0, 30), features(1, 30, 7), "real 8, generated 7"),
        (features(0, 30), np.full((30, 8), np.inf), "generated must be finite; 30 of 30"),
    ],
)
def test_bad_features_are_named(real, generated, message):
    with pytest.raises(ValueError, match=message):
        precision_recall_density_coverage(real, generated)


def test_settings_out_of_range_are_named():
    for setting in ({"k": 0}, {"halves": 1}):
        with pytest.raises(ValueError, match="k must be at least 1 and halves at least 2"):
            precision_recall_density_coverage(features(0, 30), features(1, 30), **setting)


@pytest.mark.parametrize("values_held", [64, 1 << 24])
def test_nearest_distances_agree_with_scikit_learn(monkeypatch, values_held):
    monkeypatch.setattr(module, "BLOCK_VALUES", values_held)
    queries, references = features(5, 33), features(6, 47)
    distances, indices = nearest_distances(queries, references)
    expected, where = (
        NearestNeighbors(n_neighbors=1, algorithm="brute").fit(references).kneighbors(queries)
    )
    np.testing.assert_allclose(distances, expected[:, 0], rtol=1e-12)
    np.testing.assert_array_equal(indices, where[:, 0])


def test_copies_are_at_distance_zero_exactly_and_ties_give_the_lowest_index():
    references = np.concatenate([features(7, 30) + 1e6, features(7, 30) + 1e6])
    distances, indices = nearest_distances(references[::-1], references)
    assert np.all(distances == 0.0)
    np.testing.assert_array_equal(indices, np.arange(60)[::-1] % 30)


def test_small_distances_at_a_large_offset_are_exact():
    # 2^-10 at 2^20 is representable; ‖a‖² there has a spacing of 2^-10 and loses 2^-20 whole.
    references = np.full((3, 4), 2.0**20) + 8.0 * np.arange(3.0)[:, None]
    distances, indices = nearest_distances(
        references[1:2] + np.array([2.0**-10, 0, 0, 0]), references
    )
    assert distances[0] == 2.0**-10
    assert indices[0] == 1


def test_memorisation_of_copies_and_of_new_clips():
    training = features(8, 500, 4)
    test, new = features(9, 400, 4), features(10, 4000, 4)
    fair = memorisation(new, test, training)
    assert fair["near_share"] == pytest.approx(0.05, abs=0.025)
    assert fair["generated_median"] == pytest.approx(fair["real_test_median"], rel=0.1)
    copied = memorisation(np.concatenate([training[:100], new[:300]]), test, training)
    assert copied["near"] >= 100
    assert copied["generated"] == 400
    assert copied["near_share"] == copied["near"] / 400


def test_memorisation_agrees_with_scikit_learn():
    training, test, new = features(8, 60), features(9, 50), features(10, 70, scale=0.9)
    near = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(training)
    to_new, to_test = (near.kneighbors(x)[0][:, 0] for x in (new, test))
    threshold = np.percentile(to_test, 5.0)
    received = memorisation(new, test, training)
    assert received["threshold"] == pytest.approx(threshold, rel=1e-12)
    assert received["near"] == np.sum(to_new < threshold) > 0
    assert received["generated_median"] == pytest.approx(np.median(to_new), rel=1e-12)
    assert received["real_test_median"] == pytest.approx(np.median(to_test), rel=1e-12)


def test_memorisation_follows_its_rule():
    # Distances to the only training clip: real test 1 … 21, whose 5th percentile is the second, 2;
    # generated 1.9, 2 and 3. Only what is strictly nearer counts.
    real_test = np.arange(1.0, 22.0)[:, None]
    received = memorisation(np.array([[1.9], [2.0], [3.0]]), real_test, np.zeros((1, 1)))
    assert received == {
        "generated_median": 2.0,
        "real_test_median": 11.0,
        "threshold": 2.0,
        "near": 1,
        "generated": 3,
        "near_share": pytest.approx(1 / 3),
    }


def test_memorisation_refuses_what_it_cannot_tell():
    training = features(0, 50)
    with pytest.raises(ValueError, match=r"real_test must hold at least 20 clips.*received 19"):
        memorisation(training, features(1, 19), training)
    with pytest.raises(
        ValueError, match="50 of 50 real test clips have the features of a training"
    ):
        memorisation(training, training, training)
    with pytest.raises(ValueError, match=r"percentile must lie in \(0, 50\]; received 0"):
        memorisation(training, training, training, percentile=0.0)
