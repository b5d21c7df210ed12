"""What the programs of `kafka_cost` have in common: they do what they are told, and say what it costs."""

import sys
import time
from collections.abc import Callable
from typing import NamedTuple


class Clocks(NamedTuple):
    """Seconds that have passed, and of them those of the processor, in all threads."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Clocks":
        """As they stand."""
        return cls(time.perf_counter(), time.process_time())

    @classmethod
    def since(cls, began: "Clocks") -> "Clocks":
        """What has passed."""
        return cls(time.perf_counter() - began.wall, time.process_time() - began.cpu)


def serve(do: Callable[[str, str, int], Clocks]) -> None:
    """Do what each line of the input says, `WORK TOPIC COUNT`; print messages/s and CPU µs each.

    What threads behind the work still do, an export of spans, counts as its processor time.
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
