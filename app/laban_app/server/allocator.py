"""The allocator of the collector's process: that of the C library, for Arrow, too."""

import ctypes
import os
import sys
from typing import Final

_ARROW: Final = "ARROW_DEFAULT_MEMORY_POOL"
_M_ARENA_MAX: Final = -8
"""The number of the option M_ARENA_MAX in malloc.h of glibc."""
_ARENAS: Final = 2


def share_one_allocator() -> None:
    """Free 130 MB that Arrow's own pools and one glibc arena per thread would keep.

    Call it before pyarrow is imported: some of Arrow's functions ignore the pool that is set later.
    """
    os.environ.setdefault(_ARROW, "system")
    glibc = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if glibc is not None:  # musl has only one arena
        glibc(_M_ARENA_MAX, _ARENAS)
