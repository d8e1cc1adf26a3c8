"""What is kept of a scorer beside its data set, and by which name it is found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import gaae_tf
from gaae_tf.data.shards import DESCRIPTION, Dataset
from gaae_tf.files import sha256, write_text
from gaae_tf.run.names import SHIPPED

FORMAT = 1  # of what is kept; another network or training is another format
FOLDER = "scorers"  # in the data set's folder


def dataset_id(dataset: Dataset) -> str:
    """SHA-256 of the data set's description, which holds its shards' checksums."""
    return sha256(Path(dataset.path) / DESCRIPTION)


def stem(dataset: Dataset, name: str, description: Mapping[str, Any]) -> Path:
    """Where a scorer is kept, without ending; a digest of all that it depends on names it.

    That of the embedded notes comes with the package, and is taken where the data set has none.
    """
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]
    own, shipped = (
        folder / FOLDER / f"{name}-{digest}" for folder in (Path(dataset.path), SHIPPED / "notes")
    )
    only_shipped = shipped.with_suffix(".json").is_file() and not own.with_suffix(".json").is_file()
    return shipped if only_shipped else own


def weights_sha256(network: keras.Model) -> str:
    """Digest of the weights in use: two trainings of one description need not give the same."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def of_dataset(dataset: Dataset) -> dict[str, Any]:
    """The part of a record that tells the data set, and the versions in use."""
    return {
        "dataset": dataset.name,
        "classes": list(dataset.classes),
        "sample_rate_hz": dataset.sample_rate_hz,
        "clip_samples": dataset.clip_samples,
        "versions": {
            "gaae_tf": gaae_tf.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }


def read_record(path: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    """Reads a scorer's record.

    Args:
        path: the file.
        description: what it must describe, on which the scorer depends.

    Raises:
        ValueError: it cannot be read, or is another's.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        same = record["description"] == json.loads(json.dumps(description))
        whole = {"name", "source", "classes", "test_accuracy"} <= record.keys()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read ({error!r}); delete it.") from error
    if not (same and whole):
        raise ValueError(f"{path} does not describe the scorer that its name says; delete it.")
    return record


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Writes a scorer's record, whole or not at all.

    Raises:
        OSError: it cannot be written, say into a data set folder that is read-only.
    """
    path.parent.mkdir(exist_ok=True)
    write_text(path, json.dumps(record, indent=2, allow_nan=False) + "\n")
