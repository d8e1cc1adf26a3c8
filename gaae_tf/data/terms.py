"""What all of `data` speaks of: splits, clips without label, errors, recordings left out."""

from __future__ import annotations

import dataclasses

SPLITS = ("train", "valid", "test")
UNLABELLED = -1  # in place of a label's index


class DataError(ValueError):
    """Recordings or a data set folder are not as they must be; the message says what would be."""


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A recording left out of the data set: its path below the source folder and the reason."""

    source: str
    reason: str
