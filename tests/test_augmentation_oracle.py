"""Masks of `systems.augmentation` beside those of tensorflow-io, which the extra [io] brings."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.systems import augmentation

BINS, FRAMES = 32, 16


@pytest.fixture(scope="module")
def masks():
    """Its two masks by the axis of ours that each covers; it takes [frames, bins]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its file systems do not load beside TensorFlow from 2.18
        audio = pytest.importorskip("tensorflow_io").audio
    return {"bins": audio.freq_mask, "frames": audio.time_mask}


def masked(x, axis, width, start):
    """Ours, of all 0 but the mask of one axis; `width` and `start` are shares in [0, 1)."""
    columns = dict.fromkeys(augmentation._COLUMNS, 0.0)
    columns |= {f"{axis}_masked": width, f"{axis}_from": start, "shift": 0.5}

    def drawn(stream, sampler):
        made = sampler(1, tf.constant([0, 0], tf.int64))
        if stream == augmentation._NOISE:
            return tf.zeros_like(made)
        return tf.constant([[*columns.values()]])

    return augmentation.augmented(x[None, ..., None], drawn, channel=False).numpy()[0, ..., 0]


@pytest.mark.parametrize("axis", ["bins", "frames"])
@pytest.mark.parametrize("width", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("start", [0.0, 0.3, 0.99])
def test_masks_cover_what_those_of_tensorflow_io_cover(masks, monkeypatch, axis, width, start):
    size = {"bins": BINS, "frames": FRAMES}[axis]
    x = tf.random.stateless_uniform([BINS, FRAMES], [1, 2], 0.5, 1.0)
    largest = int(augmentation.LARGEST_MASK * size) + 1  # which its draws do not reach

    def uniform(shape, minval, maxval, dtype):
        if int(maxval) == largest:
            return tf.constant(int(width * largest), dtype)
        # Ours reach the last place, too, which its draws leave out.
        return tf.constant(int(start * (int(maxval) + 1)), dtype)

    monkeypatch.setattr(tf.random, "uniform", uniform)
    theirs = masks[axis](tf.transpose(x), largest).numpy().T
    ours = masked(x, axis, width, start)
    np.testing.assert_array_equal(ours == 0.0, theirs == 0.0)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
