"""The description of what was written, and the picture of its histogram."""

from __future__ import annotations

import collections
import dataclasses
from pathlib import Path
from typing import Any

from gaae_tf.data import shards
from gaae_tf.data.corpora.recording import Corpus, Recording
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.shards import Dataset, Shard
from gaae_tf.data.statistics import LogMagnitudeAccumulator, clipped_share, suggested_dynamic_range
from gaae_tf.data.summary import reasons
from gaae_tf.data.terms import SPLITS, DataError, Skipped
from gaae_tf.report import figures
from gaae_tf.report.figures import histogram_figure

HISTOGRAM = "histogram.png"  # and .pdf


def describe(
    corpus: Corpus,
    config: PrepareConfig,
    folder: Path,
    entries: list[dict[str, Any]],
    skipped: list[Skipped],
) -> Dataset:
    """Writes `dataset.json` and the histogram's pictures from what the journal tells.

    Args:
        corpus: what was read.
        config: the settings.
        folder: with the shards.
        entries: of the journal, a shard each.
        skipped: recordings that could not be used.

    Raises:
        DataError: a class, or all of them, has no usable training recording.
    """
    quiet = [Skipped(**clip) for entry in entries for clip in entry["quiet"]]
    kept = _kept(corpus, [*skipped, *quiet])
    speakers: dict[str, set[str]] = {split: set() for split in SPLITS}
    for recording in kept:
        speakers[recording.split].add(recording.speaker)
    statistics = LogMagnitudeAccumulator(config.stft)
    levels: collections.Counter[int] = collections.Counter()
    for entry in entries:
        statistics.merge(LogMagnitudeAccumulator.from_state(config.stft, entry["statistics"]))
        levels.update({int(level): clips for level, clips in entry["levels_dbfs"].items()})
    fields = [field.name for field in dataclasses.fields(Shard)]
    written = tuple(Shard(**{name: entry[name] for name in fields}) for entry in entries)
    result, histogram = statistics.result(), statistics.histogram()
    dataset = Dataset(
        path=folder,
        name=corpus.name,
        sample_rate_hz=config.sample_rate_hz,
        clip_samples=config.clip_samples,
        classes=corpus.classes,
        counts={split: sum(s.clips for s in written if s.split == split) for split in SPLITS},
        counts_by_class=_counts_by_class(corpus.classes, kept),
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


def _kept(corpus: Corpus, left_out: list[Skipped]) -> list[Recording]:
    """The recordings that are in the data set; raises DataError without any for training."""
    names = {clip.source for clip in left_out}
    kept = [recording for recording in corpus.recordings if recording.source not in names]
    trained = {recording.label for recording in kept if recording.split == "train"}
    for name in corpus.classes:
        if name not in trained:
            raise DataError(f"class {name} has no usable training recording: {reasons(left_out)}")
    if not trained:
        raise DataError(f"no training recording can be used: {reasons(left_out)}")
    return kept


def _counts_by_class(
    classes: tuple[str, ...], recordings: list[Recording]
) -> dict[str, dict[str, int]]:
    """Labelled clips of each class in each split."""
    counts = {split: dict.fromkeys(classes, 0) for split in SPLITS}
    for recording in recordings:
        if recording.label is not None:
            counts[recording.split][recording.label] += 1
    return counts


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
