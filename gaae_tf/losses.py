"""The losses of the Guided Adversarial Autoencoder and its rivals, one value an example.

Source: paper III-B, equations (1) to (8); METHOD §2, where the signs that the paper's print
slipped are settled; arXiv 1605.09782 for the logistic ones, arXiv 1704.00028 for the Wasserstein
ones. All take and give float32 tensors; the train step reduces once, over the global batch.
"""

from __future__ import annotations

from keras import ops


def hinge_generator(fake_scores):
    """Generator's hinge loss, -score; equations (1) and (2). Scores [batch, 1]; returns [batch]."""
    return ops.squeeze(-fake_scores, axis=-1)


def hinge_real(real_scores):
    """Discriminator's hinge loss on real examples, relu(1 - score); equations (7) and (8).

    Scores [batch, 1]; returns [batch].
    """
    return ops.squeeze(ops.relu(1.0 - real_scores), axis=-1)


def hinge_fake(fake_scores):
    """Discriminator's hinge loss on generated examples, relu(1 + score); equations (7) and (8).

    Scores [batch, 1]; returns [batch].
    """
    return ops.squeeze(ops.relu(1.0 + fake_scores), axis=-1)


def logistic_real(real_scores):
    """Logistic loss of scores that should be of real examples, -log σ(score).

    Scores [batch, 1]; returns [batch], in nats.
    """
    return ops.squeeze(ops.softplus(-real_scores), axis=-1)


def logistic_fake(fake_scores):
    """Logistic loss of scores that should be of generated examples, -log(1 - σ(score)).

    Scores [batch, 1]; returns [batch], in nats.
    """
    return ops.squeeze(ops.softplus(fake_scores), axis=-1)


def wasserstein_critic(real_scores, fake_scores):
    """Critic's Wasserstein loss without its penalty, D(fake) - D(real); both [batch, 1].

    Returns [batch]. The generator's loss is `hinge_generator`.
    """
    return ops.squeeze(fake_scores - real_scores, axis=-1)


def gradient_penalty(norms):
    """How far norms of a critic's gradient are from 1, (norm - 1)²; [batch] both."""
    return ops.square(norms - 1.0)


def reconstruction(reconstructed, spectrograms):
    """Mean squared error of each spectrogram; equation (3).

    Both [batch, bins, frames, 1] in [-1, 1]; returns [batch].
    """
    return ops.mean(ops.square(reconstructed - spectrograms), axis=(1, 2, 3))


def emphasised_reconstruction(reconstructed, spectrograms, emphasis: float):
    """Squared error in which loud bins weigh more, the mean weight of a clip being 1.

    A bin of value x weighs exp(emphasis·x). In a plain mean, most of the bins of a note are silent
    ones, and the few of its harmonics hardly count.

    Both [batch, bins, frames, 1] in [-1, 1]; returns [batch].
    """
    weights = ops.exp(emphasis * spectrograms)
    weights = weights / ops.mean(weights, axis=(1, 2, 3), keepdims=True)
    return ops.mean(weights * ops.square(reconstructed - spectrograms), axis=(1, 2, 3))


def magnitude_error(reconstructed, spectrograms, nepers_per_unit: float):
    """Spectral convergence ‖M̂ − M‖ / ‖M‖ of the magnitudes M that spectrograms stand for.

    0 for equal ones, 1 for silence in place of a clip. Only a clip's loud bins count.

    Both [batch, bins, frames, 1] in [-1, 1]; 1 is `nepers_per_unit` nepers of log-magnitude, half
    of the dynamic range. Returns [batch].
    """
    # Relative to the clip's own peak, which keeps quiet clips within float32.
    peak = ops.max(spectrograms, axis=(1, 2, 3), keepdims=True)
    real = ops.exp(nepers_per_unit * (spectrograms - peak))
    made = ops.exp(nepers_per_unit * (reconstructed - peak))
    difference = ops.sum(ops.square(made - real), axis=(1, 2, 3))
    power = ops.sum(ops.square(real), axis=(1, 2, 3))
    return ops.sqrt(difference / power + 1e-8)  # whose gradient stays finite at 0


def sliced_wasserstein(codes, draws, directions):
    """Squared sliced Wasserstein distance of two sets of equally many points.

    Source: Bonneel et al. 2015; Kolouri et al. 2018 (arXiv 1804.01947). Along each direction the
    optimal transport of points pairs them in their order, so sorting solves it, and the gradient
    moves each code towards its partner.

    Codes and draws [points, dimensions], directions, unit vectors, [dimensions, count]; returns a
    scalar, the mean over directions and pairs of the squared difference.
    """
    sorted_codes = ops.sort(ops.matmul(codes, directions), axis=0)
    sorted_draws = ops.sort(ops.matmul(draws, directions), axis=0)
    return ops.mean(ops.square(sorted_codes - sorted_draws))


def whitening(codes):
    """How far codes are from mean 0 and covariance I: mean square of each entry's deviation.

    Args:
        codes: [points, dimensions], more points than dimensions.

    Returns:
        A scalar.
    """
    mean = ops.mean(codes, axis=0)
    centred = codes - mean
    count, size = ops.cast(ops.shape(codes)[0], "float32"), codes.shape[-1]
    covariance = ops.matmul(ops.transpose(centred), centred) / count
    return ops.mean(ops.square(covariance - ops.eye(size))) * size + ops.mean(ops.square(mean))


def confident_cross_entropy(teacher, logits, confidence: float):
    """Cross-entropy against a teacher's likeliest class, where the teacher is confident enough.

    Source: FixMatch (Sohn et al. 2020, arXiv 2001.07685). 0 for an example of whose class the
    teacher is less sure than `confidence`.

    Teacher's probabilities and logits [batch, classes]; returns [batch], in nats.
    """
    labels = ops.one_hot(ops.argmax(teacher, axis=-1), teacher.shape[-1])
    sure = ops.cast(ops.max(teacher, axis=-1) >= confidence, "float32")
    return sure * cross_entropy(labels, logits)


def cross_entropy(labels, logits):
    """Cross-entropy of class vectors against logits; equations (4) and (5).

    Labels [batch, classes], rows summing to one; logits [batch, classes]; returns [batch], in nats.
    """
    return -ops.sum(labels * ops.log_softmax(logits, axis=-1), axis=-1)
