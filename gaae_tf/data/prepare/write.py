"""Shards of a corpus, a block of recordings each."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gaae_tf.data import shards
from gaae_tf.data.audio import BadAudio
from gaae_tf.data.corpora.recording import Corpus, Recording
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.decode import Clip, clips_of
from gaae_tf.data.progress import Progress
from gaae_tf.data.sources import Source
from gaae_tf.data.statistics import LogMagnitudeAccumulator
from gaae_tf.data.summary import reasons
from gaae_tf.data.terms import SPLITS, UNLABELLED, DataError, Skipped
from gaae_tf.data.unfinished import UnfinishedFolder

SHARD_BYTES = 32 * 2**20  # of audio


@dataclasses.dataclass(frozen=True)
class _Block:
    """The recordings of one shard."""

    file: str
    split: str
    recordings: tuple[Recording, ...]


def _blocks(corpus: Corpus, clip_samples: int) -> list[_Block]:
    per_shard = max(1, SHARD_BYTES // (2 * clip_samples))
    blocks = []
    for split in SPLITS:
        recordings = [recording for recording in corpus.recordings if recording.split == split]
        count = -(-len(recordings) // per_shard)
        blocks += [
            _Block(
                shards.shard_name(split, index, count),
                split,
                tuple(recordings[index * per_shard : (index + 1) * per_shard]),
            )
            for index in range(count)
        ]
    return blocks


def write(
    source: Source, corpus: Corpus, config: PrepareConfig, folder: UnfinishedFolder, progress: bool
) -> tuple[list[dict[str, Any]], list[Skipped]]:
    """Writes the shards that are not there yet.

    Returns:
        What the journal tells of each shard, in their order, and the recordings left out.

    Raises:
        DataError: more recordings than `max_bad_percent` cannot be used.
    """
    blocks = _blocks(corpus, config.clip_samples)
    total = len(corpus.recordings) + len(corpus.skipped)
    # Enough bad recordings to stop early: the limit, but a list worth reading.
    allowed = int(total * config.max_bad_percent / 100)
    skipped = list(corpus.skipped)

    def skip(bad: Skipped) -> None:
        skipped.append(bad)
        if len(skipped) > max(allowed, 20):
            raise _too_bad(skipped, total, config)

    if len(skipped) > allowed:
        raise _too_bad(skipped, total, config)
    missing = [block for block in blocks if block.file not in folder.finished]
    recordings = [recording for block in missing for recording in block.recordings]
    meter = Progress(total, "recordings", progress, done=total - len(recordings))
    try:
        with contextlib.closing(clips_of(source, recordings, config)) as clips:
            for block in blocks:
                if block.file in folder.finished:
                    skipped += [Skipped(**bad) for bad in folder.finished[block.file]["skipped"]]
                else:
                    entry = _write_block(block, corpus, clips, config, folder.whole, skip, meter)
                    folder.record(block.file, entry)
    finally:
        meter.close()
    if len(skipped) > allowed:
        raise _too_bad(skipped, total, config)
    return [folder.finished[block.file] for block in blocks], skipped


def _write_block(
    block: _Block,
    corpus: Corpus,
    clips: Iterator[tuple[Recording, Clip | BadAudio]],
    config: PrepareConfig,
    folder: Path,
    skip: Callable[[Skipped], None],
    meter: Progress,
) -> dict[str, Any]:
    """Writes a shard; returns all that the description must know of it, as JSON has it."""
    label_index = {name: index for index, name in enumerate(corpus.classes)} | {None: UNLABELLED}
    skipped: list[Skipped] = []
    quiet: list[Skipped] = []
    levels: collections.Counter[int] = collections.Counter()
    statistics = LogMagnitudeAccumulator(config.stft)
    untold: list[str] = []
    recorded_s = 0.0

    def usable() -> Iterator[tuple]:
        nonlocal recorded_s
        for recording, clip in itertools.islice(clips, len(block.recordings)):
            meter.step()
            if isinstance(clip, BadAudio):
                skipped.append(Skipped(recording.source, str(clip)))
                skip(skipped[-1])
            elif config.min_level_dbfs is not None and clip.loudest_dbfs < config.min_level_dbfs:
                quiet.append(Skipped(recording.source, f"{clip.loudest_dbfs:.1f} dBFS at most"))
            else:
                levels[round(clip.level_dbfs)] += 1
                if clip.statistics is not None:
                    statistics.merge(clip.statistics)
                recorded_s += clip.length.seconds or 0.0
                if not clip.length.is_told:
                    untold.append(recording.source)
                label = label_index[recording.label]
                yield clip.audio, label, recording.speaker, recording.source, recording.extra

    shard = shards.write_shard(folder / block.file, block.split, usable())
    return {
        **dataclasses.asdict(shard),
        "skipped": [dataclasses.asdict(bad) for bad in skipped],
        "quiet": [dataclasses.asdict(clip) for clip in quiet],
        "levels_dbfs": levels,
        "statistics": statistics.state(),
        "untold": untold,
        "recorded_s": recorded_s,
    }


def _too_bad(skipped: list[Skipped], total: int, config: PrepareConfig) -> DataError:
    return DataError(
        f"{len(skipped)} of {total} recordings cannot be used, more than "
        f"--max_bad_percent={config.max_bad_percent:g}: {reasons(skipped)}"
    )
