"""Kernel distance between sets of features, the literature's KID (Bińkowski et al. 2018)."""

import numpy as np

from gaae_tf.metrics.features import check_same_dimensions, checked_features

SUBSET_SIZE = 1000
BLOCK_ROWS = 1000


def kernel_distance(
    real: np.ndarray,
    generated: np.ndarray,
    subsets: int = 100,
    subset_size: int | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Gives the unbiased squared MMD as mean and deviation over random subsets of both sets.

    Unlike the Fréchet distance its expectation does not depend on the number of clips, and it may
    be negative: 0 is its expectation for two samples of one distribution. Subsets are drawn
    without replacement, as in the authors' code.

    Args:
        real: Features, [clips, dimensions].
        generated: Features, [clips, dimensions].
        subsets: Number of subsets, at least 2.
        subset_size: Clips of either set in a subset. Default: 1,000 as in the literature, or half
            the smaller set where it holds fewer than 2,000 clips. Subsets that are nearly the
            whole set repeat one another, and their deviation would claim a certainty that is not
            there.
        seed: Seed of the drawing.

    Returns:
        Mean and population standard deviation over the subsets. The deviation is that of one
        subset's value: it depends on `subset_size`, the mean does not.

    Raises:
        ValueError: Wrong shapes, non-finite values, too few clips, or subsets that are not
            proper subsets of at least one of the sets.
    """
    why = "a subset of half of them must hold a pair"
    real = checked_features("real", real, 4, why)
    generated = checked_features("generated", generated, 4, why)
    check_same_dimensions(real=real, generated=generated)
    if subsets < 2:
        raise ValueError(f"subsets must be at least 2, to have a deviation; received {subsets}.")
    smaller, larger = sorted((len(real), len(generated)))
    if subset_size is None:
        subset_size = subset_clips(smaller, larger)
    if not 2 <= subset_size <= smaller or subset_size == larger:
        raise ValueError(
            f"subset_size must lie in [2, {smaller}], and below {larger}, else all subsets are the "
            f"same; received {subset_size} for {len(real)} real and {len(generated)} generated "
            f"clips. squared_mmd() takes whole sets."
        )
    rng = np.random.default_rng(seed)
    values = [
        squared_mmd(
            real[rng.choice(len(real), subset_size, replace=False)],
            generated[rng.choice(len(generated), subset_size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return float(np.mean(values)), float(np.std(values))


def subset_clips(real: int, generated: int) -> int:
    """Clips of either set in a subset, by default, of sets of so many clips."""
    return min(SUBSET_SIZE, min(real, generated) // 2)


def squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Gives the unbiased estimate of the squared maximum mean discrepancy of two whole sets.

    The kernel is (x·y / dimensions + 1)³. With one set on both sides the value is negative, not 0:
    the cross term holds each clip's kernel with itself, the other two do not.

    Args:
        x: Features, [clips, dimensions].
        y: Features, [clips, dimensions]; its number of clips may differ.

    Raises:
        ValueError: Wrong shapes, non-finite values, or fewer than 2 clips.
    """
    x = checked_features("x", x, 2, "the estimate needs pairs")
    y = checked_features("y", y, 2, "the estimate needs pairs")
    check_same_dimensions(x=x, y=y)
    # Bińkowski et al., eq. 4, with each clip's kernel with itself left out.
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2.0 * _kernel_sum(x, y) / (len(x) * len(y))


def _mean_of_pairs(x: np.ndarray) -> float:
    own = (np.square(x).sum(axis=1) / x.shape[1] + 1.0) ** 3
    return (_kernel_sum(x, x) - float(own.sum())) / (len(x) * (len(x) - 1))


def _kernel_sum(x: np.ndarray, y: np.ndarray) -> float:
    total = 0.0
    for i in range(0, len(x), BLOCK_ROWS):
        for j in range(0, len(y), BLOCK_ROWS):
            kernel = x[i : i + BLOCK_ROWS] @ y[j : j + BLOCK_ROWS].T / x.shape[1] + 1.0
            total += float(np.sum(kernel * kernel * kernel))
    return total
