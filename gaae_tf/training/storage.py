"""What is said when the disk below a run folder fails: it is full, was made read-only, or is gone.

TensorFlow raises errors of its own for that, of the same kinds as for a GPU without memory.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

_FAILURES = {
    number: os.strerror(number)
    for number in (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EIO,
        errno.EACCES,
        errno.EPERM,
        errno.EFBIG,
        errno.ENOENT,
        errno.ESTALE,
    )
}


class StorageError(OSError):
    """A run folder cannot be written any more; the message names file and cause.

    It has no `errno`, and so is passed on by a second `told_of_failing_storage` around it.
    """


@contextlib.contextmanager
def told_of_failing_storage(run_dir: Path) -> Iterator[None]:
    """Turns what Python and TensorFlow raise when a disk fails into StorageError.

    What was whole before stays so: files are written beside and renamed.

    Raises:
        StorageError: of a failing disk. All other errors are passed on.
    """
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        if isinstance(error, OSError):
            number, cause = error.errno, str(error)
        else:
            found = [number for number, text in _FAILURES.items() if text in error.message]
            number = found[0] if found else None
            # TensorFlow puts the graph's node before the file.
            cause = " ".join(error.message.split("}} ")[-1].split())
        if number not in _FAILURES:
            raise
        raise StorageError(
            f"{run_dir} can no longer be written or read: {cause}. Its last checkpoint stays; "
            "mend that (free space, say), and type the same command again to go on",
        ) from error
