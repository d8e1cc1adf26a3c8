import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.systems.colour import ColourGroups

BINS, FRAMES, VOICES = 32, 20, 4


def recordings(per_voice=30, seed=0):
    """Clips of some voices, each of which filters bursts in its own way."""
    random = np.random.default_rng(seed)
    filters = np.random.default_rng(9).normal(0.0, 0.3, (VOICES, BINS))
    voices = np.tile(np.arange(VOICES), per_voice)
    said = random.normal(0.0, 0.05, (len(voices), BINS, 1)) - 1.0
    bursts = random.uniform(0.0, 1.0, (len(voices), 1, FRAMES)) ** 3
    return (said + bursts + filters[voices, :, None])[..., None].astype(np.float32), voices


def test_clips_of_one_voice_are_one_group_and_of_two_voices_two():
    clips, voices = recordings()
    groups = ColourGroups(VOICES, BINS)
    assert groups.find(tf.constant(clips), seed=0) == [30] * VOICES
    unseen, theirs = recordings(per_voice=10, seed=1)
    for these, spoken_by in ((clips, voices), (unseen, theirs)):
        found = groups.of(tf.constant(these)).numpy()
        assert found.shape == (len(these), VOICES)
        assert found.sum(axis=1).tolist() == [1.0] * len(these)
        pairs = set(zip(found.argmax(axis=1).tolist(), spoken_by.tolist(), strict=True))
        assert len(pairs) == VOICES


def test_the_same_seed_finds_the_same_groups():
    clips = tf.constant(recordings()[0])
    one, two = ColourGroups(3, BINS), ColourGroups(3, BINS)
    for groups in (one, two):
        groups.find(clips, seed=5)
    assert np.array_equal(one.centres, two.centres)


def test_few_clips_leave_axes_that_tell_nothing_and_too_few_are_refused():
    clips = tf.constant(recordings()[0][:5])
    groups = ColourGroups(3, BINS)
    groups.find(clips, seed=0)
    assert np.count_nonzero(np.any(groups.axes != 0.0, axis=0)) == 4  # five points span four axes
    assert np.max(np.abs(groups.axes)) < 100.0
    with pytest.raises(ValueError, match="pseudo_label_groups=3 needs as many clips at least"):
        groups.find(clips[:2], seed=0)
