"""Groups of clips of one colour, a voice or a microphone, found without labels."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from scipy.cluster.vq import kmeans2

from gaae_tf.systems.additions import remembered

_LOUDEST = 0.1  # share of a bin's frames
_AXES = 10
_TRIES = 10


class ColourGroups:
    """Which of some groups of alike colour a clip belongs to; checkpoints hold them.

    The colour of a clip is what the loudest tenth of its frames reach in each bin, on average: it
    tells the voice and the microphone more than what is said. Of many clips it is reduced to its
    `_AXES` principal axes, each scaled to deviation 1, and clustered by k-means.

    Args:
        count: of the groups.
        bins: of the spectrograms.
    """

    def __init__(self, count: int, bins: int):
        axes = min(_AXES, bins)
        self.mean = remembered(tf.zeros([bins]), "colour_mean")
        self.axes = remembered(tf.zeros([bins, axes]), "colour_axes")
        self.centres = remembered(tf.zeros([count, axes]), "colour_centres")

    def find(self, spectrograms: tf.Tensor, seed: int) -> list[int]:
        """Finds the groups of clips [clips, bins, frames, 1].

        Returns:
            How many of the clips are in each.

        Raises:
            ValueError: there are fewer clips than groups.
        """
        count, axes = self.centres.shape
        if len(spectrograms) < count:
            raise ValueError(
                f"pseudo_label_groups={count} needs as many clips at least, and the groups are "
                f"found among {len(spectrograms)}; give fewer groups"
            )
        colours = _colours(spectrograms).numpy().astype(np.float64)
        mean = colours.mean(axis=0)
        _, deviations, directions = np.linalg.svd(colours - mean, full_matrices=False)
        deviations = deviations[:axes] / np.sqrt(len(colours))
        # Few clips do not vary along all axes, and what they do not vary along tells nothing.
        known = deviations > 1e-6 * deviations[0]
        scaled = np.zeros((len(mean), axes))
        scaled[:, : len(known)][:, known] = directions[:axes][known].T / deviations[known]
        points = (colours - mean) @ scaled
        best = None
        for attempt in range(_TRIES):
            random = np.random.default_rng([seed, attempt])
            centres, nearest = kmeans2(points, count, minit="++", seed=random)
            error = np.sum((points - centres[nearest]) ** 2)
            if best is None or error < best[0]:
                best = error, centres, nearest
        self.mean.assign(mean.astype(np.float32))
        self.axes.assign(scaled.astype(np.float32))
        _, centres, nearest = best
        self.centres.assign(centres.astype(np.float32))
        return np.bincount(nearest, minlength=count).tolist()

    def of(self, spectrograms: tf.Tensor) -> tf.Tensor:
        """The group of each clip, one-hot float32 [clips, groups]."""
        points = tf.matmul(_colours(spectrograms) - self.mean, self.axes)
        distances = tf.reduce_sum(tf.square(points[:, None] - self.centres), axis=-1)
        return tf.one_hot(tf.argmin(distances, axis=-1), self.centres.shape[0])


def _colours(spectrograms):
    """The mean of the loudest tenth of frames in each bin, float32 [clips, bins]."""
    by_bin = tf.cast(spectrograms[..., 0], tf.float32)
    loudest = tf.math.top_k(by_bin, max(1, round(_LOUDEST * by_bin.shape[-1])), sorted=False)
    return tf.reduce_mean(loudest.values, axis=-1)
