"""The command that prepares a data set again, where another would serve better."""

from __future__ import annotations

import dataclasses
import math
import shlex
from pathlib import Path

from gaae_tf.data.shards import Dataset
from gaae_tf.ops.settings import StftSettings

# What `dataset.json` keeps under `settings`, but `prepare` has no flag for.
_NO_FLAGS = ("corpus", "clip_s", "chunk_s", "own_splits")
_FEWEST_RECORDINGS = 3  # of a class, so that each split can have one


def prepare_command(
    dataset: Dataset, out: str | Path, like: Dataset | None = None, **changed: object
) -> str:
    """The command that made `dataset`, but for what is changed.

    A data set does not know where its recordings are, so `--source=RECORDINGS` is left to fill in.

    Args:
        dataset: the data set.
        out: the folder to make.
        like: a data set whose rate, length and transform the new one shall have; None for its own.
        changed: other flags of `prepare`, by name.
    """
    like = like or dataset
    settings = dict(dataset.settings)
    corpus = settings.get("corpus", "folder")
    given = {"corpus": corpus} | ({} if corpus == "notes" else {"source": "RECORDINGS"})
    given |= {"sample_rate_hz": like.sample_rate_hz, "clip_samples": like.clip_samples}
    # The hop must divide the clips, so the one that divides those of `like` goes with them.
    transform, usual = dataclasses.asdict(like.stft), dataclasses.asdict(StftSettings())
    given |= {name: value for name, value in transform.items() if value != usual[name]}
    for name, value in settings.items():
        if name not in _NO_FLAGS and value not in (None, "", [], ()):
            given[name] = ",".join(value) if isinstance(value, (list, tuple)) else value
    if settings.get("chunk_s"):
        given["chunks"] = "all"
    given |= changed | {"out": out}
    flags = (shlex.quote(f"--{name}={value}") for name, value in given.items())
    return " ".join(["python -m gaae_tf.data.prepare", *flags])


def more_of(dataset: Dataset, split: str) -> str:
    """How a data set gets labelled clips of every class into a split."""
    if split == "train":
        return "label more of its recordings, and prepare them again"
    share = f"{split}_percent"
    if dataset.settings.get("own_splits") or share not in dataset.settings:
        return f"put some into the {split}/ folder of its recordings, and prepare them again"
    fewest = min(
        sum(of_class[name] for of_class in dataset.counts_by_class.values())
        for name in dataset.classes
    )
    if fewest < _FEWEST_RECORDINGS:
        return f"add recordings, so that each class has {_FEWEST_RECORDINGS} or more"
    changed = {share: math.ceil(100 / fewest), "overwrite": "true"}
    return f"`{prepare_command(dataset, dataset.path, **changed)}` sets more aside"


def classes_without(dataset: Dataset, split: str) -> tuple[str, ...]:
    """Classes of which a split has no labelled clip."""
    return tuple(name for name, count in dataset.counts_by_class[split].items() if not count)
