"""Which training clips' labels guided a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gaae_tf.run.names import GUIDANCE


def read_guidance(run_dir: Path, sources: Sequence[str], dataset_path: Path) -> np.ndarray:
    """Reads which training clips guided a run: `guidance.json`.

    It is {"train_indices": [...], "clips": [...]}, the latter their names, where it has them.

    Args:
        run_dir: Run folder.
        sources: Names of the clips of the guiding data set's training part, which the indices
            count.
        dataset_path: The data set's folder, for messages.

    Returns:
        int64 [labelled clips].

    Raises:
        FileNotFoundError: No such file.
        ValueError: It holds no indices of training clips, or the data set now has other clips where
            those that guided were.
    """
    path = run_dir / GUIDANCE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; is {run_dir} the folder of a training run?"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        indices = np.array(content["train_indices"], np.int64)
        listed = content.get("clips")
        if any(type(index) is not int for index in content["train_indices"]):
            raise ValueError("train_indices must be whole numbers")
        if not isinstance(listed, list | None):
            raise ValueError(f"clips must be a list, not {listed!r:.80}")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {error!r}.") from error
    if indices.ndim != 1 or len(indices) == 0:
        raise ValueError(f"{path} must list at least one index; it has shape {indices.shape}.")
    if indices.min() < 0 or indices.max() >= len(sources):
        raise ValueError(
            f"{path} names clips {indices.min()} to {indices.max()}, but the data set's training "
            f"part has clips 0 to {len(sources) - 1}; is it the one that guided the run?"
        )
    if listed is None:
        return indices
    if len(listed) != len(indices):
        raise ValueError(f"{path} has {len(indices)} indices, but {len(listed)} names of clips.")
    for was, now in zip(listed, (sources[i] for i in indices), strict=True):
        if was != now:
            raise ValueError(
                f"{was} guided the run, but {dataset_path} has {now} in its place: it was prepared "
                "anew from other recordings. Give the data set that the run was trained on."
            )
    return indices
