"""The steady load of `soak` in a single trace that never ends."""

from pathlib import Path

from . import Held, Size
from .soak import hold_steady


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    return hold_steady(folder, size, one_trace=True)
