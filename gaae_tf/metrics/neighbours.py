"""Nearest neighbours among features: fidelity, diversity, and copies of training clips.

Precision and recall are Kynkäänniemi et al.'s (2019), density and coverage Naeem et al.'s (2020).

All distances are Euclidean and exact: as ‖a‖² + ‖b‖² − 2a·b they come fast from a matrix product,
but with the rounding of the norms, so that copies lie at a random small distance, or beyond their
own neighbour. Every distance that this rounding could move across a decision is taken again as
‖a − b‖², which is exactly 0 for copies and exactly the same in either direction.
"""

from collections.abc import Iterator

import numpy as np

from gaae_tf.metrics.features import check_same_dimensions, checked_features

BLOCK_ROWS = 1000
# Values that a temporary array may hold: 128 MiB.
BLOCK_VALUES = 1 << 24


def precision_recall_density_coverage(
    real: np.ndarray, generated: np.ndarray, k: int = 5, halves: int = 10, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Gives the four measures of fidelity and diversity by balls around clips.

    A clip's ball reaches to its k-th nearest other clip of its own set, its edge included, as in
    Kynkäänniemi et al., eq. 1. (Naeem et al.'s code leaves the edge out, which only copies can
    tell: equal sets have density (k + 1) / k here and 1 there.)

    - precision: share of generated clips inside any real ball.
    - recall: share of real clips inside any generated ball.
    - density: number of real balls that hold a generated clip, mean, divided by k. 1 is its
      expectation for two samples of one distribution; it may exceed 1.
    - coverage: share of real balls that hold any generated clip. For two samples of one
      distribution and one size its expectation is near 1 − 2^−k: 0.97 at k = 5, not 1.

    All four depend on k and on both numbers of clips: compare only where these three are the same.

    Args:
        real: Features, [clips, dimensions]; at least 2(k + 1) clips, not all identical.
        generated: Features, [clips, dimensions]; at least 2(k + 1) clips. May be all identical, as
            of a collapsed generator; recall is then 0, unless real clips equal them.
        k: Neighbours, at least 1. Kynkäänniemi et al. use 3, Naeem et al. 5.
        halves: Random halves of both sets for the deviation, at least 2. Each costs a quarter of
            the measures on all clips.
        seed: Seed of the halves.

    Returns:
        Measure -> its value on all clips, and its deviation. The deviation is that of the measure
        over random halves, which estimates the standard error on all clips: a mean of n/2 out of n
        clips, drawn without replacement, scatters around the mean of n as that does around the
        truth. Beside repeated experiments it was 1.0 to 1.6 times their scatter, the more the
        nearer a measure is to its bound. (Resampling with replacement would put copies at
        distance 0 into the balls.)

    Raises:
        ValueError: Wrong shapes, non-finite values, too few clips, or real clips all identical.
    """
    if k < 1 or halves < 2:
        raise ValueError(
            f"k must be at least 1 and halves at least 2; received k={k}, halves={halves}."
        )
    real, generated = _checked(real, generated, k)
    values = _measures(real, generated, k)
    rng = np.random.default_rng(seed)
    of_halves = [
        _measures(
            real[rng.permutation(len(real))[: len(real) // 2]],
            generated[rng.permutation(len(generated))[: len(generated) // 2]],
            k,
        )
        for _ in range(halves)
    ]
    return {
        name: (value, float(np.std([half[name] for half in of_halves], ddof=1)))
        for name, value in values.items()
    }


def _checked(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Both sets of features, of which either half has balls."""
    why = f"either half must hold more than k={k}"
    real = checked_features("real", real, 2 * (k + 1), why)
    generated = checked_features("generated", generated, 2 * (k + 1), why)
    check_same_dimensions(real=real, generated=generated)
    if np.all(real == real[0]):
        raise ValueError(f"All {len(real)} real clips have identical features: no ball has a size.")
    return real, generated


def nearest_distances(queries: np.ndarray, references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gives each query's Euclidean distance to its nearest reference, and that one's index.

    Args:
        queries: Features, [queries, dimensions].
        references: Features, [references, dimensions].

    Returns:
        Distances [queries], float64, exactly 0 for copies; and indices [queries], the lowest one
        where several references are equally near.

    Raises:
        ValueError: Wrong shapes, non-finite values, or an empty set.
    """
    queries = checked_features("queries", queries, 1, "there must be something to measure")
    references = checked_features("references", references, 1, "there must be a neighbour")
    check_same_dimensions(queries=queries, references=references)
    squared, indices = _nearest(queries, references, 1)
    return np.sqrt(squared), indices


def memorisation(
    generated: np.ndarray, real_test: np.ndarray, training: np.ndarray, percentile: float = 5.0
) -> dict[str, float | int]:
    """Compares how near generated and real test clips lie to their nearest training clips.

    The rule: a generated clip is suspiciously near if it is strictly nearer to its nearest training
    clip than the given percentile of the real test clips are to theirs. Of new clips from the
    training clips' own distribution that percentage is near, 5 % by default; a share well above
    it, with a median below the real test clips', speaks of copies.

    Args:
        generated: Features, [clips, dimensions].
        real_test: Features of held-out clips, [clips, dimensions]; at least 100 / `percentile`.
        training: Features of the clips that the generator was trained on, [clips, dimensions].
        percentile: Of the real test clips' distances, in (0, 50].

    Returns:
        "generated_median" and "real_test_median" of the distances, "threshold" (the percentile of
        the real test clips' distances), "near" (number of generated clips below it), "generated"
        (their number) and "near_share".

    Raises:
        ValueError: Wrong shapes, non-finite values, too few clips, a percentile out of range, or
            so many real test clips that are copies of training clips that the threshold is 0.
    """
    if not 0.0 < percentile <= 50.0:
        raise ValueError(f"percentile must lie in (0, 50]; received {percentile}.")
    least = int(np.ceil(100.0 / percentile))
    real_test = checked_features(
        "real_test", real_test, least, f"fewer have no clip at percentile {percentile:g}"
    )
    to_generated, _ = nearest_distances(generated, training)
    to_real, _ = nearest_distances(real_test, training)
    threshold = float(np.percentile(to_real, percentile))
    if threshold == 0.0:
        raise ValueError(
            f"{np.sum(to_real == 0.0)} of {len(to_real)} real test clips have the features of a "
            f"training clip exactly: no generated clip can be nearer. Are both of one split?"
        )
    near = int(np.sum(to_generated < threshold))
    return {
        "generated_median": float(np.median(to_generated)),
        "real_test_median": float(np.median(to_real)),
        "threshold": threshold,
        "near": near,
        "generated": len(to_generated),
        "near_share": near / len(to_generated),
    }


def _measures(real: np.ndarray, generated: np.ndarray, k: int) -> dict[str, float]:
    # Each clip's nearest is itself, at distance 0: its k-th other is the (k + 1)-th.
    real_radii, _ = _nearest(real, real, k + 1)
    generated_radii, _ = _nearest(generated, generated, k + 1)
    balls = np.zeros(len(generated), dtype=np.int64)  # real balls around each generated clip
    covered, recalled = np.zeros((2, len(real)), dtype=bool)
    for rows in _blocks(len(generated), len(real)):
        block, radii = generated[rows], generated_radii[rows, None]
        squared, slack = _expanded(block, real)
        unsure = (np.abs(squared - real_radii) <= slack) | (np.abs(squared - radii) <= slack)
        _refine(squared, unsure, block, real)
        inside = squared <= real_radii
        balls[rows] = inside.sum(axis=1)
        covered |= inside.any(axis=0)
        recalled |= (squared <= radii).any(axis=0)
    return {
        "precision": float(np.mean(balls > 0)),
        "recall": float(np.mean(recalled)),
        "density": float(np.mean(balls)) / k,
        "coverage": float(np.mean(covered)),
    }


def _nearest(queries: np.ndarray, references: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Gives squared distances to each query's k-th nearest reference, and the nearest's index."""
    kth, nearest = np.empty(len(queries)), np.empty(len(queries), dtype=np.int64)
    for rows in _blocks(len(queries), len(references)):
        squared, slack = _expanded(queries[rows], references)
        # An exact k-th distance is at most one slack above the rounded one, and whatever lies
        # below it at most one more.
        bound = np.partition(squared, k - 1, axis=1)[:, k - 1 : k] + 2.0 * slack
        _refine(squared, squared <= bound, queries[rows], references)
        kth[rows] = np.partition(squared, k - 1, axis=1)[:, k - 1]
        nearest[rows] = squared.argmin(axis=1)
    return kth, nearest


def _blocks(queries: int, references: int) -> Iterator[slice]:
    size = max(1, min(BLOCK_ROWS, BLOCK_VALUES // references))
    return (slice(start, start + size) for start in range(0, queries, size))


def _expanded(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gives ‖a‖² + ‖b‖² − 2a·b [a, b], and bounds [a, 1] of what rounding moves it by."""
    squares_a, squares_b = np.square(a).sum(axis=1)[:, None], np.square(b).sum(axis=1)
    squared = a @ b.T
    squared *= -2.0
    squared += squares_a
    squared += squares_b
    # Two sums of d products, each off by at most d·ε/2 of ‖a‖² + ‖b‖², three additions, and as
    # much again for the form ‖a − b‖² that it is compared with.
    rounding = 2.0 * (a.shape[1] + 2) * np.finfo(np.float64).eps
    return squared, rounding * (squares_a + squares_b.max())


def _refine(squared: np.ndarray, unsure: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    """Takes the squared distances of the unsure pairs again, as ‖a − b‖²."""
    rows, columns = np.nonzero(unsure)
    size = max(1, BLOCK_VALUES // a.shape[1])
    for start in range(0, len(rows), size):
        i, j = rows[start : start + size], columns[start : start + size]
        squared[i, j] = np.square(a[i] - b[j]).sum(axis=1)
