"""Drills of what a collector must hold: one file a drill, found by this folder.

A drill is a function `drill(folder, size)` in a module of its own. It raises AssertionError if the collector
does not hold; otherwise it returns its figures.
"""

import importlib
import pkgutil
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ...serving import Process


@dataclass(frozen=True)
class Size:
    """How large a drill is.

    Attributes:
        count: what the drill repeats: kills, cuts, requests, spans; see its text.
        seconds: how long it sends, if it sends for a time.
        seed: of the random moments and positions.
    """

    count: int
    seconds: float
    seed: int


class Held(NamedTuple):
    """The figures of a drill.

    Attributes:
        size: what was run, in words.
        found: what was measured, in words.
    """

    size: str
    found: str


_LONGEST_STOP_S: Final = 300

Drill = Callable[[Path, Size], Held]

SIZES: Final[dict[str, tuple[Size, Size]]] = {
    "bombs": (Size(1, 0, 7), Size(5, 0, 7)),
    "clocks": (Size(2, 0, 7), Size(20, 0, 7)),
    "disk_full_phases": (Size(1, 0, 7), Size(10, 0, 7)),
    "endless_trace": (Size(1, 3, 7), Size(1, 3600, 7)),
    "fuzz": (Size(600, 0, 7), Size(1_000_000, 0, 7)),
    "fuzz_network": (Size(300, 0, 7), Size(100_000, 0, 7)),
    "killed_in_retention": (Size(2, 0, 7), Size(1_000, 0, 7)),
    "many_traces": (Size(300, 0, 7), Size(50_000, 0, 7)),
    "overload": (Size(1, 3, 7), Size(1, 600, 7)),
    "power_cut": (Size(2, 0, 7), Size(300, 0, 7)),
    "slow_bodies": (Size(20, 0, 7), Size(200, 0, 7)),
    "soak": (Size(1, 3, 7), Size(1, 3600, 7)),
    "wide_trace": (Size(2_000, 0, 7), Size(200_000, 0, 7)),
}
"""The size of each drill in the tests, and by default in `./run drill`."""


def drills() -> dict[str, Drill]:
    """Return all drills by name."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    return {name: importlib.import_module(f"{__name__}.{name}").drill for name in sorted(names)}


def stop(process: Process) -> float:
    """Stop a collector cleanly; return how many seconds that took, however busy the machine is."""
    began = time.monotonic()
    process.terminate()
    assert process.wait(_LONGEST_STOP_S) == 0
    return time.monotonic() - began


def peak_rss_mib(process: int | None = None) -> int:
    """Return the peak resident memory of a process; of this one without an argument."""
    if process is None:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    raise AssertionError(f"/proc has no VmHWM of process {process}")
