"""Corpus to data set folder: decode, resample and write all clips, and take their statistics.

    python -m gaae_tf.data.prepare --corpus=folder --source=DIR --out=datasets/mine
    python -m gaae_tf.data.prepare --corpus=notes --out=datasets/notes

The folder is written under a temporary name beside --out and renamed when it is whole. Equal input
gives equal files, byte for byte, whatever the number of workers.
"""

import collections
import contextlib
import dataclasses
import itertools
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import app, flags

from gaae_tf.data import shards
from gaae_tf.data.audio import BadAudio, decode_clip, to_int16
from gaae_tf.data.corpora import FolderCorpus, Recording, notes_corpus
from gaae_tf.data.shards import SPLITS, UNLABELLED, DataError, Dataset, Shard, Skipped
from gaae_tf.data.statistics import MAGNITUDE_FLOOR, LogMagnitudeAccumulator
from gaae_tf.ops.stft import StftSettings

CORPORA = ("folder", "notes")

_SHARD_BYTES = 32 * 2**20  # of audio
_STATISTICS_CLIPS = 64  # taken together; also the step in which memory is held


@dataclasses.dataclass(frozen=True)
class PrepareConfig:
    """What to prepare, and how.

    Attributes:
        out: the data set folder to make.
        corpus: "folder" for any folder with one subfolder a class, "notes" for the embedded notes.
        source: the corpus's folder; none for "notes".
        sample_rate_hz: of the clips, 1,000 to 192,000.
        clip_samples: length of the clips, a multiple of the hop.
        stft: the transform whose log-magnitude statistics are stored.
        valid_percent: share of each class for validation, where the source has no splits itself.
        test_percent: the same for testing; both together below 100.
        seed: of that split.
        max_bad_percent: more unusable recordings than this are an error.
        workers: threads that decode; 0 for one a core.
        overwrite: whether to replace a data set at `out`.

    Raises:
        DataError: a field is out of range.
    """

    out: Path
    corpus: str = "folder"
    source: Path | None = None
    sample_rate_hz: int = 16_000
    clip_samples: int = 16_384
    stft: StftSettings = dataclasses.field(default_factory=StftSettings)
    valid_percent: float = 10.0
    test_percent: float = 10.0
    seed: int = 0
    max_bad_percent: float = 1.0
    workers: int = 0
    overwrite: bool = False

    def __post_init__(self):
        if self.corpus not in CORPORA:
            raise DataError(f"corpus must be one of {', '.join(CORPORA)}, not {self.corpus!r}")
        if self.corpus == "folder" and self.source is None:
            raise DataError("corpus folder needs a source: --source=DIR with one subfolder a class")
        if self.corpus == "notes" and self.source is not None:
            raise DataError(f"corpus notes is embedded and takes no source, not {self.source}")
        if not 1_000 <= self.sample_rate_hz <= 192_000:
            raise DataError(
                f"sample_rate_hz must be from 1,000 to 192,000, not {self.sample_rate_hz}"
            )
        if self.clip_samples < 1 or self.clip_samples % self.stft.hop_samples:
            raise DataError(
                f"clip_samples must be a positive multiple of hop_samples "
                f"({self.stft.hop_samples}), not {self.clip_samples}"
            )
        for name in ("valid_percent", "test_percent"):
            if not 0.0 <= getattr(self, name) < 100.0:
                raise DataError(f"{name} must be from 0 to below 100, not {getattr(self, name)}")
        if self.valid_percent + self.test_percent >= 100.0:
            raise DataError(
                f"valid_percent and test_percent must leave something to train with, "
                f"not {self.valid_percent} and {self.test_percent}"
            )
        if not 0.0 <= self.max_bad_percent <= 100.0:
            raise DataError(f"max_bad_percent must be from 0 to 100, not {self.max_bad_percent}")
        if self.workers < 0:
            raise DataError(f"workers must be 0 (one a core) or more, not {self.workers}")


def prepare(config: PrepareConfig, progress: bool = True) -> Dataset:
    """Makes a data set folder of a corpus.

    Args:
        config: what and how.
        progress: whether to write progress and what was skipped to stderr.

    Returns:
        The finished data set.

    Raises:
        DataError: the source is missing or laid out otherwise, has too many bad recordings or none
            for a class, or `out` exists already. Nothing is left behind.
        OSError: `out` cannot be written. Nothing is left behind.
    """
    out = Path(config.out)
    _check_out(out, config)
    if config.corpus == "notes":
        corpus = notes_corpus()
    else:
        corpus = FolderCorpus(config.source, config.valid_percent, config.test_percent, config.seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
    try:
        partial.chmod(0o777 & ~_umask())
        dataset = _write(corpus, config, partial, progress)
        _move(partial, out, config.overwrite)
    except tf.errors.OpError as error:  # of TFRecordWriter: a full disk, say
        raise OSError(f"cannot write {out}: {error.message}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    dataset = dataclasses.replace(dataset, path=out)
    if progress:
        print(_summary(dataset), file=sys.stderr)
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
            corpus="notes",
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


def _write(corpus: FolderCorpus, config: PrepareConfig, folder: Path, progress: bool) -> Dataset:
    """Writes shards and description into `folder`, which exists and is empty."""
    recordings = corpus.recordings
    label_index = {name: index for index, name in enumerate(corpus.classes)} | {None: UNLABELLED}
    statistics = LogMagnitudeAccumulator(config.stft)
    waiting: list[np.ndarray] = []  # training clips not yet in the statistics
    skipped: list[Skipped] = []
    by_class = {split: dict.fromkeys(corpus.classes, 0) for split in SPLITS}
    unlabelled = 0
    meter = _Progress(len(recordings), progress)
    # Enough bad recordings to stop early: the limit, but a list worth reading.
    allowed = int(len(recordings) * config.max_bad_percent / 100)

    def usable(decoded: Iterator[tuple[Recording, np.ndarray | BadAudio]]) -> Iterator[tuple]:
        nonlocal unlabelled
        for recording, clip in decoded:
            meter.step()
            if isinstance(clip, BadAudio):
                skipped.append(Skipped(recording.source, str(clip)))
                if len(skipped) > max(allowed, 20):
                    raise _too_bad(skipped, recordings, config)
                continue
            if recording.split == "train":
                waiting.append(clip)
                if len(waiting) == _STATISTICS_CLIPS:
                    statistics.add(np.stack(waiting))
                    waiting.clear()
            if recording.label is None:
                unlabelled += 1
            else:
                by_class[recording.split][recording.label] += 1
            yield clip, label_index[recording.label], recording.speaker, recording.source

    written: list[Shard] = []
    per_shard = max(1, _SHARD_BYTES // (2 * config.clip_samples))
    with contextlib.closing(_decoded(recordings, config)) as decoded:
        for split in SPLITS:
            candidates = sum(recording.split == split for recording in recordings)
            count = -(-candidates // per_shard)
            for index in range(count):
                block = min(per_shard, candidates - index * per_shard)
                path = folder / shards.shard_name(split, index, count)
                clips = usable(itertools.islice(decoded, block))
                written.append(shards.write_shard(path, split, clips))
    if waiting:
        statistics.add(np.stack(waiting))
    meter.close()
    if len(skipped) > allowed:
        raise _too_bad(skipped, recordings, config)
    for name, number in by_class["train"].items():
        if not number:
            raise DataError(f"class {name} has no usable training recording: {_reasons(skipped)}")
    dataset = Dataset(
        path=folder,
        name=corpus.name,
        sample_rate_hz=config.sample_rate_hz,
        clip_samples=config.clip_samples,
        classes=corpus.classes,
        counts={split: sum(s.clips for s in written if s.split == split) for split in SPLITS},
        counts_by_class=by_class,
        unlabelled=unlabelled,
        stft=config.stft,
        statistics=statistics.result(),
        magnitude_floor=MAGNITUDE_FLOOR,
        licence=corpus.licence,
        skipped=tuple(skipped),
        ignored_files=corpus.ignored_files,
        settings=_settings(config, corpus),
        shards=tuple(written),
    )
    shards.write_description(dataset)
    return dataset


def _settings(config: PrepareConfig, corpus: FolderCorpus) -> dict[str, object]:
    """The settings that shaped the data set and are not told elsewhere in its description."""
    names = ["corpus", "max_bad_percent"]
    if not corpus.own_splits:
        names += ["valid_percent", "test_percent", "seed"]
    return {name: getattr(config, name) for name in names}


def _decoded(
    recordings: list[Recording], config: PrepareConfig
) -> Iterator[tuple[Recording, np.ndarray | BadAudio]]:
    """Each recording with its clip, int16 [clip_samples], or why there is none; in their order."""

    def decode(recording: Recording) -> np.ndarray | BadAudio:
        try:
            clip = decode_clip(recording.path, config.sample_rate_hz, config.clip_samples)
        except BadAudio as error:
            return error
        return to_int16(clip)

    workers = config.workers or _cores()
    pool = ThreadPoolExecutor(workers)
    ahead = collections.deque()  # bounds what is decoded before it is written
    try:
        for recording in recordings:
            ahead.append((recording, pool.submit(decode, recording)))
            if len(ahead) > 32 * workers:
                first, clip = ahead.popleft()
                yield first, clip.result()
        while ahead:
            first, clip = ahead.popleft()
            yield first, clip.result()
    finally:
        pool.shutdown(cancel_futures=True)


class _Progress:
    """Recordings done, rate and time left on stderr, each second on a terminal, else each ten."""

    def __init__(self, total: int, shown: bool):
        self.total, self.done = total, 0
        self.stream = sys.stderr if shown else None
        self.terminal = shown and sys.stderr.isatty()
        self.started = self.shown = time.monotonic()

    def step(self) -> None:
        self.done += 1
        now = time.monotonic()
        if self.stream and now - self.shown > (1 if self.terminal else 10):
            self.shown = now
            self._show(now)

    def close(self) -> None:
        if self.stream:
            self._show(time.monotonic())
            if self.terminal:
                print(file=self.stream)

    def _show(self, now: float) -> None:
        rate = self.done / max(now - self.started, 1e-3)
        left = (self.total - self.done) / max(rate, 1e-3)
        line = f"{self.done:,} of {self.total:,} recordings, {rate:,.0f}/s, {left:,.0f} s left"
        if self.terminal:
            print(f"\r{line}\033[K", end="", file=self.stream, flush=True)
        else:
            print(line, file=self.stream, flush=True)


def _check_out(out: Path, config: PrepareConfig) -> None:
    """Raises DataError unless `out` is free or may be replaced."""
    if config.source is not None:
        source, target = Path(config.source).resolve(), out.resolve()
        if target == source or source in target.parents or target in source.parents:
            raise DataError(f"out {out} and source {config.source} must not contain each other")
    if not os.path.lexists(out):
        return
    if not config.overwrite:
        raise DataError(f"out {out} exists already; --overwrite replaces it")
    if not out.is_dir() or (any(out.iterdir()) and not (out / shards.DESCRIPTION).is_file()):
        raise DataError(f"out {out} is no data set folder, so it is not overwritten")


def _move(partial: Path, out: Path, overwrite: bool) -> None:
    """Renames `partial` to `out`; what was there goes once its successor is in place."""
    if not overwrite or not os.path.lexists(out):
        partial.rename(out)  # fails if another process has made `out` in the meantime
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}.old-", dir=out.parent))
    try:
        out.rename(old)
        try:
            partial.rename(out)
        except BaseException:
            old.rename(out)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _too_bad(skipped: list[Skipped], recordings: list[Recording], config: PrepareConfig):
    return DataError(
        f"{len(skipped)} of {len(recordings)} recordings cannot be used, more than "
        f"--max_bad_percent={config.max_bad_percent:g}: {_reasons(skipped)}"
    )


def _reasons(skipped: list[Skipped], most: int = 20) -> str:
    lines = [f"\n  {s.source}: {s.reason}" for s in skipped[:most]]
    rest = len(skipped) - most
    return "".join(lines) + (f"\n  and {rest} more" if rest > 0 else "")


def _summary(dataset: Dataset) -> str:
    lines = [f"{dataset.path}: {', '.join(f'{n} {s}' for s, n in dataset.counts.items())} clips"]
    for split, counts in dataset.counts_by_class.items():
        listed = [f"{n} {name}" for name, n in itertools.islice(counts.items(), 20)]
        rest = len(counts) - len(listed)
        more = f" and {rest} more classes" if rest else ""
        lines.append(f"  {split}: {', '.join(listed)}{more}")
    if dataset.unlabelled:
        lines.append(f"  train also has {dataset.unlabelled} without a label")
    if dataset.ignored_files:
        lines.append(f"  {dataset.ignored_files} files that are no audio were ignored")
    if dataset.skipped:
        reasons = _reasons(list(dataset.skipped))
        lines.append(f"  {len(dataset.skipped)} recordings were skipped:{reasons}")
    return "\n".join(lines)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _define_flags() -> None:
    defaults = PrepareConfig(out=Path(), source=Path())
    stft = defaults.stft
    flags.DEFINE_enum("corpus", defaults.corpus, CORPORA, "folder: one subfolder a class")
    flags.DEFINE_string("source", None, "the corpus's folder")
    flags.DEFINE_string("out", None, "data set folder to make", required=True)
    flags.DEFINE_integer("sample_rate_hz", defaults.sample_rate_hz, "of the clips")
    flags.DEFINE_integer("clip_samples", defaults.clip_samples, "length of the clips")
    flags.DEFINE_string("window", stft.window, "for the statistics")
    flags.DEFINE_integer("window_samples", stft.window_samples, "for the statistics")
    flags.DEFINE_integer("hop_samples", stft.hop_samples, "for the statistics")
    flags.DEFINE_integer("fft_size", stft.fft_size, "for the statistics")
    flags.DEFINE_float("valid_percent", defaults.valid_percent, "of each class, without own splits")
    flags.DEFINE_float("test_percent", defaults.test_percent, "of each class, without own splits")
    flags.DEFINE_integer("seed", defaults.seed, "of the split")
    flags.DEFINE_float("max_bad_percent", defaults.max_bad_percent, "more bad files are an error")
    flags.DEFINE_integer("workers", defaults.workers, "decoding threads; 0: one a core")
    flags.DEFINE_boolean("overwrite", defaults.overwrite, "replace a data set that is there")


def _config_of(values: flags.FlagValues) -> PrepareConfig:
    return PrepareConfig(
        out=Path(values.out),
        corpus=values.corpus,
        source=Path(values.source) if values.source else None,
        sample_rate_hz=values.sample_rate_hz,
        clip_samples=values.clip_samples,
        stft=StftSettings(
            window=values.window,
            window_samples=values.window_samples,
            hop_samples=values.hop_samples,
            fft_size=values.fft_size,
        ),
        valid_percent=values.valid_percent,
        test_percent=values.test_percent,
        seed=values.seed,
        max_bad_percent=values.max_bad_percent,
        workers=values.workers,
        overwrite=values.overwrite,
    )


def main(argv: list[str]) -> int:
    """The command: reads flags and prepares. Returns 1 on an error, 130 when interrupted."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and clean up
    try:
        config = _config_of(flags.FLAGS)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    try:
        prepare(config)
    except (DataError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing was left behind", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    _define_flags()
    app.run(main)
