"""Recordings to clips with their levels and statistics, in threads."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gaae_tf.data.audio import BadAudio, decode_clips, to_int16
from gaae_tf.data.corpora.recording import Recording
from gaae_tf.data.levels import levels_dbfs
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.sources import Source
from gaae_tf.data.statistics import LogMagnitudeAccumulator
from gaae_tf.data.streams import Length

_GROUP = 256  # clips of one file taken together: each group begins at the file's beginning
_BATCH = 16  # clips, or more, that a thread decodes at a time


@dataclasses.dataclass(frozen=True)
class Clip:
    """A decoded clip.

    Attributes:
        audio: int16 [clip_samples].
        level_dbfs: its level.
        loudest_dbfs: that of its loudest 50 ms.
        statistics: if it is for training.
        length: of the recording that it is from.
    """

    audio: np.ndarray
    level_dbfs: float
    loudest_dbfs: float
    statistics: LogMagnitudeAccumulator | None
    length: Length


def clips_of(
    source: Source, recordings: list[Recording], config: PrepareConfig
) -> Iterator[tuple[Recording, Clip | BadAudio]]:
    """Each recording with its clip, or why there is none; in their order."""

    def decode(batch: list[list[Recording]]) -> list[tuple[Recording, Clip | BadAudio]]:
        return [pair for group in batch for pair in _decoded(source, group, config)]

    workers = config.workers or _cores()
    pool = ThreadPoolExecutor(workers)
    ahead = collections.deque()  # bounds what is decoded before it is written
    try:
        for batch in _batches(recordings):
            ahead.append(pool.submit(decode, batch))
            if len(ahead) > 2 * workers:
                yield from ahead.popleft().result()
        for pairs in ahead:
            yield from pairs.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decoded(
    source: Source, group: list[Recording], config: PrepareConfig
) -> Iterator[tuple[Recording, Clip | BadAudio]]:
    """The recordings of one file, each with its clip or why there is none."""
    lengths: list[Length] = []
    try:
        clips = decode_clips(
            source.audio(group[0].file),
            config.sample_rate_hz,
            config.clip_samples,
            [recording.start_s for recording in group],
            lengths.append,
        )
    except BadAudio as error:
        clips = [error] * len(group)
    for recording, clip in zip(group, clips, strict=True):
        if isinstance(clip, BadAudio):
            yield recording, clip
            continue
        audio, statistics = to_int16(clip), None
        if recording.split == "train":
            statistics = LogMagnitudeAccumulator(config.stft)
            statistics.add(audio[np.newaxis])
        levels = levels_dbfs(audio, config.sample_rate_hz)
        yield recording, Clip(audio, *levels, statistics, lengths[0])


def _batches(recordings: list[Recording]) -> Iterator[list[list[Recording]]]:
    """Groups of `_groups`, so many that handing them to a thread costs little beside decoding."""
    batch, size = [], 0
    for group in _groups(recordings):
        batch.append(group)
        size += len(group)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _groups(recordings: list[Recording]) -> Iterator[list[Recording]]:
    """Consecutive recordings of one file and split, at most `_GROUP` together."""
    for _, group in itertools.groupby(recordings, lambda r: (r.file, r.split)):
        while together := list(itertools.islice(group, _GROUP)):
            yield together


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
