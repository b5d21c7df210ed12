"""Shared by the programs of `kafka_cost`: runs operations from standard input and prints what they cost."""

import sys
import time
from collections.abc import Callable
from typing import NamedTuple


class Clocks(NamedTuple):
    """Elapsed wall-clock time and processor time of all threads, in seconds."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Clocks":
        """Read both clocks."""
        return cls(time.perf_counter(), time.process_time())

    @classmethod
    def since(cls, began: "Clocks") -> "Clocks":
        """Return the time elapsed since `began`."""
        return cls(time.perf_counter() - began.wall, time.process_time() - began.cpu)


def serve(do: Callable[[str, str, int], Clocks]) -> None:
    """Run the operation of each input line, `WORK TOPIC COUNT`; print messages/s and CPU µs per message.

    The processor time includes work that background threads finish afterwards, such as the export of spans.
    """
    for line in sys.stdin:
        work, topic, count = line.split()
        took = do(work, topic, int(count))
        later = _until_idle()
        print(int(count) / took.wall, (took.cpu + later) / int(count) * 1e6, flush=True)


def _until_idle() -> float:
    began = before = time.process_time()
    while True:
        time.sleep(0.25)
        now = time.process_time()
        if now - before < 0.005:
            return now - began
        before = now
