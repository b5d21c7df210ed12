"""The answers about consumer lag, from a reader of the store."""

from typing import Final

from laban_collector.store.base import SpanReader
from laban_mapper import lag
from laban_mapper.model import LagReport
from laban_mapper.spans import NS_PER_S

_LOOKED_UP: Final = 200
"""Partitions whose first unread message is looked for in spans: those with the most messages."""
_EARLIEST: Final = 24 * 3600 * NS_PER_S
"""How long before a poll the span of an unread message is looked for, in ns."""


def lag_report(reader: SpanReader) -> LagReport:
    """How far behind each consumer group is; its first unread message is dated by a span, if there is one."""
    with reader.at_one_moment():
        rows = reader.latest_lag()
        problems = reader.lag_problems()
        unread = lag.first_unread(rows)
        most = sorted(unread, key=lambda message: unread[message].messages or 0, reverse=True)[:_LOOKED_UP]
        if not most:
            return lag.report(rows, problems)
        times = [unread[message].time for message in most]
        published = reader.published(most, min(times) - _EARLIEST, max(times))
    return lag.report(rows, problems, published)
