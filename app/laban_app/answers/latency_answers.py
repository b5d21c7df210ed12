"""The answer about latency over time, from a reader of the store."""

from collections.abc import Mapping
from typing import Final, Literal

from laban_app.answers.closure import Window
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import LATENCY_BUCKET, MINUTE, LatencyPoint
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.model import LatencyHistory, LatencyTotal
from laban_mapper.model import LatencyPoint as Point
from laban_mapper.spans import NS_PER_S
from laban_mapper.times import storable, utc_time

_POINTS: Final = 60
"""About as many times has an answer."""
_SHORT: Final = 5 * MINUTE
"""A shorter time range is not widened to whole minutes."""


def whole_minutes(begin: int, end: int) -> Window:
    """Widen a time range (ns) to whole minutes, which are counted already, unless it is short."""
    if end - begin < _SHORT:
        return begin, end
    return begin // MINUTE * MINUTE, storable(-(-end // MINUTE) * MINUTE)


def latency_history(
    reader: SpanReader, by: Literal["edge", "route"], window: Window, objectives: Objectives
) -> LatencyHistory:
    """Latency percentiles over time and of the whole window.

    Args:
        reader: of the store.
        by: calls and messages by edge, or operations of services.
        window: ns; for edges it is widened to whole minutes.
        objectives: what was promised of operations.
    """
    begin, end = whole_minutes(*window) if by == "edge" else window
    unit = MINUTE if by == "edge" else NS_PER_S
    slot = max(1, (end - begin) // _POINTS // unit) * unit
    found = reader.latency(by, begin, end, slot)
    promised = {_words(name): limit for name, limit in objectives.latency.items()} if by == "route" else {}
    return LatencyHistory(
        by=by,
        bucket_s=slot / NS_PER_S,
        points=[_point(point) for point in found.points],
        truncated=found.left_out > 0,
        totals=[_total(total, promised) for total in found.totals],
        within_percent=100 * LATENCY_BUCKET,
        left_out=found.left_out,
        since=utc_time(begin),
        until=utc_time(end),
    )


def _point(point: LatencyPoint) -> Point:
    return Point(
        time=utc_time(point.time),
        name=point.name,
        calls=point.calls,
        errors=point.errors,
        p50_ms=point.p50_ms,
        p95_ms=point.p95_ms,
        p99_ms=point.p99_ms,
    )


def _total(total: LatencyPoint, promised: Mapping[str, float]) -> LatencyTotal:
    return LatencyTotal(
        name=total.name,
        calls=total.calls,
        errors=total.errors,
        p50_ms=total.p50_ms,
        p95_ms=total.p95_ms,
        p99_ms=total.p99_ms,
        objective_ms=promised.get(_words(total.name)),
    )


def _words(name: str) -> str:
    """The name of a route has two spaces after the service, that of an entry operation one."""
    return " ".join(name.split())
