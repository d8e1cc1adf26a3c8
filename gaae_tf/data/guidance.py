"""The labelled share of the training clips that guides a training.

Source: paper IV-A, V-A: a random 1 to 5 % or 100 % of the training labels, another draw for each
run; METHOD §6.
"""

from __future__ import annotations

import numpy as np


def labelled_share(labels: np.ndarray, percent: float, seed: int) -> np.ndarray:
    """Indices of the clips whose labels guide training: stratified, seeded and nested.

    For one seed, a smaller percentage chooses a subset of what a larger one chooses. Each class
    gives its share, rounded to the nearest clip.

    Args:
        labels: int [clips], class of each training clip, negative where it has none.
        percent: share of each class's labelled clips, in (0, 100].
        seed: another seed draws other clips.

    Returns:
        Sorted int64 indices into `labels`.

    Raises:
        ValueError: the share gives some class no clip at all.
    """
    chosen = []
    for label in np.unique(labels[labels >= 0]):
        members = np.flatnonzero(labels == label)
        order = np.random.default_rng([seed, int(label)]).permutation(members)
        count = int(np.floor(len(members) * percent / 100.0 + 0.5))
        if count == 0:
            raise ValueError(
                f"--labelled_percent={percent:g} of the {len(members)} clips of class {label} is "
                f"no clip; at least {50.0 / len(members):.3g} is needed for one"
            )
        chosen.append(order[:count])
    if not chosen:
        raise ValueError("no training clip has a label; at least one clip of each class needs one")
    return np.sort(np.concatenate(chosen))
