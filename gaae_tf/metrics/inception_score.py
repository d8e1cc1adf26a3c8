"""Inception Score of class probabilities (Salimans et al. 2016; METHOD §7)."""

import numpy as np


def inception_score(
    probabilities: np.ndarray, splits: int = 10, seed: int = 0
) -> tuple[float, float]:
    """Gives exp(mean KL(p(y|x) ‖ p(y))), as mean and deviation over `splits` parts.

    The clips are dealt to the parts in an order drawn from `seed`: in the order of generation,
    often class by class, a part could hold a single class and score 1.

    Args:
        probabilities: Softmax outputs of a scorer, [clips, classes]; each row sums to 1.
        splits: Number of parts, at least 2. Each must hold at least as many clips as there are
            classes, or no sample however good could reach the full score.
        seed: Seed of the dealing.

    Returns:
        Mean and population standard deviation over the parts; both in [1, classes] and
        [0, classes].

    Raises:
        ValueError: Wrong shape, values that are no probabilities, or too few clips.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or p.shape[1] < 2:
        raise ValueError(
            f"probabilities must be [clips, classes] with at least 2 classes, not of shape "
            f"{p.shape}."
        )
    clips, classes = p.shape
    if splits < 2:
        raise ValueError(f"splits must be at least 2, to have a deviation; received {splits}.")
    if clips < splits * classes:
        raise ValueError(
            f"An Inception Score of {classes} classes in splits={splits} parts needs at least "
            f"{splits * classes} clips; received {clips}."
        )
    if not np.all(np.isfinite(p)):
        bad = int(np.sum(~np.isfinite(p).all(axis=1)))
        raise ValueError(f"probabilities must be finite; {bad} of {clips} rows are not.")
    row_error = float(np.max(np.abs(p.sum(axis=1) - 1.0)))
    if p.min() < 0.0 or row_error > 1e-4:
        raise ValueError(
            f"Each row of probabilities must be non-negative and sum to 1; the smallest value is "
            f"{p.min():.3g}, the largest error of a sum {row_error:.3g}. Pass softmax outputs, "
            f"not logits."
        )
    order = np.random.default_rng(seed).permutation(clips)
    scores = [_score_of_part(p[part]) for part in np.array_split(order, splits)]
    return float(np.mean(scores)), float(np.std(scores))


def _score_of_part(p: np.ndarray) -> float:
    marginal = p.mean(axis=0, keepdims=True)
    # 0 · log 0 = 0; where p > 0 the marginal is positive too.
    ratio = np.divide(p, marginal, out=np.ones_like(p), where=p > 0.0)
    return float(np.exp(np.mean(np.sum(p * np.log(ratio), axis=1))))
