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


def cross_entropy(labels, logits):
    """Cross-entropy of class vectors against logits; equations (4) and (5).

    Labels [batch, classes], rows summing to one; logits [batch, classes]; returns [batch], in nats.
    """
    return -ops.sum(labels * ops.log_softmax(logits, axis=-1), axis=-1)
