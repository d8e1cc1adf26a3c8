"""The losses of the Guided Adversarial Autoencoder, one value an example.

Source: paper III-B, equations (1) to (8); METHOD §2, where the signs that the paper's print
slipped are settled. All take and give float32 tensors; the train step reduces once, over the global
batch.
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
