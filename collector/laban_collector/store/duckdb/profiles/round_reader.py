"""Reads what follows from many traces of neighbouring commits: each query reads the commits once."""

from collections.abc import Iterable, Sequence

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.keys import CommitRange
from laban_collector.store.duckdb.read.reader import DuckDBReader, trace_ids_without
from laban_collector.store.duckdb.read.rows import Row, both_forms, halves, named_rows, spans_of, trace_ids
from laban_collector.store.rows import MessageRef, Span


class RoundReader(DuckDBReader):
    """A reader that finds the spans of many traces at once, in a range of commits; not for two threads.

    The other queries compare each row with each trace, which is faster for a few of them. The windows of the
    questions are not heeded.

    Args:
        database: the file.
        commit_ranges: of the same database.
        with_events: whether spans have their events.
    """

    _commits = CommitRange(0, 0)

    def __init__(
        self, database: Database, commit_ranges: CommitRanges | None = None, *, with_events: bool = False
    ) -> None:
        super().__init__(database, commit_ranges=commit_ranges)
        self._with_events = with_events

    def read_only_in(self, commits: CommitRange) -> None:
        """Set the range of commits."""
        self._commits = commits

    def spans_of(self, trace_ids: Sequence[str], since: int, until: int, limit: int) -> list[Span]:  # noqa: ARG002
        """Return the first spans of these traces, by start."""
        traces = {halves(trace_id) for trace_id in trace_ids}
        wanted = [low for _, low in traces]
        rows = self._in_range("rows_of_traces", wanted, limit=limit + 1)
        traces = both_forms(traces, {(row["trace_hi"], row["trace_lo"]) for row in rows})
        of_traces = [row["row"] for row in rows if (row["trace_hi"], row["trace_lo"]) in traces]
        with self._reading() as cursor:
            found = named_rows(cursor.execute(sql("profiles/spans_of_rows"), {"rows": of_traces}))
            services = self._services(cursor, (row["resource_id"] for row in found))
        events = self._in_range("events_of_traces", wanted) if self._with_events else ()
        return spans_of(found, services, events, self._in_range("links_of_traces", wanted), limit)

    def traces_linked_from(self, trace_ids: Sequence[str]) -> list[str]:
        """Return the other traces with a span that links to one of these."""
        traces = {halves(trace_id) for trace_id in trace_ids}
        rows = self._in_range("traces_linked", [low for _, low in traces])
        linking = [row for row in rows if (row["linked_trace_hi"], row["linked_trace_lo"]) in traces]
        return sorted(trace_ids_without(linking, traces))

    def traces_of_messages(self, messages: Sequence[MessageRef], since: int, until: int) -> list[str]:  # noqa: ARG002
        """Return the traces with a span on one of these messages."""
        addresses = {(message.topic, message.partition, message.offset) for message in messages}
        rows = self._in_range("traces_of_offsets", {offset for _, _, offset in addresses})
        found = [row for row in rows if (row["topic"], row["partition"], row["offset"]) in addresses]
        return sorted(trace_ids(found))

    def _in_range(self, query: str, wanted: Iterable[int], **parameters: int) -> list[Row]:
        bounds = {"first": self._commits.first, "last": self._commits.last}
        with self._reading() as cursor:
            asked = {**bounds, "wanted": list(wanted), **parameters}
            return named_rows(cursor.execute(sql(f"profiles/{query}"), asked))
