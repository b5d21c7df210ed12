"""How many others a cause affects, and since when: from the counts of calls and of the lag by minute."""

import math
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from laban_collector.store.rows import MINUTE, EdgeMinute, EdgePlace, QueueMinute, Span
from laban_mapper.model import OrderScope
from laban_mapper.spans import CLIENT, CONSUMER, SERVER, is_consuming, is_publishing
from laban_mapper.story.causes.counted import node_of
from laban_mapper.story.causes.facts import Claim
from laban_mapper.times import utc_time

BEFORE: Final = 120 * MINUTE
"""How long before a fault the minutes are read, in ns: an hour for its onset, and one to compare with."""
AFTER: Final = 15 * MINUTE
"""How long after a fault they are read."""
_COMPARED: Final = 60 * MINUTE
"""The time before the onset that is compared."""
_DIFFERENT: Final = 4.0
"""By how much the logarithm of the likelihood is better if the rate changed, or the onset is chance."""
_REST: Final = 0.1
"""The share of the messages that wait now, below which a queue is said not to have been stuck."""


class Problem(NamedTuple):
    """What to count to know who else is affected.

    Attributes:
        at: when the fault occurred, ns.
        place: the edge where it lies.
        counted: whether calls count that failed, or calls that took `slow` ns or longer.
    """

    at: int
    place: EdgePlace
    counted: Literal["errors", "slow"]
    slow: int


class Queue(NamedTuple):
    """A queue in which a message waits."""

    at: int
    group: str
    topic: str


def problem_of(claim: Claim) -> Problem | None:
    """Where calls with the same problem are counted; None if the claim is not about calls."""
    first = claim.spans[0]
    if claim.kind == "poison":
        failing = next((span for span in claim.spans if is_consuming(span)), None)
        place = None if failing is None else _queue_place(failing)
        return None if place is None else Problem(first.start, place, "errors", 1)
    if claim.kind in {"error", "timed_out", "unreachable", "retried"}:
        place = _place(claim, first)
        return None if place is None else Problem(first.start, place, "errors", 1)
    if claim.kind != "slow":
        return None
    waited = _waited(claim)
    place = _place(claim, first) if waited is None else _queue_place(first)
    took = first.duration if waited is None else waited
    # As slow as this one, or at least by half of its excess.
    least = max(took - claim.weight / 2, took / 2)
    return None if place is None else Problem(first.start, place, "slow", max(round(least), 1))


def queue_of(claim: Claim) -> Queue | None:
    """The queue of a claim about a message that waits; None for other claims."""
    first = claim.spans[0]
    if claim.kind != "stuck" or claim.group is None or first.topic is None:
        return None
    return Queue(first.start, claim.group, first.topic)


def scope_of_calls(problem: Problem, minutes: Sequence[EdgeMinute]) -> OrderScope | None:
    """The scope of a problem with calls; None if no call of these minutes has it."""
    counts = [
        (one.minute, min(one.errors if problem.counted == "errors" else one.slow, one.calls), one.calls)
        for one in minutes
    ]
    onset = _onset(counts, problem.at)
    if onset is None:
        return None
    during = [(bad, calls) for minute, bad, calls in counts if minute >= onset]
    before = [(bad, calls) for minute, bad, calls in counts if onset - _COMPARED <= minute < onset]
    return OrderScope(
        affected=sum(bad for bad, _ in during),
        of=sum(calls for _, calls in during),
        since=utc_time(onset),
        before_affected=sum(bad for bad, _ in before),
        before_of=sum(calls for _, calls in before),
    )


def scope_of_queue(minutes: Sequence[QueueMinute]) -> OrderScope | None:
    """The scope of a queue that does not drain: what waits, of what was published since it began to."""
    if not minutes or minutes[-1].waiting == 0:
        return None
    if len(minutes) > 1 and _stood(*minutes[:2]):  # since before the first poll: as if it began there
        first = minutes[0]
        minutes = [QueueMinute(first.minute - MINUTE, first.end - first.waiting, 0), *minutes]
    least = min(one.waiting for one in minutes)
    rest = least + _REST * (minutes[-1].waiting - least)
    begin = next((place for place in reversed(range(len(minutes))) if minutes[place].waiting <= rest), None)
    if begin is None or begin == len(minutes) - 1:
        return None
    while begin and _stood(minutes[begin - 1], minutes[begin]):  # however little waited then
        begin -= 1
    base, onset = minutes[begin], minutes[begin + 1]
    compared = next(one for one in minutes if one.minute >= onset.minute - _COMPARED)
    of = minutes[-1].end - base.end
    return OrderScope(
        affected=min(minutes[-1].waiting, of),
        of=of,
        since=utc_time(onset.minute),
        before_of=max(base.end - compared.end, 0),
    )


def _stood(one: QueueMinute, following: QueueMinute) -> bool:
    """Whether a group has read nothing from one minute to the next, although messages came."""
    return one.end < following.end and one.end - one.waiting == following.end - following.waiting


def _onset(counts: Sequence[tuple[int, int, int]], at: int) -> int | None:
    """The minute from which on more calls have the problem than before; the most likely one.

    Compares, for each minute, one rate before and one since; without a clear change, the problem has been
    there from the begin.
    """
    bad, calls = [0], [0]
    for _, failed, made in counts:
        bad.append(bad[-1] + failed)
        calls.append(calls[-1] + made)
    if not bad[-1]:
        return None
    best, onset = _likelihood(bad[-1], calls[-1]) + _DIFFERENT, _first(counts)
    for place, (minute, failed, _) in enumerate(counts):
        if not failed or minute > at:
            continue
        rates = bad[place] * (calls[-1] - calls[place]), (bad[-1] - bad[place]) * calls[place]
        likelihood = _likelihood(bad[place], calls[place])
        likelihood += _likelihood(bad[-1] - bad[place], calls[-1] - calls[place])
        if likelihood > best and rates[0] < rates[1]:
            best, onset = likelihood, minute
    return onset


def _first(counts: Sequence[tuple[int, int, int]]) -> int:
    return next(minute for minute, failed, _ in counts if failed)


def _likelihood(bad: int, calls: int) -> float:
    """The logarithm of the likelihood of so many bad calls, at the rate that makes it largest."""
    good = calls - bad
    if bad <= 0 or good <= 0:
        return 0.0
    return bad * math.log(bad / calls) + good * math.log(good / calls)


def _place(claim: Claim, span: Span) -> EdgePlace | None:
    if is_publishing(span) and span.topic is not None:
        return EdgePlace(node_of(span), (f"topic:{span.topic}",))
    if span.kind == CLIENT:
        return _called(claim, span)
    if span.kind == SERVER:
        caller = next(
            (one for one in claim.spans if one.kind == CLIENT and one.span_id == span.parent_id), None
        )
        return EdgePlace(None if caller is None else node_of(caller), (node_of(span),))
    if is_consuming(span) and span.group is not None:
        if claim.kind == "slow":
            return EdgePlace(f"group:{span.group}", (node_of(span),))
        return _queue_place(span)
    return None


def _called(claim: Claim, span: Span) -> EdgePlace:
    """Every node that the callee of a call may be in the graph: as a service, a database, or a host."""
    address = span.peer_address
    if address is not None and span.peer_port:
        address = f"{address}:{span.peer_port}"
    names = [claim.service, *([f"{span.namespace}/{claim.service}"] if span.namespace else [])]
    targets = [f"service:{name}" for name in names]
    if span.db_system is not None:
        targets.append(f"database:{span.db_system}" + (f"/{span.db_namespace}" if span.db_namespace else ""))
    else:
        external = span.peer_service or address or span.rpc_service
        targets += [] if external is None else [f"external:{external}"]
    return EdgePlace(node_of(span), tuple(targets), address, span.rpc_service)


def _queue_place(span: Span) -> EdgePlace | None:
    if span.kind != CONSUMER or span.topic is None or span.group is None:
        return None
    return EdgePlace(f"topic:{span.topic}", (f"group:{span.group}",))


def _waited(claim: Claim) -> int | None:
    """The time that the message of a slow claim waited, ns; None if the claim is about something else."""
    if len(claim.spans) < 2 or not is_consuming(claim.spans[0]) or not is_publishing(claim.spans[1]):
        return None
    return claim.spans[0].start - claim.spans[1].start
