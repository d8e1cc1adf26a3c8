"""Networks always see batches of one size, whatever is asked of them."""

from __future__ import annotations

import operator

import numpy as np
import tensorflow as tf

# Networks always see this many rows, the last batch padded: a result that depended on the size of
# its batch, if only by rounding, would depend on `count`.
_BATCH = 16
_SOUNDS_AT_ONCE = 16 * _BATCH  # bounds how many spectrograms are held on the way to sound


def in_batches(function, *arrays):
    """A function of [_BATCH, …] tensors to such, or to such by name, over any number of rows."""
    results = []
    for start in range(0, len(arrays[0]), _BATCH):
        rows = [array[start : start + _BATCH] for array in arrays]
        missing = _BATCH - len(rows[0])
        padded = [np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1)) for array in rows]
        made = tf.nest.map_structure(np.asarray, function(*padded))
        results.append(tf.nest.map_structure(operator.itemgetter(slice(len(rows[0]))), made))
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *results)


def parts(count):
    """(start, stop) of parts that are whole batches, but for the last."""
    return [
        (start, min(start + _SOUNDS_AT_ONCE, count)) for start in range(0, count, _SOUNDS_AT_ONCE)
    ]


def checked_count(count, name="count"):
    """`count` as an int. Raises ValueError, which calls it `name`, unless it is 1 or more."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise ValueError(f"{name} must be at least 1, got {count!r}")
    return int(count)
