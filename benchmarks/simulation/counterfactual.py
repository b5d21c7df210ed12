"""A change of a random system: what is predicted from traces before it, and what happens after it."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from benchmarks.simulation.blueprint import MS, Operation, Place, S, System, expected, places
from benchmarks.simulation.drawing import draw_system
from benchmarks.simulation.execution import Execution, Order
from benchmarks.simulation.faults import Fault, Truth, draw_fault
from benchmarks.simulation.judging import stored
from benchmarks.simulation.recording import sample
from benchmarks.simulation.simulation import Simulation
from benchmarks.simulation.spelling import ERROR
from laban_mapper.model_whatif import WhatIf, WhatIfEntry
from laban_mapper.whatif.changes import ChangeTexts

Kind = Literal["slow", "too slow", "too slow, settings told", "down"]
KINDS: Final[tuple[Kind, ...]] = ("slow", "too slow", "too slow, settings told", "down")
_PAUSE: Final = 15 * S
_OFTEN: Final = 0.3
"""The least share of the orders that pass the place of the change."""
_FEWEST: Final = 20
"""Orders of an entry after the change, without which it is not compared."""


class Measured(NamedTuple):
    """What became of the orders of an entry: how many of 100 failed, and the 95th percentile in ms."""

    orders: int
    failed: float
    p95_ms: float


class Comparison(NamedTuple):
    """An entry of a system: what was predicted, and what happened.

    Attributes:
        passes: whether the change lies on the way of its orders.
    """

    seed: int
    kind: Kind
    told: str
    entry: str
    predicted: WhatIfEntry
    before: Measured
    happened: Measured
    passes: bool


@dataclass(frozen=True, slots=True)
class _Change:
    """A fault, and how a user asks for it."""

    fault: Fault
    texts: ChangeTexts
    told: str
    service: str


def compare(seed: int, kind: Kind, usual: int = 300, after: int = 200) -> Iterator[Comparison]:
    """Simulate a system, predict the change from the orders before it, and compare with those after it.

    Args:
        seed: of the random numbers.
        kind: of the change.
        usual: orders before the change.
        after: orders after it.
    """
    numbers = random.Random(f"what if/{seed}/{kind}")
    while True:
        system = draw_system(numbers)
        change = _draw(system, kind, numbers)
        if change is not None:
            break
    execution = Execution(system, numbers, change.fault)
    change.fault.since = system.begin + system.duration + _PAUSE
    count = int(usual / system.sampled)
    times = sorted(system.begin + int(numbers.random() * system.duration) for _ in range(count))
    before = [execution.order(number, time) for number, time in enumerate(times)]
    execution.run()
    sample(system, before, numbers)
    at = max(execution.last, change.fault.since)
    later: list[Order] = []
    for number in range(after):
        at += int(numbers.expovariate(count / system.duration)) + 1
        later.append(execution.order(count + number, at))
    execution.run()
    yield from _compared(
        seed, kind, system, change, before, later, _predict(system, change, execution, before)
    )


def _predict(system: System, change: _Change, execution: Execution, before: list[Order]) -> WhatIf:
    now = max(span.end for order in before for span in order.spans) + 60 * S
    simulation = Simulation(system, change.fault, execution, before, [], now)
    with stored(simulation, at_once=False, minutes=1) as answers:
        return answers.what_if(change.texts, *_whole(before))


def _whole(orders: Sequence[Order]) -> tuple[datetime, datetime]:
    first, last = min(order.begin for order in orders), max(order.begin for order in orders)
    return (
        datetime.fromtimestamp(first / S - 60, UTC),
        datetime.fromtimestamp(last / S + 60, UTC),
    )


def _compared(
    seed: int,
    kind: Kind,
    system: System,
    change: _Change,
    before: Sequence[Order],
    after: Sequence[Order],
    predicted: WhatIf,
) -> Iterator[Comparison]:
    for entry in system.entries:
        operation = entry.operation
        name = f"{operation.verb} {operation.name}" if operation.protocol == "http" else operation.name
        found = [
            one
            for one in predicted.entries
            if one.service.rpartition("/")[2] == operation.service.name and one.operation == name
        ]
        happened = [order for order in after if order.entry is entry]
        if (
            not found
            or (found[0].after.p95_ms is None and found[0].traces < _FEWEST)
            or len(happened) < _FEWEST
        ):
            continue
        passes = any(order.touched for order in happened)
        yield Comparison(
            seed,
            kind,
            change.told,
            found[0].entry,
            found[0],
            _measured([order for order in before if order.entry is entry]),
            _measured(happened),
            passes,
        )


def _measured(orders: Sequence[Order]) -> Measured:
    """What the simulation did, not what its spans tell."""
    roots = [order.spans[0] for order in orders]
    times = sorted((root.end - root.start) / MS for root in roots)
    place = 0.95 * (len(times) - 1)
    below = int(place)
    p95 = times[below] + (times[min(below + 1, len(times) - 1)] - times[below]) * (place - below)
    return Measured(len(orders), 100 * sum(root.status == ERROR for root in roots) / len(roots), p95)


def _draw(system: System, kind: Kind, numbers: random.Random) -> _Change | None:
    if kind == "down":
        fault = draw_fault(system, "unreachable", numbers)
        if fault is None or fault.service is None:
            return None
        name = fault.service.name
        return _Change(fault, ChangeTexts(down=(name,)), f"{name} is down", name)
    return _slower(system, kind, numbers)


def _slower(system: System, kind: Kind, numbers: random.Random) -> _Change | None:
    """A service with one operation takes longer; too slow is longer than one of its callers waits."""
    able = [place for place in places(system) if _is_alone(system, place) and place.share >= _OFTEN]
    if kind != "slow":
        able = [place for place in able if place.action is not None and place.action.timeout is not None]
    if not able:
        return None
    place = numbers.choice(able)
    assert isinstance(place.target, Operation)
    assert place.action is not None
    assert place.caller is not None
    callee, caller = place.target.service.name, place.caller.service.name
    settings: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    if kind == "slow":
        extra = round(expected(place.target) * numbers.uniform(0.5, 3), 1)
        limits = [one.action.timeout for one in _above(place) if one.action is not None]
        if any(limit is not None and limit < 3 * (extra + expected(place.target)) for limit in limits):
            return None
    else:
        assert place.action.timeout is not None
        extra = round(place.action.timeout * numbers.uniform(1.5, 3), 1)
        if kind == "too slow, settings told":
            settings = _settings(system)
    fault = Fault("slow", Truth(("slow",), (callee,), "takes longer"), operation=place.target, extra=extra)
    told = f"{callee}, called by {caller}, takes {extra:.0f} ms longer"
    return _Change(
        fault,
        ChangeTexts(slow=(f"{callee}={extra}ms",), timeouts=settings[0], retries=settings[1]),
        told,
        callee,
    )


def _above(place: Place) -> Iterator[Place]:
    above: Place | None = place
    while above is not None:
        yield above
        above = above.above


def _settings(system: System) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The timeouts and retries of the system, where all calls between two services have the same."""
    found: dict[tuple[str, str], set[tuple[float | None, int]]] = {}
    for place in places(system):
        if place.action is not None and place.caller is not None and isinstance(place.target, Operation):
            edge = (place.caller.service.name, place.target.service.name)
            found.setdefault(edge, set()).add((place.action.timeout, place.action.attempts))
    timeouts: list[str] = []
    retries: list[str] = []
    for (caller, callee), settings in found.items():
        if len(settings) == 1:
            [(timeout, attempts)] = settings
            retries.append(f"{caller}->{callee}={attempts - 1}")
            if timeout is not None:
                timeouts.append(f"{caller}->{callee}={timeout}ms")
    return tuple(timeouts), tuple(retries)


def _is_alone(system: System, place: Place) -> bool:
    """Whether a place is a call of a service that does nothing else."""
    target = place.target
    if (
        place.action is None
        or place.caller is None
        or not isinstance(target, Operation)
        or not place.observed
    ):
        return False
    own = {
        id(one.target)
        for one in places(system)
        if isinstance(one.target, Operation) and one.target.service is target.service
    }
    # Who looks for what is not there is answered before the work begins, and would not notice.
    misses = any(
        one.action is not None and one.action.misses for one in places(system) if one.target is target
    )
    return not misses and len(own) == 1 and place.caller.service is not target.service
