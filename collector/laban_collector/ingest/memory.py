"""Gives memory back to the operating system after a load.

A load takes 100 to 200 MB for a second. The allocators of Arrow and of the C library would keep them for the
next load; for a collector that loads every two seconds, that is most of its memory.
"""

import ctypes
import sys
from collections.abc import Callable
from typing import Final

import pyarrow as pa


def release_unused() -> None:
    """Give memory back that is allocated, but not in use. Takes a few milliseconds."""
    pa.default_memory_pool().release_unused()
    if _malloc_trim is not None:
        _malloc_trim(0)


def _find_malloc_trim() -> Callable[[int], int] | None:
    """Return glibc's function; other C libraries do not have it."""
    if sys.platform != "linux":
        return None
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    found: Callable[[int], int] = trim
    return found


_malloc_trim: Final = _find_malloc_trim()
