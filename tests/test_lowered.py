"""Clips that are played lower, in sound and among the clips that a run trains on."""

import dataclasses

import numpy as np
import pytest

from gaae_tf.data.lowered import lowered
from gaae_tf.training.resolve import TrainingClips, with_lowered

SAMPLES, RATE_HZ = 4096, 8000


def tone(frequency_hz, phase=0.3):
    time_s = np.arange(SAMPLES) / RATE_HZ
    return np.rint(9000.0 * np.sin(2.0 * np.pi * frequency_hz * time_s + phase)).astype(np.int16)


@pytest.mark.parametrize("semitones", [1, 2, 12])
def test_a_tone_falls_by_so_many_semitones_from_the_same_start(semitones):
    (made,) = lowered(tone(1000.0)[np.newaxis], semitones)
    expected = tone(1000.0 * 2.0 ** (-semitones / 12))
    inside = slice(200, -200)  # a filter rings where a tone begins and ends at once
    np.testing.assert_allclose(made[inside], expected[inside], atol=9000 * 2e-3)
    assert np.corrcoef(made[:200], expected[:200])[0, 1] > 0.99


def clips(labelled):
    audio = np.stack([tone(400.0), tone(700.0), tone(900.0)])
    return TrainingClips(audio, np.array([0, 1, 0], np.int32), labelled, ("a", "c"), None)


def test_lowered_clips_stand_behind_the_others_with_their_labels():
    made = with_lowered(clips(np.array([0, 2])), 2)
    np.testing.assert_array_equal(made.audio[:3], clips(None).audio)
    np.testing.assert_array_equal(made.audio[3:6], lowered(clips(None).audio, 1))
    np.testing.assert_array_equal(made.audio[6:], lowered(clips(None).audio, 2))
    assert made.labels.tolist() == [0, 1, 0] * 3
    assert made.labelled.tolist() == [0, 2, 3, 5, 6, 8]
    assert made.sources == ("a", "c")
    assert with_lowered(clips(None), 1).labelled is None


def test_without_lowering_the_clips_are_those_of_before():
    before = clips(np.array([1]))
    assert with_lowered(before, 0) is before
    assert {field.name for field in dataclasses.fields(before)} == {
        *("audio", "labels", "labelled", "sources", "guidance")
    }
