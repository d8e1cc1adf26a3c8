"""Corpus to data set folder: decode, resample and write all clips, and take their statistics.

`commands.prepare` is its command. The folder is written under a temporary name beside its place and
renamed when it is whole; begun again, what is missing is done.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import hashlib
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gaae_tf.data import shards
from gaae_tf.data.audio import BadAudio, decode_clips, to_int16
from gaae_tf.data.corpora.notes import NotesReader
from gaae_tf.data.corpora.recording import Corpus, Recording, listed
from gaae_tf.data.levels import levels_dbfs
from gaae_tf.data.preparation import PrepareConfig
from gaae_tf.data.progress import Progress
from gaae_tf.data.shards import Dataset, Shard
from gaae_tf.data.sources import Source
from gaae_tf.data.statistics import LogMagnitudeAccumulator, clipped_share, suggested_dynamic_range
from gaae_tf.data.summary import reasons, summary
from gaae_tf.data.terms import SPLITS, UNLABELLED, DataError, Skipped
from gaae_tf.data.unfinished import UnfinishedFolder, unfinished_folder
from gaae_tf.ops.settings import StftSettings
from gaae_tf.report import figures
from gaae_tf.report.histogram import histogram_figure

HISTOGRAM = "histogram.png"  # and .pdf

_SHARD_BYTES = 32 * 2**20  # of audio
_GROUP = 64  # clips of one file taken together


def prepare(config: PrepareConfig, progress: bool = True) -> Dataset:
    """Makes a data set folder of a corpus.

    Args:
        config: what and how.
        progress: whether to write progress and what was skipped to stderr.

    Returns:
        The finished data set.

    Raises:
        DataError: the source is missing or laid out otherwise, has too many bad recordings or none
            for a class, or `out` exists already. Nothing is left behind but what an interrupted
            call had finished.
        OSError: `out` cannot be written. What is finished is kept for the next try.
    """
    out = Path(config.out)
    check_out(out, config)
    try:
        # Behind a link, so that the folder is made on the disk where it shall be.
        with unfinished_folder(out.resolve() if out.is_symlink() else out, progress) as folder:
            try:
                check_out(out, config)  # another process may have made it while this one waited
                dataset = _prepare(config, folder, progress)
                folder.move(config.overwrite)
            except DataError:
                if (
                    folder.is_new
                ):  # else it is the work of an earlier call, and settings may be wrong
                    folder.remove()
                raise
            folder.remove()
    except tf.errors.OpError as error:  # of TFRecordWriter: a full disk, say
        raise OSError(f"cannot write {out}: {error.message}") from error
    dataset = dataclasses.replace(dataset, path=out)
    if progress:
        print(summary(dataset), file=sys.stderr)
    return dataset


def ensure_notes(
    sample_rate_hz: int = 16_000,
    clip_samples: int = 16_384,
    stft: StftSettings | None = None,
    folder: str | Path = "datasets",
) -> Path:
    """Path of the embedded notes as a data set, prepared now if it is not there yet.

    Args:
        sample_rate_hz: of the clips.
        clip_samples: length of the clips.
        stft: the transform whose statistics are stored if it is prepared now; one that is there
            may have others'.
        folder: where data sets are. `notes` in it has the default rate and length, others carry
            theirs in the name: `notes_8000hz_8192`.

    Raises:
        DataError: a setting is out of range, or what is there is no such data set.
    """
    default = (sample_rate_hz, clip_samples) == (16_000, 16_384)
    out = Path(folder) / ("notes" if default else f"notes_{sample_rate_hz}hz_{clip_samples}")
    if not out.exists():
        config = PrepareConfig(
            out=out,
            reader=NotesReader(),
            sample_rate_hz=sample_rate_hz,
            clip_samples=clip_samples,
            stft=stft or StftSettings(),
        )
        try:
            prepare(config)
        except (DataError, OSError):
            if not out.exists():  # else another process has made it in the meantime
                raise
    dataset = shards.load_dataset(out)
    if (dataset.sample_rate_hz, dataset.clip_samples) != (sample_rate_hz, clip_samples):
        raise DataError(
            f"{out} has clips of {dataset.clip_samples} samples at {dataset.sample_rate_hz} Hz, "
            f"not {clip_samples} at {sample_rate_hz} Hz; remove it or name another data set"
        )
    return out


def _prepare(config: PrepareConfig, folder: UnfinishedFolder, progress: bool) -> Dataset:
    """Reads the corpus and writes what is missing of it."""
    folder.scratch.mkdir(exist_ok=True)
    reader = config.reader
    with reader.open(config.sources, folder.scratch) as source:
        corpus = reader.read(source)
        identity = [source.fingerprint(), shards.FORMAT_VERSION, _SHARD_BYTES]
        identity += [reader.corpus, dataclasses.asdict(reader), config.min_level_dbfs]
        identity += [config.sample_rate_hz, config.clip_samples, dataclasses.asdict(config.stft)]
        text = json.dumps(identity)
        if folder.begin(hashlib.sha256(text.encode()).hexdigest()) and progress:
            print(f"going on with {folder.path}", file=sys.stderr)
        if corpus.absent and progress:
            print(
                f"{corpus.name}'s lists name {len(corpus.absent):,} recordings that "
                f"{source.name} does not have: {listed(corpus.absent)}",
                file=sys.stderr,
            )
        return _write(source, corpus, config, folder, progress)


@dataclasses.dataclass(frozen=True)
class _Block:
    """The recordings of one shard."""

    file: str
    split: str
    recordings: tuple[Recording, ...]


def _blocks(corpus: Corpus, clip_samples: int) -> list[_Block]:
    per_shard = max(1, _SHARD_BYTES // (2 * clip_samples))
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


def _write(
    source: Source, corpus: Corpus, config: PrepareConfig, folder: UnfinishedFolder, progress: bool
) -> Dataset:
    """Writes the shards that are not there yet, and the description."""
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
        with contextlib.closing(_decoded(source, recordings, config)) as decoded:
            for block in blocks:
                if block.file in folder.finished:
                    skipped += [Skipped(**bad) for bad in folder.finished[block.file]["skipped"]]
                else:
                    entry = _write_block(block, corpus, decoded, config, folder.whole, skip, meter)
                    folder.record(block.file, entry)
    finally:
        meter.close()
    if len(skipped) > allowed:
        raise _too_bad(skipped, total, config)
    return _describe(corpus, config, blocks, folder, skipped)


def _write_block(
    block: _Block,
    corpus: Corpus,
    decoded: Iterator[tuple[Recording, _Clip | BadAudio]],
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

    def usable() -> Iterator[tuple]:
        for recording, clip in itertools.islice(decoded, len(block.recordings)):
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
                label = label_index[recording.label]
                yield clip.audio, label, recording.speaker, recording.source, recording.extra

    shard = shards.write_shard(folder / block.file, block.split, usable())
    return {
        **dataclasses.asdict(shard),
        "skipped": [dataclasses.asdict(bad) for bad in skipped],
        "quiet": [dataclasses.asdict(clip) for clip in quiet],
        "levels_dbfs": levels,
        "statistics": statistics.state(),
    }


def _describe(
    corpus: Corpus,
    config: PrepareConfig,
    blocks: list[_Block],
    folder: UnfinishedFolder,
    skipped: list[Skipped],
) -> Dataset:
    """Writes `dataset.json` and the histogram's pictures from what the journal tells."""
    entries = [folder.finished[block.file] for block in blocks]
    quiet = [Skipped(**clip) for entry in entries for clip in entry["quiet"]]
    left_out = {clip.source for clip in (*skipped, *quiet)}
    kept = [recording for recording in corpus.recordings if recording.source not in left_out]
    by_class = {split: dict.fromkeys(corpus.classes, 0) for split in SPLITS}
    speakers: dict[str, set[str]] = {split: set() for split in SPLITS}
    for recording in kept:
        speakers[recording.split].add(recording.speaker)
        if recording.label is not None:
            by_class[recording.split][recording.label] += 1
    for name, number in by_class["train"].items():
        if not number:
            why = reasons([*skipped, *quiet])
            raise DataError(f"class {name} has no usable training recording: {why}")
    if not any(recording.split == "train" for recording in kept):
        raise DataError(f"no training recording can be used: {reasons([*skipped, *quiet])}")
    statistics = LogMagnitudeAccumulator(config.stft)
    levels: collections.Counter[int] = collections.Counter()
    for entry in entries:
        statistics.merge(LogMagnitudeAccumulator.from_state(config.stft, entry["statistics"]))
        levels.update({int(level): clips for level, clips in entry["levels_dbfs"].items()})
    fields = [field.name for field in dataclasses.fields(Shard)]
    written = tuple(Shard(**{name: entry[name] for name in fields}) for entry in entries)
    result, histogram = statistics.result(), statistics.histogram()
    dataset = Dataset(
        path=folder.whole,
        name=corpus.name,
        sample_rate_hz=config.sample_rate_hz,
        clip_samples=config.clip_samples,
        classes=corpus.classes,
        counts={split: sum(s.clips for s in written if s.split == split) for split in SPLITS},
        counts_by_class=by_class,
        unlabelled=sum(recording.label is None for recording in kept),
        speakers={split: len(names - {""}) for split, names in speakers.items()},
        extra_labels=corpus.extra_labels,
        stft=config.stft,
        statistics=result,
        histogram=histogram,
        suggested_dynamic_range_nepers=suggested_dynamic_range(histogram, result.maximum),
        levels_dbfs={str(level): levels[level] for level in sorted(levels)},
        licence=corpus.licence,
        skipped=tuple(skipped),
        quiet=tuple(quiet),
        ignored_files=corpus.ignored_files,
        settings=_settings(config) | {"own_splits": corpus.own_splits},
        shards=written,
        absent_files=len(corpus.absent),
    )
    _draw_histogram(dataset, config.dynamic_range_nepers)
    shards.write_description(dataset)
    return dataset


def _draw_histogram(dataset: Dataset, dynamic_range_nepers: float) -> None:
    histogram, maximum = dataset.histogram, dataset.statistics.maximum
    figure = histogram_figure(
        histogram.counts,
        histogram.edges_nepers,
        maximum=maximum,
        dynamic_range_nepers=dynamic_range_nepers,
        clipped_share=clipped_share(histogram, maximum, dynamic_range_nepers),
        silent_share=histogram.silent_share,
        title=f"{dataset.name}: log-magnitudes of {dataset.counts['train']:,} training clips",
    )
    for suffix in (".png", ".pdf"):
        figures.save(figure, (dataset.path / HISTOGRAM).with_suffix(suffix))


def _settings(config: PrepareConfig) -> dict[str, Any]:
    """The settings that shaped the data set and are not told elsewhere in its description."""
    return {
        "corpus": config.reader.corpus,
        **dataclasses.asdict(config.reader),
        "dynamic_range_nepers": config.dynamic_range_nepers,
        "min_level_dbfs": config.min_level_dbfs,
        "max_bad_percent": config.max_bad_percent,
    }


@dataclasses.dataclass(frozen=True)
class _Clip:
    """A decoded clip: int16 [clip_samples], its levels, and statistics if it is for training."""

    audio: np.ndarray
    level_dbfs: float
    loudest_dbfs: float
    statistics: LogMagnitudeAccumulator | None


def _decoded(
    source: Source, recordings: list[Recording], config: PrepareConfig
) -> Iterator[tuple[Recording, _Clip | BadAudio]]:
    """Each recording with its clip, or why there is none; in their order."""

    def decode(group: list[Recording]) -> list[_Clip | BadAudio]:
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

    def measure(clip: np.ndarray, split: str) -> _Clip:
        audio = to_int16(clip)
        statistics = None
        if split == "train":
            statistics = LogMagnitudeAccumulator(config.stft)
            statistics.add(audio[np.newaxis])
        return _Clip(audio, *levels_dbfs(audio, config.sample_rate_hz), statistics)

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


def check_out(out: Path, config: PrepareConfig) -> None:
    """Raises DataError unless `out` is free or may be replaced."""
    for path in config.sources:
        source, target = path.resolve(), out.resolve()
        if target == source or source in target.parents or target in source.parents:
            raise DataError(f"out {out} and source {path} must not contain each other")
    if not os.path.lexists(out):
        return
    if not config.overwrite:
        raise DataError(f"out {out} exists already; --overwrite replaces it")
    if not out.is_dir() or (any(out.iterdir()) and not (out / shards.DESCRIPTION).is_file()):
        raise DataError(f"out {out} is no data set folder, so it is not overwritten")


def _too_bad(skipped: list[Skipped], total: int, config: PrepareConfig) -> DataError:
    return DataError(
        f"{len(skipped)} of {total} recordings cannot be used, more than "
        f"--max_bad_percent={config.max_bad_percent:g}: {reasons(skipped)}"
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    from gaae_tf.commands.opening import run

    sys.exit(run("prepare", sys.argv[1:], "python -m gaae_tf.data.prepare"))
