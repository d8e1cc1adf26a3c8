"""Functions compiled by numba, which run without Python's global lock."""

from __future__ import annotations

from collections.abc import Callable

import numba


def compiled(function: Callable) -> Callable:
    """The function as machine code, kept beside its source where there is a place for it."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder to keep the compiled code in: compile once a process
        return numba.njit(nogil=True)(function)
