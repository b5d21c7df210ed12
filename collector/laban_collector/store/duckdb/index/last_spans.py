"""When each service sent its last span, in ranges of commits: with them, no query reads all spans."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

import duckdb

from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index.keys import CommitRange
from laban_collector.store.rows import PLAUSIBLE_AHEAD

MOST_SERVICES: Final = 1_000
"""Services whose last spans are kept for a range; with more, its spans are read when one is asked for."""
_ANY_NUMBER: Final = 1 << 62

Ends = Mapping[str, int]
"""The end of the last span, ns, by the service's name, and by its name with the namespace: `shop/order`."""


class LastSpan(NamedTuple):
    """The end (ns) of the last span of a service."""

    service: str
    namespace: str | None
    last: int


def last_spans_of(
    cursor: duckdb.DuckDBPyConnection, commits: CommitRange, services: Collection[str] | None = None
) -> list[LastSpan] | None:
    """Return the last span of each service in a range of commits; None if there are too many services.

    Args:
        cursor: of the database.
        commits: the range.
        services: names, with or without the namespace, to look for; then there are never too many.
    """
    most = MOST_SERVICES + 1 if services is None else _ANY_NUMBER
    parameters = {
        **commits._asdict(),
        "ahead": PLAUSIBLE_AHEAD,
        "services": None if services is None else list(services),
        "most": most,
    }
    rows = cursor.execute(sql("index/last_spans"), parameters).fetchall()
    return None if len(rows) == most else [LastSpan(*row) for row in rows]


def ends_of(spans: Iterable[LastSpan]) -> dict[str, int]:
    """Return the ends of spans by the names of their services."""
    ends: dict[str, int] = {}
    for service, namespace, last in spans:
        for name in (service,) if namespace is None else (service, f"{namespace}/{service}"):
            ends[name] = max(last, ends.get(name, last))
    return ends
