"""What all of `data` speaks of: splits, clips without label, errors, recordings left out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

SPLITS = ("train", "valid", "test")
DESCRIPTION = "dataset.json"  # in a data set folder
UNLABELLED = -1  # in place of a label's index


class DataError(ValueError):
    """Recordings or a data set folder are not as they must be; the message says what would be."""


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A recording left out of the data set: its path below the source folder and the reason."""

    source: str
    reason: str


# How the data sets of the package's flag files are made, by the names of their folders.
_MADE_BY = {
    "s09": "--corpus=s09 --download",
    "nsynth": "--corpus=nsynth --download",
    "librispeech_gender": "--corpus=librispeech --download",
    "fsdd": (
        "--corpus=fsdd --download --sample_rate_hz=8000 --clip_samples=4096 --fft_size=256 "
        "--window_samples=256 --hop_samples=64"
    ),
}


def no_dataset(path: str | Path) -> str:
    """The words for a folder that is no data set, with the command that makes it one."""
    made_by = _MADE_BY.get(Path(path).name, "--corpus=folder --source=RECORDINGS")
    return (
        f"{path} is no data set folder: it has no dataset.json; "
        f"`gaae prepare {made_by} --out={path}` makes it"
    )
