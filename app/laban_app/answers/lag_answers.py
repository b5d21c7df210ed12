"""The answers about consumer lag, from a reader of the store."""

from collections.abc import Mapping, Sequence
from typing import Final

from laban_collector.store.base import SpanReader
from laban_collector.store.rows import MINUTE, Lag, LagProblem
from laban_mapper import lag, waiting
from laban_mapper.model import LagReport, QueueCause
from laban_mapper.queue_causes import queue_causes
from laban_mapper.spans import NS_PER_S

_LOOKED_UP: Final = 200
"""Partitions whose first unread message is looked for in spans: those with the most messages."""
_EARLIEST: Final = 24 * 3600 * NS_PER_S
"""How long before a poll the span of an unread message is looked for, in ns, if its age is unknown."""
_MARGIN: Final = 10 * MINUTE
"""By how much an interpolated age, or the clock of a producer, may be wrong, in ns."""
_RATES: Final = 5 * MINUTE
"""The time over which rates are measured, in ns."""
_RECENT: Final = 60 * MINUTE
"""The time in which consumers and publishers are looked for, in ns."""
_CONSUMPTIONS: Final = 100
"""Newest traces of a group that are examined."""
_SPANS: Final = 5000
"""Maximum number of their spans."""


def lag_report(reader: SpanReader, window: tuple[int, int] | None = None) -> LagReport:
    """How far behind each consumer group is, or was at the end of a window (ns).

    Its first unread message is dated by a span, if there is one.
    """
    with reader.at_one_moment():
        problems = reader.lag_problems() if window is None else []
        return _report(reader, reader.latest_lag(window), problems)


def waiting_report(reader: SpanReader) -> LagReport:
    """The lag report with the messages that wait, why, and how long it takes to process them."""
    with reader.at_one_moment():
        rows = reader.latest_lag()
        report = _report(reader, rows, reader.lag_problems())
        if not rows:
            return waiting.with_waiting(report, rows, waiting.Evidence({}, {}, [], {}, []))
        newest = max(row.time for row in rows)
        ranges = waiting.unread_ranges(rows)
        since = min((_since(row) for row in ranges.values()), default=newest)
        unread = reader.unread(list(ranges), since, newest + _MARGIN, waiting.MAX_MESSAGES)
        traces = {message.trace_id for found in unread.values() for message in found.messages}
        evidence = waiting.Evidence(
            unread=unread,
            keys=reader.keys_of(traces, since - _MARGIN, newest + _RECENT, waiting.MAX_KEYS),
            rates=reader.lag_rates(newest - _RATES, newest + 1),
            causes=_causes(reader, rows, newest),
            edges=reader.edges(newest // MINUTE * MINUTE - _RECENT, newest // MINUTE * MINUTE + MINUTE),
        )
    return waiting.with_waiting(report, rows, evidence)


def _report(reader: SpanReader, rows: Sequence[Lag], problems: Sequence[LagProblem]) -> LagReport:
    unread = lag.first_unread(rows)
    most = sorted(unread, key=lambda message: unread[message].messages or 0, reverse=True)[:_LOOKED_UP]
    if not most:
        return lag.report(rows, problems)
    times = [unread[message].time for message in most]
    published = reader.published(most, min(times) - _EARLIEST, max(times))
    return lag.report(rows, problems, published)


def _since(row: Lag) -> int:
    """The time from which an unread message of a partition may be."""
    age = _EARLIEST if row.seconds is None else round(row.seconds * NS_PER_S)
    return row.time - age - _MARGIN


def _causes(
    reader: SpanReader, rows: Sequence[Lag], newest: int
) -> Mapping[waiting.Queue, Sequence[QueueCause]]:
    causes: dict[waiting.Queue, Sequence[QueueCause]] = {}
    window = (newest - _RECENT, newest + _MARGIN)
    for queue in waiting.lagging_queues(rows):
        _, group, topic = queue
        traces = reader.newest_consumptions(group, topic, *window, _CONSUMPTIONS)
        if traces:
            causes[queue] = queue_causes(reader.spans_of(traces, *window, _SPANS), group, topic)
    return causes
