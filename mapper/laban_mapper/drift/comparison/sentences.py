"""What a change brought, in sentences."""

from collections.abc import Iterator, Sequence
from typing import Final

from laban_mapper.drift.naming import in_words
from laban_mapper.model_compare import ComparedEdge, SystemSide
from laban_mapper.model_drift import DriftItem
from laban_mapper.names import listed, shortened
from laban_mapper.times import format_duration

_ENOUGH: Final = 20
"""Requests on each side without which nothing is said about latencies, failures and the score."""
_FEW: Final = 0.5
"""The difference of the calls of a request from which on they have changed, of fewer requests."""
_CHANGED: Final = 1.2
"""The factor from which on a latency has changed: percentiles of few requests differ by chance."""
_SHOWN: Final = 6
_SCORED: Final = 0.05
"""The difference from which on a score has changed: it rests on a sample."""
_FAILED: Final = 0.02
"""The difference from which on a share of failures has changed."""


def brought(
    before: SystemSide, after: SystemSide, changes: Sequence[DriftItem], edges: Sequence[ComparedEdge]
) -> list[str]:
    """The sentences, the most important first; empty if nothing has changed."""
    return [
        *_structure(changes),
        *_shape(before, after),
        *_latency(before, after),
        *_failures(before, after),
        *_queues(edges),
    ]


def of_findings(
    before: SystemSide, after: SystemSide, new: Sequence[str], gone: Sequence[str]
) -> Iterator[str]:
    """How the score has changed, and which findings came or went."""
    one, other = before.score, after.score
    if one is not None and other is not None and abs(one - other) >= _SCORED and _are_enough(before, after):
        yield f"The score as a distributed monolith is {other:.2f} of 1 instead of {one:.2f}."
    for said, found in (("New findings", new), ("No longer found", gone)):
        if found:
            yield f"{said}: {_first(found)}."


def _first(found: Sequence[str]) -> str:
    more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    return "; ".join(map(shortened, found[:_SHOWN])) + more


def _structure(changes: Sequence[DriftItem]) -> Iterator[str]:
    turned = [item.place for item in changes if item.kind == "sync-to-async"]
    if turned:
        became = "became a message" if len(turned) == 1 else "became messages"
        yield f"{_number(len(turned), 'call')} {became}, so the caller no longer waits: {listed(turned)}."
    back = [item.place for item in changes if item.kind == "async-to-sync"]
    if back:
        became = "became a call" if len(back) == 1 else "became calls"
        yield f"{_number(len(back), 'message')} {became}, so the caller waits: {listed(back)}."
    for kind, said in (("new-call", "New calls"), ("gone-call", "No longer called")):
        places = [item.place for item in changes if item.kind == kind]
        if places:
            yield f"{said}: {listed(places)}."
    topics = [item.place for item in changes if item.kind == "new-consumer"]
    if topics:
        yield f"New consumers: {_first(topics)}."


def _shape(before: SystemSide, after: SystemSide) -> Iterator[str]:
    parts = []
    if before.waited_for != after.waited_for:
        parts.append(f"waits for {_number(after.waited_for, 'service')} instead of {before.waited_for}")
    if before.longest_chain != after.longest_chain:
        parts.append(
            f"has a longest chain of {_number(after.longest_chain, 'call')} instead of {before.longest_chain}"
        )
    if parts:
        yield f"A client {' and '.join(parts)}."
    for verb, noun, one, other in (
        ("makes", "synchronous calls", before.calls_per_request, after.calls_per_request),
        ("publishes", "messages", before.messages_per_request, after.messages_per_request),
    ):
        least = 0.05 if _are_enough(before, after) else _FEW
        if one is not None and other is not None and abs(one - other) >= least:
            yield f"A request {verb} {other:.1f} {noun} instead of {one:.1f}."


def _are_enough(before: SystemSide, after: SystemSide) -> bool:
    return min(before.requests, after.requests) >= _ENOUGH


def _latency(before: SystemSide, after: SystemSide) -> Iterator[str]:
    if not _are_enough(before, after):
        return
    parts = []
    for name, one, other in (("50th", before.p50_ms, after.p50_ms), ("95th", before.p95_ms, after.p95_ms)):
        if one and other and max(one / other, other / one) >= _CHANGED:
            instead = f"{format_duration(other)} instead of {format_duration(one)}"
            parts.append(f"{instead} ({name} percentile, {_factor(one, other)})")
    if parts:
        yield f"A request takes {', and '.join(parts)}."


def _factor(before: float, after: float) -> str:
    return f"{before / after:.1f} times as fast" if after < before else f"{after / before:.1f} times as long"


def _failures(before: SystemSide, after: SystemSide) -> Iterator[str]:
    if not _are_enough(before, after):
        return
    one, other = before.failed / before.requests, after.failed / after.requests
    if abs(one - other) >= _FAILED:
        yield (
            f"{other:.1%} of the requests fail instead of {one:.1%} "
            f"({after.failed:,} of {after.requests:,}; {before.failed:,} of {before.requests:,})."
        )


def _queues(edges: Sequence[ComparedEdge]) -> Iterator[str]:
    """How long messages wait that did not exist before: the price of not waiting."""
    waits = [
        (edge.after.p95_ms, edge)
        for edge in edges
        if edge.source.startswith("topic:")
        and edge.before is None
        and edge.after is not None
        and edge.after.p95_ms is not None
    ]
    if waits:
        longest, edge = max(waits, key=lambda wait: wait[0])
        yield (
            f"In exchange, messages wait in topics: at most {format_duration(longest)} (95th percentile) in "
            f"{in_words(edge.source)} until {in_words(edge.target)}."
        )


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
