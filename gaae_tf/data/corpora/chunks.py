"""Recordings that are cut into clips: how long they are, and where clips begin."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from gaae_tf.data.audio import BadAudio, duration_s
from gaae_tf.data.progress import Progress
from gaae_tf.data.sources import Source

CHUNKS = ("one", "all")  # clips of a recording
_AHEAD = 4096  # recordings measured together; more than these take seconds, so progress is shown


def lengths_s(source: Source, names: list[str]) -> Iterator[tuple[str, float | BadAudio]]:
    """Each recording with its length in seconds, or why it has none."""

    def length_s(name: str) -> float | BadAudio:
        try:
            return duration_s(source.audio(name))
        except BadAudio as error:
            return error

    progress = Progress(len(names), "recordings measured", shown=len(names) > _AHEAD)
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(names), _AHEAD):
            some = names[start : start + _AHEAD]
            for name, length in zip(some, pool.map(length_s, some), strict=True):
                progress.step()
                yield name, length
    progress.close()


def starts_s(length_s: float, clip_s: float) -> list[float]:
    """Where clip after clip begins in a recording, without the remainder; 0 in a shorter one."""
    whole = max(1, int(length_s / clip_s + 1e-9))
    return [round(index * clip_s, 6) for index in range(whole)]
