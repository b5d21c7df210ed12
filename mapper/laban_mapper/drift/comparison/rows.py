"""A comparison as rows of texts: what a table shows of each side, and what has changed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from laban_mapper.drift.naming import in_words
from laban_mapper.model_compare import ComparedEdge, ComparedGroup, Comparison, EdgeSide, LagSide, SystemSide
from laban_mapper.names import counted
from laban_mapper.times import format_duration, time_range

Change = Literal["new", "gone", "failing", "rarer", "more often", "slower", "faster", "same"]
_FACTOR: Final = 1.5
"""The factor of the 95th percentile from which on an edge is called slower or faster."""
_TIMES: Final = 2.0
"""The factor of the calls of a request from which on an edge is called rarer or more often."""
_FEWEST: Final = 20
_FAILING: Final = 0.02
NOTHING: Final = "–"


class SystemRow(NamedTuple):
    """One property of the systems."""

    name: str
    before: str
    after: str


class EdgeRow(NamedTuple):
    """One edge: how often, how slow and how faulty on each side; and what has changed."""

    name: str
    is_async: bool
    calls: tuple[str, str]
    p50: tuple[str, str]
    p95: tuple[str, str]
    errors: tuple[str, str]
    change: Change


def system_rows(comparison: Comparison) -> Iterator[SystemRow]:
    """The properties of both systems, without those that neither has."""
    shown: Sequence[tuple[str, Callable[[SystemSide], str]]] = (
        ("time", lambda side: time_range(side.since, side.until)),
        ("requests", lambda side: f"{side.requests:,}"),
        ("failed", lambda side: _share(side.failed, side.requests)),
        ("request p50", lambda side: milliseconds(side.p50_ms)),
        ("request p95", lambda side: milliseconds(side.p95_ms)),
        ("a client waits for", lambda side: counted(side.waited_for, "service")),
        ("its longest chain", lambda side: counted(side.longest_chain, "call")),
        ("calls per request", lambda side: _ratio(side.calls_per_request)),
        ("messages per request", lambda side: _ratio(side.messages_per_request)),
        (
            "distributed-monolith score",
            lambda side: NOTHING if side.score is None else f"{side.score:.2f} of 1",
        ),
        ("findings (errors, warnings)", lambda side: NOTHING if side.score is None else f"{side.findings:,}"),
        ("edges", lambda side: f"{side.sync_edges:,} sync, {side.async_edges:,} async"),
        (
            "nodes",
            lambda side: (
                f"{counted(side.services, 'service')}, {counted(side.topics, 'topic')}, "
                f"{counted(side.groups, 'group')}"
            ),
        ),
    )
    for name, text in shown:
        before, after = text(comparison.before), text(comparison.after)
        if (before, after) != (NOTHING, NOTHING):
            yield SystemRow(name, before, after)


def edge_rows(comparison: Comparison, *, everything: bool) -> Iterator[EdgeRow]:
    """The edges that have changed, or all."""
    for edge in comparison.edges:
        change = change_of(edge)
        if everything or change != "same" or edge.source.startswith("entry:"):
            yield EdgeRow(
                name=f"{_end(edge.source)} {'┄▶' if edge.kind == 'async' else '─▶'} {_end(edge.target)}"
                + ("" if edge.kind == "async" else f" ({edge.protocol})"),
                is_async=edge.kind == "async",
                calls=(_calls(edge.before), _calls(edge.after)),
                p50=_times(edge, lambda side: side.p50_ms),
                p95=_times(edge, lambda side: side.p95_ms),
                errors=(_errors(edge.before), _errors(edge.after)),
                change=change,
            )


def group_rows(comparison: Comparison) -> Iterator[tuple[ComparedGroup, str, str]]:
    """The groups with their worst lag on each side."""
    for group in comparison.groups:
        yield group, _lag(group.before), _lag(group.after)


def change_of(edge: ComparedEdge) -> Change:
    """What has changed, as far as there are enough calls to tell."""
    before, after = edge.before, edge.after
    if before is None or after is None:
        return "new" if before is None else "gone"
    if max(before.calls, after.calls) >= _FEWEST and before.per_request and after.per_request:
        if after.per_request <= before.per_request / _TIMES:
            return "rarer"
        if after.per_request >= before.per_request * _TIMES:
            return "more often"
    if min(before.calls, after.calls) < _FEWEST:
        return "same"
    if after.errors / after.calls - before.errors / before.calls >= _FAILING:
        return "failing"
    if before.p95_ms and after.p95_ms:
        if after.p95_ms >= before.p95_ms * _FACTOR:
            return "slower"
        if before.p95_ms >= after.p95_ms * _FACTOR:
            return "faster"
    return "same"


def pair(before: str, after: str) -> str:
    """Both sides of a value in one cell."""
    return before if before == after else f"{before} → {after}"


def milliseconds(ms: float | None) -> str:
    """A latency for people; a dash if it is unknown."""
    return NOTHING if ms is None else format_duration(ms)


def _end(node: str) -> str:
    return "clients" if node == "entry:clients" else in_words(node)


def _calls(side: EdgeSide | None) -> str:
    return NOTHING if side is None else f"{side.calls:,}"


def _errors(side: EdgeSide | None) -> str:
    return NOTHING if side is None else f"{side.errors:,}"


def _times(edge: ComparedEdge, which: Callable[[EdgeSide], float | None]) -> tuple[str, str]:
    before, after = (
        NOTHING if side is None else milliseconds(which(side)) for side in (edge.before, edge.after)
    )
    return before, after


def _lag(side: LagSide | None) -> str:
    if side is None or side.messages is None:
        return NOTHING
    seconds = "" if side.seconds is None else f", {format_duration(side.seconds * 1000)}"
    return f"{counted(side.messages, 'message')}{seconds}"


def _share(part: int, of: int) -> str:
    return f"{part:,} ({part / of:.1%})" if of else NOTHING


def _ratio(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"
