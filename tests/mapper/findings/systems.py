"""Systems for tests of the rules, made from the spans of some traces: every trace is in the sample."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from laban_collector.store.rows import EdgeRow, Lag, SampledRef, Span
from laban_mapper.findings.facts import Rule, SampledTrace, System, sampled_traces
from laban_mapper.findings.find import find
from laban_mapper.findings.samples import entries_of
from laban_mapper.findings.thresholds import Objectives, Thresholds
from laban_mapper.lag import report
from laban_mapper.model import Finding
from laban_mapper.profiles.followers import Followers
from laban_mapper.service_map import build_service_map
from laban_mapper.spans import (
    CLIENT,
    NS_PER_MS,
    NS_PER_S,
    PRODUCER,
    SERVER,
    failed,
    is_consuming,
    protocol_of,
)
from laban_mapper.story.causality import Causality
from laban_mapper.story.messages import Consumption

from ..shop_spans import T0

Trace = Sequence[Span]
HOUR = 3600 * NS_PER_S


def many(make: Callable[[], Trace], count: int = 30, apart: int = NS_PER_S) -> list[Trace]:
    """As many traces, each some ns after the one before."""
    return [_later(make(), number * apart) for number in range(count)]


def _later(trace: Trace, ns: int) -> Trace:
    return [replace(span, start=span.start + ns) for span in trace]


def system_of(
    traces: Iterable[Trace],
    *,
    lag: Sequence[Lag] = (),
    thresholds: Thresholds | None = None,
    objectives: Objectives | None = None,
    now: int = T0 + HOUR,
) -> System:
    """A system with these traces and no others; its map has their calls and messages.

    Args:
        traces: each gets trace ids and offsets of its own.
        lag: the newest poll.
        thresholds: of the rules.
        objectives: what was promised.
        now: ns.
    """
    spans = [span for number, trace in enumerate(traces) for span in _with_own_ids(trace, number)]
    followers = Followers(spans)
    consumption = Consumption(lag, _groups(spans))
    sampled: list[SampledTrace] = []
    for trace in dict.fromkeys(span.trace_id for span in spans):
        if not followers.follows(trace):
            sampled += sampled_traces(trace, followers.spans(trace), consumption)
    kinds = {one.trace_id: (one.root.namespace, one.root.service, one.root.name) for one in sampled}
    seen = {kind: list(kinds.values()).count(kind) for kind in kinds.values()}
    refs = [SampledRef(*kind, seen[kind], trace, 0) for trace, kind in kinds.items()]
    begin = min((span.start for span in spans), default=T0)
    return System(
        map=build_service_map(list(edges_of(spans)), lag, _time(begin), _time(now)),
        lag=report(lag),
        entries=entries_of(refs, sampled),
        thresholds=thresholds or Thresholds(),
        objectives=objectives or Objectives(),
        now=now,
    )


def found(rule: Rule, system: System) -> list[Finding]:
    """What one rule finds."""
    return find(system, rules=[rule]).findings


def edges_of(spans: Sequence[Span]) -> Iterable[EdgeRow]:
    """The calls and messages of some spans, as a store counts them: for plain spans without oddities."""
    causality = Causality(spans)
    calls: dict[tuple[str, str, str, str], list[Span]] = {}
    for span in causality.spans:
        for source, target, kind in _edges(span, causality):
            calls.setdefault((source, target, kind, protocol_of(span) or "rpc"), []).append(span)
    for (source, target, kind, protocol), same in calls.items():
        taken = sorted(span.duration / NS_PER_MS for span in same)
        errors = sum(map(failed, same))
        p50, p95, p99 = (taken[int(share * (len(taken) - 1))] for share in (0.5, 0.95, 0.99))
        yield EdgeRow(source, target, kind, protocol, len(same), errors, p50, p95, p99, len(same), 0, 0)


def _edges(span: Span, causality: Causality) -> Iterable[tuple[str, str, str]]:
    cause = causality.cause(span)
    if span.kind == SERVER:
        yield (
            "entry:clients" if cause is None else f"service:{cause.service}",
            f"service:{span.service}",
            "sync",
        )
    elif span.kind == CLIENT and span.topic is None and not causality.effects(span):
        database = f"database:{span.db_system}/{span.db_namespace or ''}".rstrip("/")
        callee = (
            database if span.db_system else f"external:{span.peer_service or span.peer_address or 'unknown'}"
        )
        yield (f"service:{span.service}", callee, "sync")
    elif span.kind == PRODUCER and span.topic is not None:
        yield (f"service:{span.service}", f"topic:{span.topic}", "async")
    elif is_consuming(span) and span.topic is not None:
        group = f"group:{span.group}" if span.group else f"service:{span.service}"
        yield (f"topic:{span.topic}", group, "async")
        if span.group:
            yield (group, f"service:{span.service}", "async")


def _with_own_ids(trace: Trace, number: int) -> list[Span]:
    ids = {
        one: f"{number + 1:016x}{place + 1:016x}"[::-1]
        for place, one in enumerate(dict.fromkeys(span.trace_id for span in trace))
    }
    return [
        replace(
            span,
            trace_id=ids[span.trace_id],
            offset=None if span.offset is None else span.offset + 1_000 * number,  # another message
            links=tuple((ids.get(linked, linked), other) for linked, other in span.links),
        )
        for span in trace
    ]


def _groups(spans: Iterable[Span]) -> dict[str, dict[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    for span in spans:
        if span.topic is not None and span.group is not None and is_consuming(span):
            groups.setdefault(span.topic, {})[span.group] = span.service
    return groups


def _time(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / NS_PER_S, UTC)
