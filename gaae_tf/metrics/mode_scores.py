"""Modified Inception Score (Gurumurthy et al. 2017) and AM score (Zhou et al. 2018), from logits.

Both follow the public SC09 evaluation of SaShiMi (Goel et al. 2022), which takes them over all
clips at once, without splits and without a deviation. It estimates the modified score from 10,000
pairs of clips drawn with replacement; here all n² pairs are summed, of which that draw is a sample,
and deviations come from a seeded bootstrap over the clips. Its Inception Score has no splits
either: p(y) is the mean over one half of the shuffled clips, the score that over the other, so that
an Inception Score of ten splits does not belong in one column with it.
"""

from collections.abc import Iterator

import numpy as np

# exp(709.8) is float64's largest value, and the deviation takes squares.
LARGEST_EXPONENT = 300.0


def modified_inception_score(
    logits: np.ndarray, resamples: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Gives exp(E_x E_x' KL(p(y|x) ‖ p(y|x'))) over all pairs of clips; higher is better.

    As a mean over pairs it is mean Σ p log p − Σ (mean p)(mean log p): no pair is visited. A clip's
    pair with itself counts, with divergence 0. There is no upper bound: it grows with the
    scorer's confidence, so that only values of one scorer compare.

    Args:
        logits: Of a scorer, [clips, classes]; at least as many clips as classes. Logits, not
            probabilities, whose logarithms of small values are lost.
        resamples: Bootstrap resamples for the deviation, at least 2.
        seed: Seed of the bootstrap.

    Returns:
        The score, at least 1, and its bootstrap standard deviation.

    Raises:
        ValueError: Wrong shape, non-finite values, too few clips, or a divergence beyond exp().
    """
    log_p = _log_probabilities(logits)
    p = np.exp(log_p)
    negative_entropy = np.sum(p * log_p, axis=1)
    _check_resamples(resamples)
    divergences = np.array(
        [
            weights @ negative_entropy - (weights @ p) @ (weights @ log_p)
            for weights in _weights(len(p), resamples, seed)
        ]
    )
    if divergences.max() > LARGEST_EXPONENT:
        raise ValueError(
            f"A mean divergence of {divergences.max():.4g} nats between two clips has no "
            f"exponential in float64: the scorer is certain beyond measure (largest logit "
            f"{np.max(logits):.4g})."
        )
    # Rounding can leave −1e-17 where all clips are alike.
    scores = np.exp(np.maximum(divergences, 0.0))
    return float(scores[0]), float(np.std(scores[1:], ddof=1))


def am_score(
    logits: np.ndarray, training_distribution: np.ndarray, resamples: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Gives KL(ȳ_train ‖ ȳ) + E_x H(p(y|x)), ȳ the mean of p(y|x); lower is better, at least 0.

    Args:
        logits: Of a scorer on generated clips, [clips, classes]; at least as many clips as classes.
        training_distribution: ȳ_train [classes], summing to 1: the mean of the same scorer's
            softmax outputs over the training clips (as on SC09), or the labels' shares.
        resamples: Bootstrap resamples for the deviation, at least 2.
        seed: Seed of the bootstrap.

    Returns:
        The score in nats, and its bootstrap standard deviation.

    Raises:
        ValueError: Wrong shapes, non-finite values, too few clips, or no distribution.
    """
    log_p = _log_probabilities(logits)
    clips, classes = log_p.shape
    training = np.asarray(training_distribution, dtype=np.float64)
    if training.shape != (classes,):
        raise ValueError(
            f"training_distribution must be of shape {(classes,)}, one share for each class of the "
            f"logits; received {training.shape}."
        )
    # In this order NaN is refused too.
    if not (training.min() >= 0.0 and abs(training.sum() - 1.0) <= 1e-4):
        raise ValueError(
            f"training_distribution must be non-negative and sum to 1; received {training}."
        )
    _check_resamples(resamples)
    entropy = -np.sum(np.exp(log_p) * log_p, axis=1)
    # Scaled by each class's largest probability, ȳ has a logarithm even where p underflows.
    largest = log_p.max(axis=0)
    scaled = np.exp(log_p - largest)
    present = training > 0.0
    own = np.sum(training[present] * np.log(training[present]))
    scores = []
    for weights in _weights(clips, resamples, seed):
        mean = (weights @ scaled)[present]
        if not mean.all():
            raise ValueError(
                f"Some classes have no probability in float64 outside single clips: the scorer is "
                f"certain beyond measure (largest logit {np.max(logits):.4g})."
            )
        log_mean = np.log(mean) + largest[present]
        scores.append(own - training[present] @ log_mean + weights @ entropy)
    return float(max(0.0, scores[0])), float(np.std(scores[1:], ddof=1))


def _log_probabilities(logits: np.ndarray) -> np.ndarray:
    x = np.asarray(logits, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(
            f"logits must be [clips, classes] with at least 2 classes, not of shape {x.shape}."
        )
    clips, classes = x.shape
    if clips < classes:
        raise ValueError(
            f"A score of {classes} classes needs at least {classes} clips; received {clips}."
        )
    if not np.all(np.isfinite(x)):
        bad = int(np.sum(~np.isfinite(x).all(axis=1)))
        raise ValueError(f"logits must be finite; {bad} of {clips} rows are not.")
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _check_resamples(resamples: int) -> None:
    if resamples < 2:
        raise ValueError(f"resamples must be at least 2 for a deviation; received {resamples}.")


def _weights(clips: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yields each clip's weight in the mean of all clips, then in those of the resamples."""
    yield np.full(clips, 1.0 / clips)
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(rng.integers(clips, size=clips), minlength=clips) / clips
