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

_GROUP = 64  # clips of one file taken together


@dataclasses.dataclass(frozen=True)
class Clip:
    """A decoded clip: int16 [clip_samples], its levels, and statistics if it is for training."""

    audio: np.ndarray
    level_dbfs: float
    loudest_dbfs: float
    statistics: LogMagnitudeAccumulator | None


def clips_of(
    source: Source, recordings: list[Recording], config: PrepareConfig
) -> Iterator[tuple[Recording, Clip | BadAudio]]:
    """Each recording with its clip, or why there is none; in their order."""

    def decode(group: list[Recording]) -> list[Clip | BadAudio]:
        try:
            clips = decode_clips(
                source.audio(group[0].file),
                config.sample_rate_hz,
                config.clip_samples,
                [recording.start_s for recording in group],
            )
        except BadAudio as error:
            return [error] * len(group)
        return [
            clip if isinstance(clip, BadAudio) else measure(clip, recording.split)
            for recording, clip in zip(group, clips, strict=True)
        ]

    def measure(clip: np.ndarray, split: str) -> Clip:
        audio = to_int16(clip)
        statistics = None
        if split == "train":
            statistics = LogMagnitudeAccumulator(config.stft)
            statistics.add(audio[np.newaxis])
        return Clip(audio, *levels_dbfs(audio, config.sample_rate_hz), statistics)

    workers = config.workers or _cores()
    pool = ThreadPoolExecutor(workers)
    ahead = collections.deque()  # bounds what is decoded before it is written
    clips_ahead = 0
    try:
        for group in _groups(recordings):
            ahead.append((group, pool.submit(decode, group)))
            clips_ahead += len(group)
            while clips_ahead > 32 * workers + _GROUP:
                first, clips = ahead.popleft()
                clips_ahead -= len(first)
                yield from zip(first, clips.result(), strict=True)
        for first, clips in ahead:
            yield from zip(first, clips.result(), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _groups(recordings: list[Recording]) -> Iterator[list[Recording]]:
    """Consecutive recordings of one file and split, at most `_GROUP` together."""
    for _, group in itertools.groupby(recordings, lambda r: (r.file, r.split)):
        while together := list(itertools.islice(group, _GROUP)):
            yield together


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
