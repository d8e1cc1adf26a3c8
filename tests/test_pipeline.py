import itertools

import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.data.pipeline import (
    Draws,
    evaluation_batches,
    held_once,
    map_clips,
    training_stream,
)
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling, LogMagnitudeStatistics
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.signal_path import SignalPath

CLIPS, SAMPLES = 7, 64
SIGNAL_PATH = SignalPath(
    stft=StftSettings("hann", 16, 8, 16),
    scaling=LogMagnitudeScaling(statistics=LogMagnitudeStatistics(3.0, 0.0, 1.0)),
)


@pytest.fixture
def audio():
    return np.random.default_rng(0).integers(-20_000, 20_000, (CLIPS, SAMPLES)).astype(np.int16)


def stream(audio, **changes):
    return training_stream(
        audio,
        labels=np.arange(CLIPS) % 2,
        labelled=np.array([1, 2, 5]),
        draws=Draws(**{"batch_size": 2, "count": 3, "seed": 4} | changes),
        classes=2,
        transform=SIGNAL_PATH.spectrogram,
    )


def taken(data, steps):
    return [tf.nest.map_structure(lambda t: t.numpy(), b) for b in itertools.islice(data, steps)]


def identities(audio, spectrograms):
    """Which clip each spectrogram is of."""
    known = SIGNAL_PATH.spectrogram(audio.astype(np.float32) / 32768.0).numpy()
    distance = np.abs(spectrograms[:, None] - known[None]).max(axis=(2, 3, 4))
    assert distance.min(1).max() < 1e-5
    return distance.argmin(1).tolist()


def test_a_step_has_its_draws_of_spectrograms_and_one_hot_labels(audio):
    (step,) = taken(stream(audio), 1)
    assert len(step) == 3
    for x_u, x_l, y_l in step:
        assert x_u.shape == x_l.shape == (2, 8, 8, 1)
        assert np.abs(x_u).max() <= 1.0
        assert y_l.sum(1).tolist() == [1.0, 1.0]


def test_every_pass_visits_every_clip_once_in_another_order(audio):
    steps = taken(stream(audio), 7)  # 7 steps × 3 draws × 2 clips: 6 passes over 7 clips
    order = identities(audio, np.concatenate([x_u for step in steps for x_u, _, _ in step]))
    passes = [tuple(order[i : i + CLIPS]) for i in range(0, len(order), CLIPS)]
    assert len(passes) == 6
    assert all(sorted(one) == list(range(CLIPS)) for one in passes)
    assert len(set(passes)) > 3


def test_labelled_clips_cycle_evenly_and_carry_their_own_label(audio):
    steps = taken(stream(audio), 4)  # 24 labelled draws of 3 clips
    order, labels = [], []
    for step in steps:
        for _, x_l, y_l in step:
            order += identities(audio, x_l)
            labels += y_l.argmax(1).tolist()
    assert np.bincount(order, minlength=CLIPS).tolist() == [0, 8, 8, 0, 0, 8, 0]
    assert labels == [i % 2 for i in order]


def test_a_stream_from_a_later_step_is_the_rest_of_the_whole_one(audio):
    whole, rest = taken(stream(audio), 6), taken(stream(audio, first_step=4), 2)
    for a, b in zip(tf.nest.flatten(whole[4:]), tf.nest.flatten(rest), strict=True):
        assert np.array_equal(a, b)


def test_another_seed_gives_another_order(audio):
    a, b = (taken(stream(audio, seed=seed), 1)[0][0][0] for seed in (4, 5))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_evaluation_neither_loses_nor_repeats_a_clip(audio, batch_size):
    batches = list(evaluation_batches(audio, batch_size))
    assert np.array_equal(np.concatenate(batches), audio.astype(np.float32) / 32768.0)
    assert np.array_equal(map_clips(lambda x: x[:, 0], audio, batch_size), audio[:, 0] / 32768.0)


def test_replicas_streams_have_the_rows_of_the_global_batches_in_turn(audio):
    whole = taken(stream(audio, batch_size=6, first_step=2), 2)
    alone = taken(stream(audio, batch_size=6, first_step=2, replicas=(range(1), 3)), 2)
    others = taken(stream(audio, batch_size=6, first_step=2, replicas=(range(1, 3), 3)), 4)
    for step in range(2):
        parts = [alone[step], *others[2 * step : 2 * step + 2]]
        for draw in range(3):
            for tensor in range(3):
                joined = np.concatenate([part[draw][tensor] for part in parts])
                np.testing.assert_array_equal(joined, whole[step][draw][tensor])


def test_clips_that_are_held_once_are_one_memory_and_give_the_same_batches(audio):
    tensor, array = held_once(audio)
    assert np.shares_memory(np.asarray(memoryview(tensor)), array)
    np.testing.assert_array_equal(array, audio)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1  # TensorFlow takes tensors not to change
    batches = [taken(stream(clips), 2) for clips in (audio, tensor)]
    for a, b in zip(*map(tf.nest.flatten, batches), strict=True):
        assert np.array_equal(a, b)
