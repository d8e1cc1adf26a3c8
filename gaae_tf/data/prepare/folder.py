"""A data set folder made of a corpus: whole, or left for the next call to finish."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
from pathlib import Path

import tensorflow as tf

from gaae_tf.data import shards
from gaae_tf.data.corpora.notes import NotesReader
from gaae_tf.data.corpora.recording import listed
from gaae_tf.data.prepare.advice import advice
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.describe import describe
from gaae_tf.data.prepare.write import SHARD_BYTES, write
from gaae_tf.data.shards import Dataset
from gaae_tf.data.summary import summary
from gaae_tf.data.terms import DataError
from gaae_tf.data.unfinished import UnfinishedFolder, unfinished_folder
from gaae_tf.ops.settings import StftSettings


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
                dataset, lines = _prepare(config, folder, progress)
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
        for line in lines:
            print(f"note: {line}", file=sys.stderr)
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
            notes = prepare(config, progress=False)  # two seconds
            print(
                f"{out}: the embedded notes, {sum(notes.counts.values()):,} clips of "
                f"{clip_samples:,} samples at {sample_rate_hz:,} Hz; `gaae prepare "
                f"--describe={out}` tells more.",
                file=sys.stderr,
            )
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


def _prepare(
    config: PrepareConfig, folder: UnfinishedFolder, progress: bool
) -> tuple[Dataset, list[str]]:
    """Reads the corpus and writes what is missing of it; returns the advice on it too."""
    folder.scratch.mkdir(exist_ok=True)
    reader = config.reader
    with reader.open(config.sources, folder.scratch) as source:
        corpus = reader.read(source)
        identity = [source.fingerprint(), shards.FORMAT_VERSION, SHARD_BYTES]
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
        entries, skipped = write(source, corpus, config, folder, progress)
        dataset = describe(corpus, config, folder.whole, entries, skipped)
        named = dataclasses.replace(dataset, path=config.out)
        return dataset, advice(config, named, entries)
