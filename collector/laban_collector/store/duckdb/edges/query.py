"""Computes edges with one cursor: of new commits, of a window, or from minutes that were counted before.

An edge is a call or a message between two nodes of the graph. The edges of a span depend on the other spans
of its trace, and on the producer of the message that it consumes. So the selected spans go into a temporary
table together with all spans that they need, and the same queries work for every selection."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

import duckdb
import pyarrow as pa

from laban.vocabulary import LABAN_QUEUE_TIME_MS, LABAN_RPC_STREAMING
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.edges.naming import Callee, Seen, names_of
from laban_collector.store.duckdb.index.commit_ranges import EVERYTHING, CommitRanges
from laban_collector.store.duckdb.index.keys import CommitRange
from laban_collector.store.duckdb.totals.bounds import BOUND_OF
from laban_collector.store.rows import MINUTE, OTHER_CONTRACTS, OTHERS

STREAMING_MARK: Final = f'"{LABAN_RPC_STREAMING}"'
"""The JSON of a span's attributes contains this if its RPC streams."""
_QUEUE_TIME: Final = {"queue_time": f'$."{LABAN_QUEUE_TIME_MS}"'}

_NEARBY: Final = 10 * MINUTE
"""Maximum time from the start of a span to the start of its caller or its callees."""
_NEARER: Final = (MINUTE, MINUTE // 10, MINUTE // 100)
"""The same in crowded traces: some never end, if a context leaks."""
_CROWDED: Final = 100_000
"""Spans of a trace nearby in time; more take too much memory."""
_SOME: Final = 100
"""A trace with fewer spans in a step is not crowded."""
_LONGEST_WAIT: Final = 24 * 60 * MINUTE
"""Maximum time from the sending of a message to the start of its consumer's span."""
_SLICE: Final = 250_000
"""Approximate number of spans whose edges are computed at once; limits the memory."""
_MANY_TRACES: Final = 1000
"""With more traces than this, every digest seems to hold one of them."""
MOST_NAMES: Final = 2_000
"""Nodes in a graph, besides the ones for the rest; also addresses that name them."""
MOST_CONTRACTS: Final = 50
"""Event types and versions of an edge, besides the one for the rest."""
_QUANTILES: Final = (0.5, 0.95, 0.99)
_NAMES: Final = pa.schema(dict.fromkeys(("node", "address", "rpc_service", "name"), pa.string()))
_ALWAYS: Final = {"since": 0, "until": 1 << 62}
_NO_COMMIT: Final = (1 << 64) - 1

Parameters = Mapping[str, int | bool | str | list[str] | list[int]]


class EdgeQuery:
    """Computes edges, and adds them up.

    Args:
        cursor: in a transaction; its temporary tables are used.
        commit_ranges: of the same database.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, commit_ranges: CommitRanges) -> None:
        self._cursor = cursor
        self._commit_ranges = commit_ranges
        self._run("table_of_edges")

    def add_commits(self, first: int, last: int, *, totals: bool = False) -> None:
        """Add the changes by these commits: the edges that they add, minus the edges that they correct.

        Until its parent arrives, a span may seem to have no caller. So this counts all edges of the affected
        traces with these commits, minus all their edges without them.

        Args:
            first: the first commit.
            last: the last one.
            totals: also add the rows that are only for the totals of metrics (totals/changes.py).
        """
        self._create_tables()
        self._select("commits", first, last)
        [(began, ended)] = self._run("range_of_commits", {"first": first, "last": last}).fetchall()
        if began is None:  # nothing in them was new
            return
        bounds = {"before": first, "window_from": 0, "window_to": 0}
        self._add_needed(began, ended, (first, last), bounds)
        self._work_out({**_ALWAYS, "all": True}, totals=totals)
        if self._needs_others():
            self._work_out({**_ALWAYS, "all": False}, totals=totals)

    def add_window(self, since: int, until: int) -> None:
        """Add the edges that began in a window, ns since the epoch."""
        self._create_tables()
        for begin, end in self._slices(since, until):
            window = {"since": begin, "until": end}
            self._select("window", begin, end)
            [commits] = self._run("commits_of_window", window).fetchall()
            bounds = {"before": _NO_COMMIT, "window_from": begin, "window_to": end}
            self._add_needed(begin, end, commits, bounds)
            self._work_out({**window, "all": True})
            self._run("clear")
        self._run("contracts_of_spans")

    def add_minutes(self, since: int, until: int) -> None:
        """Add the edges that were counted in a window of whole minutes, ns since the epoch."""
        minutes = {"since": since // MINUTE, "until": until // MINUTE}
        self._run("minutes", minutes)
        self._run("contracts_of_minutes", minutes)

    def count_latencies(self, slot: int, minutes: tuple[int, int] | None = None) -> None:
        """Run `latency_counts.sql`: make the table of latencies over time, of what was added.

        Args:
            slot: the length of a time, ns: whole minutes.
            minutes: the window (ns) that was added with `add_minutes`; None: it was added from spans.
        """
        times = {"minutes": slot // MINUTE}
        if minutes is None:
            self._run("latencies_of_counts", times)
        else:
            window = {"since": minutes[0] // MINUTE, "until": minutes[1] // MINUTE}
            self._run("latencies_of_minutes", {**times, **window})
        self._name_nodes()
        self._run("latency_counts")
        self._run("drop_latency_facts")

    def result(self) -> duckdb.DuckDBPyConnection:
        """Run `edges.sql`: one row per edge, between the busiest nodes if there are very many."""
        self._name_nodes()
        return self._run("edges")

    def _name_nodes(self) -> None:
        """Make the table `edge_names`."""
        if self._count("number_of_names") > MOST_NAMES:
            self._run("fold", {"most": MOST_NAMES, "kinds": list(OTHERS), "others": list(OTHERS.values())})
            self._run("take_folded")
        found = self._run("callees").fetchall()
        names = names_of({Callee(*callee): Seen(proven, callers) for *callee, proven, callers in found})
        rows = [{**callee._asdict(), "name": name} for callee, name in names.items()]
        self._cursor.register("edge_names", pa.Table.from_pylist(rows, _NAMES))

    def contracts(self) -> duckdb.DuckDBPyConnection | None:
        """Run `contracts.sql`: what the messages of each edge are; None if no message says it.

        At most MOST_CONTRACTS for an edge. Call it after `result`, which names the nodes.
        """
        if not self._count("number_of_contracts"):
            return None
        return self._run("contracts", {"most": MOST_CONTRACTS, "other": OTHER_CONTRACTS})

    def changes(self) -> pa.Table:
        """Rows for the tables `edges` and `contracts`, not yet added up for each of them."""
        return self._run("added_up").to_arrow_table()

    def unmet_links(self) -> pa.Table:
        """New rows of the table `unmet_links`: links of the commits to producers that have not arrived."""
        return self._run("links_not_met").to_arrow_table()

    def met_links(self) -> pa.Table:
        """Rows to delete from the table `unmet_links`: their producers arrived with the commits."""
        return self._run("links_met").to_arrow_table()

    def _create_tables(self) -> None:
        self._run("set_streaming", {"streaming": STREAMING_MARK})
        self._run("tables")

    def _slices(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        """Divide a window into parts of whole minutes, each with a limited number of spans if possible."""
        begin, spans = since, 0
        minutes = self._run("spans_per_minute", {"since": since, "until": until}).fetchall()
        for minute, count in minutes:
            if spans and spans + count > _SLICE:
                yield begin, minute * MINUTE
                begin, spans = minute * MINUTE, 0
            spans += count
        if spans:
            yield begin, until

    def _select(self, what: str, first: int, last: int) -> None:
        """Make `edge_scope` contain commits or a window, and the spans that they need."""
        self._run("set_scope", {"first": first, "last": last})
        self._run(f"scope_of_{what}")

    def _add_needed(self, began: int, ended: int, commits: tuple[int, int], bounds: Parameters) -> None:
        """Add the spans that the selected ones need: the rest of their traces, and their producers.

        Args:
            began: start of the first selected span.
            ended: start of the last selected span.
            commits: the first and the last commit with selected spans.
            bounds: the first commit that is not read, and the window of the selected spans.
        """
        nearby = {"from": began - _NEARBY, "to": ended + _NEARBY}
        self._run("late_consumers")
        self._run("traces")
        nearer = self._nearer(began, ended, {**nearby, "before": bounds["before"]})
        self._run("rows_of_others", {**bounds, **nearby, **nearer})
        self._run("others")
        self._run("links", {"first": commits[0], "last": commits[1]})
        before = {"before": bounds["before"]}
        self._run("producers", {**before, **nearby})
        self._add_distant_producers({**before, "from": began - _LONGEST_WAIT, "to": began - _NEARBY})

    def _nearer(self, began: int, ended: int, bounds: Parameters) -> Parameters:
        """Return the crowded traces, and the time in which their spans are read."""
        crowded: list[int] = []
        bounds = {**bounds, "most": _CROWDED}
        if self._count("most_of_a_trace") >= _SOME:
            crowded = [trace for trace, _ in self._run("crowded_traces", bounds).fetchall()]
        for reach in _NEARER:
            bounds = {**bounds, "from": began - reach, "to": ended + reach}
            if not crowded or not self._run("crowded_traces", bounds).fetchall():
                break
        return {"near_from": bounds["from"], "near_to": bounds["to"], "crowded": crowded}

    def _add_distant_producers(self, bounds: Parameters) -> None:
        """Add producers from long ago: few messages wait that long, so digests show where to look."""
        traces = [trace for (trace,) in self._run("traces_to_find").fetchall()]
        for first, last in self._where_any_is(traces):
            self._run("distant_producers", {**bounds, "first": first, "last": last})

    def _where_any_is(self, traces: Sequence[int]) -> list[CommitRange]:
        if len(traces) > _MANY_TRACES:
            return [EVERYTHING]
        return [part.commits for part in self._commit_ranges.that_may_hold(traces)]

    def _needs_others(self) -> bool:
        """Whether the selected spans need others, whose edges may have been counted before."""
        return self._count("number_of_others") > 0

    def _work_out(self, parameters: Parameters, *, totals: bool = False) -> None:
        self._run("pass_of_all" if parameters["all"] else "pass_of_others")
        self._run("clear_pass")
        self._run("forms")
        self._run("trace_ids_in_one_form" if self._count("number_of_forms") else "trace_ids_as_sent")
        self._run("keys")
        self._run("pairs")
        if self._count("number_of_pairs"):
            self._run("related")
        for_totals: Parameters = {"totals": totals, "bounds": BOUND_OF if totals else []}
        self._run("calls", {**parameters, **for_totals})
        self._run("messages_sent", parameters)
        self._run("messages_consumed", {**parameters, **_QUEUE_TIME, **for_totals})

    def _count(self, name: str) -> int:
        [(number,)] = self._run(name).fetchall()
        return int(number)

    def _run(self, name: str, parameters: Parameters | None = None) -> duckdb.DuckDBPyConnection:
        return self._cursor.execute(sql(f"edges/{name}"), parameters)


def bucket_of(latency: int) -> int:
    """Return the bucket of a latency in ns, as the column `bucket` has it."""
    return math.floor(math.log(max(latency, 1)) * 32)


def quantiles_of(latencies: Sequence[float] | None, counts: Sequence[int] | None) -> list[float] | None:
    """Return the 50th, 95th and 99th percentile, like DuckDB's `quantile_cont`; None without latencies.

    Args:
        latencies: sorted, shortest first.
        counts: how often each latency occurs.
    """
    if not latencies or not counts:
        return None
    up_to = list(accumulate(counts))
    found: list[float] = []
    for quantile in _QUANTILES:
        rank = quantile * (up_to[-1] - 1)
        below = latencies[bisect_right(up_to, math.floor(rank))]
        above = latencies[bisect_right(up_to, math.ceil(rank))]
        found.append(below + (rank - math.floor(rank)) * (above - below))
    return found
