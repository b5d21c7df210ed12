"""Answers from a store in this process: reads the rows, hands them to the pure middle."""

import importlib.metadata
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from laban_app.answers.trace_closure import MAX_SPANS, MAX_TRACES, Window, peers_of, spans_led_to
from laban_collector.store.base import MAX_ROWS, MINUTE, SpanReader, TraceRef
from laban_mapper import graph, lag, story
from laban_mapper.errors import BadWindow, UnknownValue
from laban_mapper.model import (
    KnownValue,
    KnownValues,
    LagHistory,
    LagReport,
    LatencyHistory,
    LatencyPoint,
    ServiceMap,
    Status,
    Story,
)
from laban_mapper.spans import NS_PER_S
from laban_mapper.times import moment, nanoseconds

_NEAREST: Final = 5
_BUCKETS: Final = 60
_DEFAULT_WINDOW: Final = 3600 * NS_PER_S
_VALUES_WINDOW: Final = 24 * 3600 * NS_PER_S
_SHORT: Final = 5 * MINUTE
"""A window that is shorter is answered to the nanosecond."""
_AROUND: Final = 24 * 3600 * NS_PER_S
"""How far from its first and last correlated span a story is followed, ns."""


class LocalAnswers:
    """Implements `Answers` over a `SpanReader`."""

    def __init__(self, reader: SpanReader) -> None:
        self._reader = reader

    def story(
        self, key: str, value: str, since: datetime | None = None, until: datetime | None = None
    ) -> Story:
        """What happened to `key` `value`; raises UnknownValue with the nearest known ones."""
        reader = self._reader
        with reader.at_one_moment():
            found = reader.traces_with(key, value, MAX_TRACES)
            window = _story_window(found, since, until)
            spans = spans_led_to(reader, [ref.trace_id for ref in found], window)
            if not spans:
                raise UnknownValue(key, value, reader.nearest_values(key, value, _NEAREST))
            topics = sorted({span.topic for span in spans if span.topic is not None})
            consumption = story.Consumption(reader.latest_lag(), reader.groups_of(topics))
            peers = peers_of(reader, spans)
        truncated = len(found) >= MAX_TRACES or len(spans) >= MAX_SPANS
        return story.tell(key, value, spans, consumption, peers, truncated=truncated)

    def service_map(self, since: datetime | None = None, until: datetime | None = None) -> ServiceMap:
        """Who talks to whom, and how."""
        asked = self._window(since, until)
        begin, end = _whole_minutes(*asked)
        edges = self._reader.edges(begin, end)
        # Rates are over the time that was watched, not over what was before the first span, or is to come.
        first, last = self._reader.extent() or asked
        begin, end = max(begin, first), min(end, max(asked[1], last + 1))
        return graph.draw_map(edges, self._reader.latest_lag(), moment(begin), moment(end))

    def lag(self) -> LagReport:
        """How far each consumer group is behind now."""
        return lag.report(self._reader.latest_lag())

    def lag_history(self, since: datetime | None = None, until: datetime | None = None) -> LagHistory:
        """How far each consumer group was behind over time."""
        begin, end = self._window(since, until)
        # The poller goes on while no spans come: up to the newest span is not up to now.
        return lag.history(self._reader.lag_between(begin, end if until else time.time_ns()))

    def latency(
        self, by: Literal["edge", "route"], since: datetime | None = None, until: datetime | None = None
    ) -> LatencyHistory:
        """Percentiles over time, in about 60 buckets of whole seconds."""
        begin, end = self._window(since, until)
        bucket = max(1, (end - begin) // _BUCKETS // NS_PER_S) * NS_PER_S
        points = [
            LatencyPoint(
                time=moment(point.time),
                name=point.name,
                calls=point.calls,
                errors=point.errors,
                p50_ms=point.p50_ms,
                p95_ms=point.p95_ms,
                p99_ms=point.p99_ms,
            )
            for point in self._reader.latency(by, begin, end, bucket)
        ]
        truncated = len(points) >= MAX_ROWS
        return LatencyHistory(by=by, bucket_s=bucket / NS_PER_S, points=points, truncated=truncated)

    def known_values(
        self, key: str, limit: int = 50, since: datetime | None = None, until: datetime | None = None
    ) -> KnownValues:
        """The newest values of a business key, to pick from."""
        values = self._reader.recent_values(key, *self._window(since, until, _VALUES_WINDOW), limit)
        return KnownValues(
            key=key, values=[KnownValue(value=value, last_seen=moment(seen)) for value, seen in values]
        )

    def status(self) -> Status:
        """What the store holds."""
        contents = self._reader.contents()
        return Status(
            version=importlib.metadata.version("laban"),
            spans=contents.spans,
            traces=contents.traces,
            services=list(contents.services),
            first=None if contents.first is None else moment(contents.first),
            last=None if contents.last is None else moment(contents.last),
        )

    def _window(
        self, since: datetime | None, until: datetime | None, length: int = _DEFAULT_WINDOW
    ) -> Window:
        """Half open, in ns; up to the newest span where no end is given, so long where no beginning is."""
        if until is None:
            extent = self._reader.extent()
            end = extent[1] + 1 if extent else time.time_ns()
        else:
            end = nanoseconds(until)
        begin = end - length if since is None else nanoseconds(since)
        if begin >= end and until is not None:
            raise BadWindow(
                f"The window ends ({moment(end):%F %T}) before it begins ({moment(begin):%F %T})."
            )
        return (min(begin, end), end)


def _whole_minutes(begin: int, end: int) -> Window:
    """A window that is not short is widened to whole minutes, of which edges are counted already."""
    if end - begin < _SHORT:
        return begin, end
    return begin // MINUTE * MINUTE, -(-end // MINUTE) * MINUTE


def _story_window(found: Sequence[TraceRef], since: datetime | None, until: datetime | None) -> Window:
    begin = min((ref.first for ref in found), default=0) - _AROUND
    end = max((ref.last for ref in found), default=0) + _AROUND
    return (
        begin if since is None else nanoseconds(since),
        end if until is None else nanoseconds(until),
    )
