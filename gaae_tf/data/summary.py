"""What a data set folder holds, for reading."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from gaae_tf.data.shards import Dataset
from gaae_tf.data.statistics import clipped_share
from gaae_tf.data.terms import Skipped


def summary(dataset: Dataset) -> str:
    """Classes, clips, speakers, seconds, levels, dynamic range, and what was left out and why."""
    seconds = dataset.clip_samples / dataset.sample_rate_hz
    clips = sum(dataset.counts.values())
    lines = [
        f"{dataset.path}: {dataset.name}, {clips:,} clips of {dataset.clip_samples:,} samples at "
        f"{dataset.sample_rate_hz:,} Hz ({seconds:.3f} s each, {duration(clips * seconds)})"
    ]
    for split, number in dataset.counts.items():
        by_class = dataset.counts_by_class[split]
        line = f"  {split:<5} {number:>7,} clips, {duration(number * seconds)}"
        if dataset.speakers[split]:
            line += f", {dataset.speakers[split]:,} speakers"
        if any(by_class.values()):
            line += f": {_counts(by_class)}"
        if split == "train" and dataset.unlabelled:
            line += f"; {dataset.unlabelled:,} without a label"
        lines.append(line)
    if dataset.extra_labels:
        lines.append(f"  every clip also has: {', '.join(dataset.extra_labels)}")
    low, middle, high = (_percentile(dataset.levels_dbfs, p) for p in (0.05, 0.5, 0.95))
    lines.append(f"  RMS level: median {middle} dBFS, nine of ten from {low} to {high}")
    statistics, suggested = dataset.statistics, dataset.suggested_dynamic_range_nepers
    shares = ", ".join(
        f"{clipped_share(dataset.histogram, statistics.maximum, r):.1%} at r = {r:g}"
        for r in sorted({10.0, 15.0, suggested})
    )
    stft = dataset.stft
    lines += [
        f"  training log-magnitudes ({stft.window} {stft.window_samples}, hop {stft.hop_samples}): "
        f"maximum {statistics.maximum:.2f}, mean {statistics.mean:.2f}, deviation "
        f"{statistics.deviation:.2f} nepers",
        f"  bins clipped: {shares}; suggested: --dynamic_range_nepers={suggested:g}",
        f"  settings: {', '.join(f'{key}={_text(v)}' for key, v in dataset.settings.items())}",
    ]
    if dataset.licence:
        lines.append(f"  licence: {dataset.licence.strip().splitlines()[0]}")
    if dataset.ignored_files:
        lines.append(f"  {dataset.ignored_files:,} files that the corpus does not use were ignored")
    if dataset.absent_files:
        lines.append(
            f"  {dataset.absent_files:,} recordings that the corpus's lists name were not there"
        )
    for left_out, name in ((dataset.quiet, "near-silent clips"), (dataset.skipped, "recordings")):
        if left_out:
            lines.append(f"  {len(left_out):,} {name} were skipped:{reasons(left_out)}")
    return "\n".join(lines)


def reasons(skipped: Sequence[Skipped], most: int = 20) -> str:
    """Which recordings were left out and why, a line each."""
    lines = [f"\n    {s.source}: {s.reason}" for s in skipped[:most]]
    rest = len(skipped) - most
    return "".join(lines) + (f"\n    and {rest} more" if rest > 0 else "")


def _counts(by_class: Mapping[str, int], most: int = 20) -> str:
    listed = [f"{clips} {name}" for name, clips in itertools.islice(by_class.items(), most)]
    rest = len(by_class) - len(listed)
    return ", ".join(listed) + (f" and {rest} more classes" if rest else "")


def _percentile(levels: Mapping[str, int], share: float) -> str:
    """The level below or at which this share of clips is, to a whole dB."""
    needed, seen = share * sum(levels.values()), 0
    for level, clips in levels.items():
        seen += clips
        if seen >= needed:
            return level
    raise ValueError("no levels")


def duration(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds."""
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


def _text(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
