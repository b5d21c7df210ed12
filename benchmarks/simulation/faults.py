"""Faults: one of each kind of cause, at a place of a system where its effects can be seen in spans."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from benchmarks.simulation import names
from benchmarks.simulation.blueprint import (
    Action,
    Database,
    External,
    Group,
    Operation,
    Place,
    Service,
    System,
    Topic,
    places,
)
from benchmarks.simulation.spelling import Trouble

KINDS: Final = (
    *("error", "timed_out", "unreachable", "missing", "slow", "stuck", "published_twice", "out_of_order"),
    *("poison", "retried"),
)
_FEWEST: Final = 0.2
"""The least share of orders that pass the place of a fault: 80 of 400, enough to know what is usual there."""
_NOTICED: Final = 0.5
"""What a slow step adds at least, as a share of the usual time of its request."""
_SPREAD: Final = 3.2
"""A slow step is beyond this many standard deviations of what is usual."""


@dataclass(slots=True)
class Truth:
    """What a story should claim.

    Attributes:
        kinds: the kinds of cause that are right.
        names: whom the claim may blame; part of an address is enough for what sends no spans.
        of_caller: the service and the operation of a call whose callee sends no spans.
        told: in words.
    """

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    told: str
    external: bool = False
    of_caller: tuple[str, str] | None = None


@dataclass(slots=True)
class Fault:
    """One fault.

    Attributes:
        since: when it begins, in ns.
        share: the share of the orders at its place that it affects.
        operation, action, group, service: its place.
        second: the later of two events, for those that come out of order.
        factor: how many times as long as usual.
        extra: what it adds to a time, in ms.
        trouble: the failure.
        flag: a variant: consumers do the work twice, events are also processed out of order, and so on.
    """

    kind: str
    truth: Truth
    since: int = 0
    share: float = 1.0
    operation: Operation | None = None
    action: Action | None = None
    group: Group | None = None
    service: Service | None = None
    second: Action | None = None
    factor: float = 1.0
    extra: float = 0.0
    trouble: Trouble = field(default=Trouble(500, "RuntimeError", "broken"))
    flag: bool = False


def draw_fault(system: System, kind: str, numbers: random.Random) -> Fault | None:
    """Draw a fault of a kind; None if the system has no place for it."""
    chosen = _Chooser(system, numbers)
    fault = _DRAWN[kind](chosen)
    if fault is not None and kind not in {"unreachable", "stuck"}:
        fault.share = 1.0 if numbers.random() < 0.5 else numbers.uniform(0.4, 0.9)
    return fault


class _Chooser:
    """The places of a system where a fault can be observed, by what they are."""

    def __init__(self, system: System, numbers: random.Random) -> None:
        self.system = system
        self.numbers = numbers
        shares: dict[int, float] = {}
        hidden: set[int] = set()
        self._places: dict[int, Place] = {}
        for place in places(system):
            key = id(place.action or place.group or place.target)
            shares[key] = shares.get(key, 0) + place.share
            self._places.setdefault(key, place)
            if not self._seen(place):
                hidden.add(key)
        self._shares = {key: share for key, share in shares.items() if key not in hidden}

    def _seen(self, place: Place) -> bool:
        if not place.observed and self.system.sampling in {"head", "tail"}:
            return False
        involved = [place.caller.service] if place.caller is not None else []
        if isinstance(place.target, Operation):
            involved.append(place.target.service)
        elif isinstance(place.target, Topic):
            involved += [group.operation.service for group in place.target.groups]
        return all(service.exports >= 1 for service in involved)

    def places(self) -> Iterator[Place]:
        for key, place in self._places.items():
            if self._shares.get(key, 0) >= _FEWEST:
                yield place

    def pick(self, fits: Callable[[Place], bool]) -> Place | None:
        found = [place for place in self.places() if fits(place)]
        return self.numbers.choice(found) if found else None

    def one_of(self, *drawings: "Callable[[_Chooser], Fault | None]") -> Fault | None:
        """The fault of one of these drawings at random; if it has no place, of another one."""
        for drawing in self.numbers.sample(drawings, len(drawings)):
            fault = drawing(self)
            if fault is not None:
                return fault
        return None


def expected(operation: Operation) -> float:
    """About how long an operation usually takes, in ms."""
    return operation.timing.mean + sum(max(map(_expected_action, stage)) for stage in operation.stages)


def _expected_action(action: Action) -> float:
    if isinstance(action.target, Operation):
        return action.chance * (expected(action.target) + 2 * action.network.mean)
    return action.chance * action.timing.mean


def _request_of(place: Place) -> Operation:
    """The entry or the consumer that a place belongs to."""
    above: Place | None = place
    while above is not None:
        if above.action is None and isinstance(above.target, Operation):
            return above.target
        above = above.above
    raise AssertionError("each place is below an entry")


def _outside(place: Place, kind: str, told: str) -> Truth:
    """The truth about a callee that sends no spans."""
    assert place.caller is not None
    assert place.action is not None
    target = place.target
    caller = (place.caller.service.name, place.action.verb.split(" ")[0])
    if isinstance(target, Database):
        known = (target.system, target.name, target.address)
        return Truth((kind,), known, f"{told}: database {target.name} ({target.system})", True, caller)
    assert isinstance(target, External)
    return Truth((kind,), (target.address,), f"{told}: {target.address}", True, caller)


def _of_service(service: Service, kind: str, told: str) -> Truth:
    return Truth((kind,), (service.name,), f"{service.name}: {told}")


def _is_traced(operation: object) -> bool:
    """Whether spans show what an operation does; of a consumer in stock Python they do not."""
    return isinstance(operation, Operation) and not (
        operation.protocol == "consume" and operation.service.style == "python"
    )


def _error(chosen: _Chooser) -> Fault | None:
    return chosen.one_of(_error_inside, _error_inside, _error_of_consumer, _error_outside)


def _error_inside(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: one.group is None and isinstance(one.target, Operation))
    if place is None or not isinstance(place.target, Operation):
        return None
    kind, text = chosen.numbers.choice(names.EXCEPTIONS)
    truth = _of_service(place.target.service, "error", f"{place.target.name} raises {kind}")
    return Fault("error", truth, operation=place.target, trouble=Trouble(500, kind, text))


def _error_of_consumer(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: one.group is not None and _is_traced(one.target))
    if place is None or not isinstance(place.target, Operation):
        return None
    kind, text = chosen.numbers.choice(names.EXCEPTIONS)
    truth = _of_service(place.target.service, "error", f"its group raises {kind} on {place.target.name}")
    return Fault("error", truth, operation=place.target, trouble=Trouble(500, kind, text))


def _error_outside(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: isinstance(one.target, Database | External))
    if place is None:
        return None
    if isinstance(place.target, Database):
        trouble = Trouble(0, *chosen.numbers.choice(names.DATABASE_ERRORS))
    else:
        trouble = Trouble(500, "HTTPError", "500 Internal Server Error")
    return Fault("error", _outside(place, "error", "fails"), action=place.action, trouble=trouble)


def _timed_out(chosen: _Chooser) -> Fault | None:
    return chosen.one_of(_callee_hangs, _callee_hangs, _callee_of_callee_hangs, _outside_hangs)


def _hangs(chosen: _Chooser, place: Place, slow: Operation) -> Fault:
    assert place.caller is not None
    assert place.action is not None
    assert place.action.timeout is not None
    factor = chosen.numbers.uniform(1.5, 4)
    told = f"{slow.name} takes {factor:.1f} × the timeout of {place.caller.service.name}"
    extra = place.action.timeout * factor
    return Fault("timed_out", _of_service(slow.service, "timed_out", told), operation=slow, extra=extra)


def _callee_hangs(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: _gives_up(one) and isinstance(one.target, Operation))
    if place is None or not isinstance(place.target, Operation):
        return None
    return _hangs(chosen, place, place.target)


def _gives_up(place: Place) -> bool:
    return place.action is not None and place.action.timeout is not None


def _callee_of_callee_hangs(chosen: _Chooser) -> Fault | None:
    def fits(one: Place) -> bool:
        above = one.above
        waits = one.action is not None and one.action.timeout is None and one.action.chance == 1
        return waits and isinstance(one.target, Operation) and above is not None and _gives_up(above)

    place = chosen.pick(fits)
    if place is None or place.above is None or not isinstance(place.target, Operation):
        return None
    return _hangs(chosen, place.above, place.target)


def _outside_hangs(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: _gives_up(one) and isinstance(one.target, External))
    if place is None or place.action is None or place.action.timeout is None:
        return None
    truth = _outside(place, "timed_out", "does not answer in time")
    return Fault("timed_out", truth, action=place.action, extra=place.action.timeout * 2)


def _unreachable(chosen: _Chooser) -> Fault | None:
    entered = {entry.operation.service for entry in chosen.system.entries}
    consuming = {group.operation.service for topic in chosen.system.topics for group in topic.groups}

    def fits(one: Place) -> bool:
        return (
            one.action is not None
            and isinstance(one.target, Operation)
            and one.target.service not in entered | consuming
        )

    place = chosen.pick(fits)
    if place is None or not isinstance(place.target, Operation):
        return None
    service = place.target.service
    kind, text = chosen.numbers.choice(
        (
            ("httpx.ConnectError", "All connection attempts failed"),
            ("java.net.ConnectException", "Connection refused"),
            ("ConnectionRefusedError", "[Errno 111] Connection refused"),
        )
    )
    return Fault(
        "unreachable",
        _of_service(service, "unreachable", "has crashed"),
        service=service,
        trouble=Trouble(0, kind, text, transient=True),
    )


def _missing(chosen: _Chooser) -> Fault | None:
    return chosen.one_of(_consumer_skips, _call_is_left_out)


def _consumer_skips(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: one.group is not None and _always(one.above))
    if place is None or place.group is None:
        return None
    service = place.group.operation.service
    told = f"its group {place.group.name} ignores messages of {place.group.operation.name}"
    return Fault("missing", _of_service(service, "missing", told), group=place.group)


def _always(place: Place | None) -> bool:
    return place is not None and place.action is not None and place.action.chance == 1


def _call_is_left_out(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: _always(one) and _is_traced(one.caller))
    if place is None or place.caller is None or place.action is None:
        return None
    told = f"{place.caller.name} leaves out {place.action.verb} {_name_of(place.target)}"
    truth = _of_service(place.caller.service, "missing", told)
    return Fault("missing", truth, action=place.action, operation=None)


def _name_of(target: object) -> str:
    if isinstance(target, Operation):
        return f"{target.service.name} {target.name}"
    assert isinstance(target, Database | External | Topic)
    return target.address if isinstance(target, External) else target.name


def _slow(chosen: _Chooser) -> Fault | None:
    return chosen.one_of(_slow_inside, _slow_inside, _slow_inside, _slow_outside, _slow_network)


def _slow_inside(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(
        lambda one: (_is_traced(one.target) and one.action is not None) or one.group is not None
    )
    if place is None or not _is_traced(place.target) or not isinstance(place.target, Operation):
        return None
    factor = _slowed(chosen, place, place.target.timing.longest, place.target.timing.sigma)
    if factor is None or place.target.timing.tail_share:
        return None
    truth = _of_service(place.target.service, "slow", f"{place.target.name} itself takes {factor:.0f} ×")
    return Fault("slow", truth, operation=place.target, factor=factor)


def _slow_outside(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: isinstance(one.target, Database | External))
    if place is None or place.action is None or place.action.timing.tail_share:
        return None
    factor = _slowed(chosen, place, place.action.timing.longest, place.action.timing.sigma)
    if factor is None or (place.action.timeout or math.inf) < factor * place.action.timing.longest * 3:
        return None
    return Fault("slow", _outside(place, "slow", f"takes {factor:.0f} ×"), action=place.action, factor=factor)


def _slowed(chosen: _Chooser, place: Place, usual: float, sigma: float) -> float | None:
    """Draw a factor from 3 to 50 that shows in a single order; None if it does not."""
    factor = 3 * (50 / 3) ** chosen.numbers.random()
    if factor < math.exp(_SPREAD * sigma) or (factor - 1) * usual < _NOTICED * expected(_request_of(place)):
        return None
    return factor if _patient(place, factor * usual * 3) else None


def _patient(place: Place, longest: float) -> bool:
    """Whether no caller above gives up within this many ms."""
    above: Place | None = place
    while above is not None and above.action is not None and above.group is None:
        if above.action.timeout is not None and above.action.timeout < longest:
            return False
        above = above.above
    return True


def _slow_network(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: one.action is not None and isinstance(one.target, Operation))
    if place is None or place.caller is None or not isinstance(place.target, Operation):
        return None
    delay = expected(_request_of(place)) * chosen.numbers.uniform(_NOTICED, 5) + 5
    if not _patient(place, delay * 2):
        return None
    ends = (place.caller.service.name, place.target.service.name)
    truth = Truth(("slow",), ends, f"the network from {ends[0]} to {ends[1]} takes {delay:.0f} ms more")
    return Fault("slow", truth, action=place.action, extra=delay)


def _stuck(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(lambda one: one.group is not None and _is_known(one))
    if place is None or place.group is None:
        return None
    chosen.system.polled = True
    service = place.group.operation.service.name
    names_ = (service, place.group.name)
    return Fault(
        "stuck", Truth(("stuck",), names_, f"group {place.group.name} has stopped"), group=place.group
    )


def _is_known(place: Place) -> bool:
    """Whether spans tell partition and offset of the messages that lead to a group."""
    return place.caller is not None and place.caller.service.style != "python"


def _is_publication(place: Place) -> bool:
    return isinstance(place.target, Topic) and bool(place.target.groups) and _is_known(place)


def _published_twice(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(_is_publication)
    if place is None or place.caller is None or not isinstance(place.target, Topic):
        return None
    told = f"publishes {place.target.name} twice"
    truth = _of_service(place.caller.service, "published_twice", told)
    return Fault("published_twice", truth, action=place.action, flag=chosen.numbers.random() < 0.6)


def _out_of_order(chosen: _Chooser) -> Fault | None:
    return chosen.one_of(_wrong_partition, _overtaken)


def _pairs(chosen: _Chooser, place: Place) -> list[tuple[Action, Action]]:
    """Two events that an operation publishes to one topic, always both."""
    if place.caller is None or not _is_publication(place) or not _always(place):
        return []
    later = [one for one in place.caller.actions() if one.target is place.target]
    first = place.action
    if first is None or first is not later[0] or len(later) < 2 or later[1].chance < 1:
        return []
    del chosen
    return [(first, later[1])]


def _wrong_partition(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(
        lambda one: bool(_pairs(chosen, one)) and isinstance(one.target, Topic) and one.target.partitions > 1
    )
    if place is None or place.caller is None or not isinstance(place.target, Topic):
        return None
    [(first, second)] = _pairs(chosen, place)
    told = f"publishes the second event of {place.target.name} to another partition"
    truth = _of_service(place.caller.service, "out_of_order", told)
    flag = chosen.numbers.random() < 0.6
    return Fault("out_of_order", truth, action=first, second=second, flag=flag)


def _overtaken(chosen: _Chooser) -> Fault | None:
    def groups(one: Place) -> list[Group]:
        topic = one.target
        return (
            [each for each in topic.groups if _is_traced(each.operation)] if isinstance(topic, Topic) else []
        )

    place = chosen.pick(lambda one: bool(_pairs(chosen, one)) and bool(groups(one)))
    if place is None:
        return None
    [(first, second)] = _pairs(chosen, place)
    group = chosen.numbers.choice(groups(place))
    told = f"its group {group.name} processes the second event of {group.operation.name} first"
    truth = _of_service(group.operation.service, "out_of_order", told)
    return Fault("out_of_order", truth, action=first, second=second, group=group)


def _poison(chosen: _Chooser) -> Fault | None:
    def fits(one: Place) -> bool:
        topic = one.target
        return (
            _is_publication(one)
            and isinstance(topic, Topic)
            and all(_is_traced(group.operation) for group in topic.groups)
            and (len(topic.groups) > 1 or chosen.numbers.random() < 0.2)
        )

    place = chosen.pick(fits)
    if place is None or place.caller is None or not isinstance(place.target, Topic):
        return None
    flag = chosen.numbers.random() < 0.7
    told = f"publishes {'an undecodable copy' if flag else 'undecodable messages'} to {place.target.name}"
    kind, text = chosen.numbers.choice(names.DECODING_ERRORS)
    return Fault(
        "poison",
        _of_service(place.caller.service, "poison", told),
        action=place.action,
        flag=flag,
        trouble=Trouble(500, kind, text),
    )


def _retried(chosen: _Chooser) -> Fault | None:
    return chosen.one_of(_call_is_retried, _call_is_retried, _message_is_retried)


def _call_is_retried(chosen: _Chooser) -> Fault | None:
    def fits(one: Place) -> bool:
        return one.action is not None and one.action.attempts > 1 and isinstance(one.target, Operation)

    place = chosen.pick(fits)
    if place is None or not isinstance(place.target, Operation):
        return None
    flag = chosen.numbers.random() < 0.6
    told = "answers 503 at first" if flag else "resets the connection at first"
    trouble = (
        Trouble(503, "ServiceUnavailable", "warming up", transient=True)
        if flag
        else Trouble(0, "ConnectionResetError", "[Errno 104] Connection reset by peer", transient=True)
    )
    truth = _of_service(place.target.service, "retried", told)
    return Fault("retried", truth, action=place.action, flag=flag, trouble=trouble)


def _message_is_retried(chosen: _Chooser) -> Fault | None:
    place = chosen.pick(
        lambda one: one.group is not None and one.group.attempts > 1 and _is_traced(one.target)
    )
    if place is None or place.group is None:
        return None
    kind, text = chosen.numbers.choice(names.EXCEPTIONS)
    service = place.group.operation.service
    truth = _of_service(service, "retried", f"fails the first attempt on {place.group.operation.name}")
    return Fault("retried", truth, group=place.group, trouble=Trouble(500, kind, text))


_DRAWN: Final[dict[str, Callable[[_Chooser], Fault | None]]] = {
    "error": _error,
    "timed_out": _timed_out,
    "unreachable": _unreachable,
    "missing": _missing,
    "slow": _slow,
    "stuck": _stuck,
    "published_twice": _published_twice,
    "out_of_order": _out_of_order,
    "poison": _poison,
    "retried": _retried,
}
