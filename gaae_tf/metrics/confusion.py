"""Which class was found where which was meant."""

import numpy as np


def confusion(labels: np.ndarray, found: np.ndarray, classes: int) -> np.ndarray:
    """Counts clips by the class that was meant and the one that was found.

    Args:
        labels: Index of the class that was asked for or is true, int [clips]; clips of a negative
            one, which nobody knows, are left out.
        found: Index of the class that was found, int [clips], in [0, classes).
        classes: Number of classes.

    Returns:
        int64 [classes, classes], rows are the classes meant, columns those found.

    Raises:
        ValueError: The lengths differ, or an index is beyond the classes.
    """
    labels, found = np.asarray(labels), np.asarray(found)
    if labels.ndim != 1 or labels.shape != found.shape:
        raise ValueError(
            f"labels and found must be [clips] alike; received shapes {labels.shape} and "
            f"{found.shape}."
        )
    known = labels >= 0
    labels, found = labels[known], found[known]
    for name, values in (("labels", labels), ("found", found)):
        if len(values) and (values.min() < 0 or values.max() >= classes):
            raise ValueError(
                f"{name} must lie below {classes}, the number of classes; received "
                f"{values.min()} to {values.max()}."
            )
    counts = np.zeros([classes, classes], np.int64)
    np.add.at(counts, (labels, found), 1)
    return counts
