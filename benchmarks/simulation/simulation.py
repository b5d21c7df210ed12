"""One simulated system with one fault: orders before and after it begins, and what is true about each."""

import random
from dataclasses import dataclass
from typing import Final

from benchmarks.simulation.blueprint import S, System
from benchmarks.simulation.drawing import draw_system
from benchmarks.simulation.execution import Execution, Order
from benchmarks.simulation.faults import Fault, draw_fault
from benchmarks.simulation.recording import sample

_PAUSE: Final = 15 * S
"""Between the last usual order and the fault, so that no usual order is under way when it begins."""
_AFTER: Final = 120 * S
"""From the last span until the stories are read."""
_AT_ONCE: Final = 5
_MOST: Final = 80
"""Orders after the fault has begun."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What happened in a simulated system.

    Attributes:
        before: orders before the fault began.
        after: later orders; not all of them pass the place of the fault.
        now: when the stories are read, in ns.
    """

    system: System
    fault: Fault
    execution: Execution
    before: list[Order]
    after: list[Order]
    now: int

    def affected(self) -> list[Order]:
        """The orders that the fault affected, of which the spans that show it were kept."""
        return [
            order
            for order in self.after
            if order.touched and is_kept(order) and all(span.kept for span in order.evidence)
        ]

    def healthy(self) -> list[Order]:
        """The orders after the fault began that it did not affect."""
        return [order for order in self.after if not order.touched and is_kept(order)]

    def usual(self) -> list[Order]:
        """The orders before the fault."""
        return [order for order in self.before if is_kept(order)]


def is_kept(order: Order) -> bool:
    """Whether the order can be found by its value: the first span, which names it, was kept."""
    return any("order.id" in span.attributes and span.kept for span in order.spans)


def simulate(seed: int, kind: str, usual: int = 400, affected: int = 12) -> Simulation:
    """Simulate a system that is drawn until it has a place for a fault of the kind."""
    numbers = random.Random(f"{seed}/{kind}")
    while True:
        system = draw_system(numbers)
        fault = draw_fault(system, kind, numbers)
        if fault is not None:
            break
    execution = Execution(system, numbers, fault)
    count = int(usual / system.sampled)
    times = sorted(system.begin + int(numbers.random() * system.duration) for _ in range(count))
    fault.since = system.begin + system.duration + _PAUSE
    before = [execution.order(number, time) for number, time in enumerate(times)]
    execution.run()
    sample(system, before, numbers)
    after: list[Order] = []
    begin = fault.since
    simulated: Simulation
    while True:
        added: list[Order] = []
        for _ in range(_AT_ONCE):
            begin += int(numbers.expovariate(count / system.duration)) + 1
            added.append(execution.order(count + len(after) + len(added), begin))
        execution.run()
        begin = max(begin, execution.last)
        sample(system, added, numbers)
        after += added
        now = max(span.end for order in after for span in order.spans) + _AFTER
        simulated = Simulation(system, fault, execution, before, after, now)
        if len(simulated.affected()) >= affected or len(after) >= _MOST:
            return simulated
