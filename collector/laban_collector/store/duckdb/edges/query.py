"""Edges worked out with one cursor: of new commits, of a window, or of minutes that were counted before.

An edge is a call or a message on its way between two places. Which edges a span stands for depends on what
else is in its trace, and on who sent what it took up. So the spans that are asked for are put into a
temporary table, with all that they need; the same queries then work, whatever was asked for.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

import duckdb
import pyarrow as pa

from laban_collector.store.base import MINUTE
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index.commit_ranges import EVERYTHING, CommitRange, CommitRanges

_AROUND: Final = 10 * MINUTE
"""How long before or after a span its caller and its callees are looked for."""
_LONGEST_WAIT: Final = 24 * 60 * MINUTE
"""How long before a span the message was sent that it took up."""
_SLICE: Final = 250_000
"""Spans whose edges are worked out at once, about: what they need is in memory then."""
_MANY: Final = 1000
"""Traces that are so many that any digest seems to hold one of them."""
_SHARES: Final = (0.5, 0.95, 0.99)
_ALWAYS: Final = {"since": 0, "until": 1 << 62}
_NO_COMMIT: Final = (1 << 64) - 1

Row = tuple[Any, ...]
Parameters = Mapping[str, int | bool]


class EdgeQuery:
    """Works edges out, and adds them up.

    Args:
        cursor: in a transaction, of which this takes the temporary tables.
        commit_ranges: where in the file something may be.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, commit_ranges: CommitRanges) -> None:
        self._cursor = cursor
        self._commit_ranges = commit_ranges
        self._run("table_of_edges")

    def add_commits(self, first: int, last: int) -> None:
        """What these commits changed: edges that they brought, less those that were taken for something else.

        Until its parent came a span was perhaps taken for one that nobody called: what is counted now is all
        that its trace tells with these commits, less all that it told without them.
        """
        self._run("tables")
        self._ask_for("commits", first, last)
        [(began, ended)] = self._run("range_of_commits", {"first": first, "last": last}).fetchall()
        if began is None:  # nothing in them was new
            return
        bounds = {"before": first, "window_from": 0, "window_to": 0}
        self._add_needed(began, ended, (first, last), bounds)
        for everything in (True, False):
            self._work_out({**_ALWAYS, "all": everything})
        self._run("messages_sent", _ALWAYS)

    def add_window(self, since: int, until: int) -> None:
        """The edges that began in a window, ns since the epoch."""
        self._run("tables")
        for begin, end in self._slices(since, until):
            window = {"since": begin, "until": end}
            self._ask_for("window", begin, end)
            [commits] = self._run("commits_of_window", window).fetchall()
            bounds = {"before": _NO_COMMIT, "window_from": begin, "window_to": end}
            self._add_needed(begin, end, commits, bounds)
            self._work_out({**window, "all": True})
            self._run("messages_sent", window)
            self._run("clear")

    def add_minutes(self, since: int, until: int) -> None:
        """The edges that were counted in a window of whole minutes, ns since the epoch."""
        self._run("minutes", {"since": since // MINUTE, "until": until // MINUTE})

    def rows(self) -> list[Row]:
        """A row an edge: source, target, protocol, calls, errors, quantiles, evidence."""
        found = self._run("edges").fetchall()
        return [(*row[:5], quantiles_of(row[5], row[6]), *row[7:]) for row in found]

    def changes(self) -> pa.Table:
        """Rows for the table `edges`."""
        return self._run("added_up").to_arrow_table()

    def links_not_met(self) -> pa.Table:
        """Rows for the table `unmet_links`: what the commits link to, and nobody has sent yet."""
        return self._run("links_not_met").to_arrow_table()

    def links_met(self) -> pa.Table:
        """Rows that the table `unmet_links` has no longer: what they link to came with the commits."""
        return self._run("links_met").to_arrow_table()

    def _slices(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        """A window in parts of whole minutes that do not have too many spans, where a minute has not."""
        begin, spans = since, 0
        minutes = self._run("spans_a_minute", {"since": since, "until": until}).fetchall()
        for minute, count in minutes:
            if spans and spans + count > _SLICE:
                yield begin, minute * MINUTE
                begin, spans = minute * MINUTE, 0
            spans += count
        if spans:
            yield begin, until

    def _ask_for(self, what: str, first: int, last: int) -> None:
        """Commits, or a window: which spans `edge_scope` has, with those that are needed, too."""
        self._run("set_scope", {"first": first, "last": last})
        self._run(f"scope_of_{what}")

    def _add_needed(self, began: int, ended: int, commits: tuple[int, int], bounds: Parameters) -> None:
        """What the spans need that began between two times: their traces, and who sent them messages.

        Args:
            began: when the first one began.
            ended: when the last one began.
            commits: the first and the last one that brought them.
            bounds: from which commit on nothing is looked at, and the window of the spans themselves.
        """
        around = {"from": began - _AROUND, "to": ended + _AROUND}
        self._run("late_consumers")
        self._run("traces")
        self._run("rows_of_others", {**bounds, **around})
        self._run("others")
        self._run("links", {"first": commits[0], "last": commits[1]})
        before = {"before": bounds["before"]}
        self._run("producers", {**before, **around})
        self._add_distant_producers({**before, "from": began - _LONGEST_WAIT, "to": began - _AROUND})

    def _add_distant_producers(self, bounds: Parameters) -> None:
        """Who sent what nobody sent lately: so few messages wait that long that digests tell where."""
        traces = [trace for (trace,) in self._run("traces_to_find").fetchall()]
        for first, last in self._where_any_is(traces):
            self._run("distant_producers", {**bounds, "first": first, "last": last})

    def _where_any_is(self, traces: Sequence[int]) -> list[CommitRange]:
        if len(traces) > _MANY:
            return [EVERYTHING]
        return [part.commits for part in self._commit_ranges.that_may_hold(traces)]

    def _work_out(self, parameters: Parameters) -> None:
        self._run("calls", parameters)
        self._run("messages_taken", parameters)

    def _run(self, name: str, parameters: Parameters | None = None) -> duckdb.DuckDBPyConnection:
        return self._cursor.execute(sql(f"edges/{name}"), parameters)


def quantiles_of(latencies: Sequence[float] | None, counts: Sequence[int] | None) -> list[float] | None:
    """As DuckDB's `quantile_cont` of latencies each of which is there so often; None when there are none.

    Args:
        latencies: the shortest first.
        counts: how often each is there.
    """
    if not latencies or not counts:
        return None
    up_to = list(accumulate(counts))
    found: list[float] = []
    for share in _SHARES:
        rank = share * (up_to[-1] - 1)
        below = latencies[bisect_right(up_to, math.floor(rank))]
        above = latencies[bisect_right(up_to, math.ceil(rank))]
        found.append(below + (rank - math.floor(rank)) * (above - below))
    return found
