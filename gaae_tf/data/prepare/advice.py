"""What to know of a data set before it is trained on, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gaae_tf.data.again import classes_without, more_of
from gaae_tf.data.corpora.recording import listed
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.shards import Dataset
from gaae_tf.data.summary import duration

_LITTLE = 0.5  # share of the recordings that is worth a line


def advice(config: PrepareConfig, dataset: Dataset, entries: Sequence[dict[str, Any]]) -> list[str]:
    """Lines on classes without test clips, sound that is left unused, and lengths nobody knows.

    Args:
        config: the settings.
        dataset: what was made, in its final place.
        entries: of the journal, a shard each.
    """
    lines = [_on_test_clips(dataset), _on_unused_sound(config, entries)]
    untold = [source for entry in entries for source in entry.get("untold", ())]
    if untold:
        lines.append(
            f"the headers of {len(untold):,} recordings do not tell how long they are, as of those "
            "that were written to a pipe; they were read to their end, and whether they were cut "
            f"off cannot be seen: {listed(untold)}"
        )
    return [line for line in lines if line]


def _on_test_clips(dataset: Dataset) -> str:
    """What to do for the classes without test clips; "" if there are none."""
    without = classes_without(dataset, "test")
    if not without:
        return ""
    return (
        f"no test clips of {listed(without)}: evaluation needs some of each class; "
        f"{more_of(dataset, 'test')}"
    )


def _on_unused_sound(config: PrepareConfig, entries: Sequence[dict[str, Any]]) -> str:
    """What takes more of long recordings; "" where most is taken, or where clips were chosen."""
    chunks = {"folder": "chunk_s", "librispeech": "chunks"}.get(config.reader.corpus)
    if chunks is None or getattr(config.reader, chunks) not in (0.0, "one"):
        return ""
    clip_s = config.clip_samples / config.sample_rate_hz
    recorded_s = sum(entry.get("recorded_s", 0.0) for entry in entries)
    used_s = clip_s * sum(entry["clips"] for entry in entries)
    if used_s >= _LITTLE * recorded_s:
        return ""
    return (
        f"one clip of {clip_s:.3f} s is taken of each recording, {duration(used_s)} of "
        f"{duration(recorded_s)}; --chunks=all --overwrite takes all"
    )
