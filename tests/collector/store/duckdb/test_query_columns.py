"""Pins the columns of every query by name and type, because rows become values by column name."""

import itertools
import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pytest

import laban_collector.store.duckdb
from laban_app.answers.profiling import profile_traces
from laban_collector.store.base import NameLimits, RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.session import Session
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability.rescued_batches import batches
from laban_collector.store.duckdb.durability.saved_metadata import save
from laban_collector.store.duckdb.edges import query as edge_query
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.housekeeping.export import backup
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.housekeeping.verification import Verifier
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.profiles.counter import ProfileCounter
from laban_collector.store.duckdb.profiles.round_reader import RoundReader
from laban_collector.store.duckdb.read import trace
from laban_collector.store.duckdb.read.caches import TraceCount
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.duckdb.totals.counter import TotalsCounter
from laban_collector.store.duckdb.write.id_table import IdTable
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import ALL_STARTS, EdgePlace, Lag, LagProblem, MessageRef, Peer, UnreadRange
from laban_collector.store.searches import SpanSearch

from .edges.test_counter import WHOLE, random_commits, store
from .random_shop import T0, S, shop

GOLDEN: Final = Path(__file__).with_name("query_columns.json")
FOLDERS: Final = Path(laban_collector.store.duckdb.__file__).parent

Columns = dict[str, dict[str, str]]


def query_names() -> list[str]:
    """Return the names of all queries of the store that return rows."""
    names: list[str] = []
    for file in sorted(FOLDERS.glob("*/*.sql")):
        if file.stem == "statements":
            found = re.findall(r"^-- name: (\w+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            names += [f"{file.parent.name}/{name}" for name in found]
        else:
            names.append(f"{file.parent.name}/{file.stem}")
    return [name for name in names if returns_rows(sql(name))]


@cache
def names_of_queries() -> dict[str, str]:
    """Return the names of these queries by their texts."""
    return {sql(name): name for name in query_names()}


def returns_rows(text: str) -> bool:
    code = re.sub(r"--[^\n]*\n", "", text).strip()
    return code.startswith(("SELECT", "FROM")) or (code.startswith("WITH") and "DELETE FROM" not in code)


class Recorder:
    """A cursor that records the columns of each query that it runs."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, columns: Columns) -> None:
        self._cursor = cursor
        self._columns = columns

    def execute(self, text: str, *parameters: Any) -> duckdb.DuckDBPyConnection:
        result = self._cursor.execute(text, *parameters)
        names = names_of_queries()
        if text in names:
            self._columns[names[text]] = {name: str(kind) for name, kind, *_ in result.description or ()}
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> Columns:
    """The columns of the queries that the test has run."""
    found: Columns = {}
    cursor_of = Session.cursor

    @contextmanager
    def recorded(session: Session) -> Generator[Any, None, None]:
        with cursor_of(session) as cursor:
            yield Recorder(cursor, found)

    monkeypatch.setattr(Session, "cursor", recorded)
    return found


def run_every_query(path: Path) -> None:
    """Write, count, digest, read and delete, so that every query runs."""
    first, *others = shop(3)
    spans = [replace(first, attributes={"order.id": "1"}), *others]
    commits = random_commits(spans, 6, 3)
    Database.open(path).close()
    with Database.open(path) as database:
        writer = DuckDBWriter(database, itertools.count(T0, 1000 * S).__next__)
        store(writer, [*commits, commits[0]])
        writer.write_lag([Lag(T0 + at, "c", "g", "t", 0, 1, 2, 0, 1, 0.5, "OK") for at in (0, S)])
        writer.write_lag([Lag(T0, "c", "other", "t", 0, 1, 2, 0, 1, 0.5, "OK")])
        writer.write_lag([LagProblem(T0, "c", None, "t", 1, "no leader")])
        totals = TotalsCounter(1_000, clock=iter(range(0, 10**6, 30)).__next__)
        counter = EdgeCounter(
            database, CommitRanges(database), 1_000, NameLimits(1, 1, 1, 1, 1), 1, totals=totals
        )
        counter.load_totals()
        counter.uncounted()
        read_everything(DuckDBReader(database), spans[0].trace_id)
        store(writer, random_commits(shop(4), 2, 4))
        while counter.count_next() is not None:
            pass
        counter.compact()
        counter.settle_totals()
        profiles = ProfileCounter(database, CommitRanges(database), profile_traces)
        profiles.count_next(delay=0)
        profiles.oldest()
        profiles.compact()
        assert list(backup(database, path.with_name("copy.duckdb")))
        Digester(database, 1).catch_up()
        reader = DuckDBReader(database)
        RoundReader(database).traces_of_messages([MessageRef("orders", 0, 1)], *WHOLE)
        with database.reading() as cursor:
            [(entry,)] = cursor.execute("SELECT min(entry) FROM profiles").fetchall()
        reader.profile(entry, *WHOLE)
        reader.profile_slices(entry, 0, *WHOLE)
        read_everything(reader, spans[0].trace_id)
        store(writer, random_commits(shop(5), 1, 5))
        read_everything(reader, spans[0].trace_id)
        ranges = CommitRanges(database)
        ranges.newest.follow(lambda: writer.sequence)
        ranges.that_may_hold([1])
        ranges.read_newest()
        with database.writing() as cursor:
            for name, column in (("resources", "resource_id"), ("scopes", "scope_id")):
                unknown = pa.table({column: pa.array([1], pa.uint64())})
                IdTable(name, column, cursor, 1).unstored(unknown, cursor)
        check_ledger = DuckDBStore(database).check_ledger
        verifier = Verifier(database, check_ledger)
        assert verifier.run(lambda _: False)
        assert not verifier.is_used(1 << 40)
        with database.reading() as cursor:
            TraceCount(most=0).of(cursor, 1)
        assert save(database)
        assert list(batches(database))
        database.size()
        Retention(database, RetentionLimits(age=1, logs=1), lambda: T0 + 10_000 * S, lambda _: False).run()
        Retention(database, RetentionLimits(size=1), pause=lambda _: False).run()


def read_everything(reader: DuckDBReader, trace_id: str) -> None:
    """Call every method of the reader."""
    reader.contents()
    reader.namespaces()
    reader.extent(*ALL_STARTS)
    reader.extent(*WHOLE)
    reader.spans_outside(*WHOLE)
    reader.traces_with("order", "1", 10)
    reader.nearest_values("order", "1", 10)
    reader.recent_values("order", *WHOLE, 10)
    assert reader.newest_values("order", *WHOLE, 10)
    reader.traces_of_values("order", ["1"], 10)
    for limit in (10, 0):
        reader.keys_with("1", limit)
    reader.traces_with("order", "1", 0)  # more than the limit
    reader.spans_of([trace_id], 0, 1 << 62, 1000)
    reader.spans_of([trace_id], 0, 1 << 62, 1)
    assert list(reader.trace(trace_id))
    reader.traces_linked_from([trace_id])
    reader.traces_of_messages([MessageRef("orders", 0, 1)], *WHOLE)
    reader.published([MessageRef("orders", 0, 1)], *WHOLE)
    reader.unread([UnreadRange("email", "orders", 0, 0, 9)], *WHOLE, 10)
    reader.keys_of([trace_id], *WHOLE, 10)
    reader.newest_consumptions("email", "orders", *WHOLE, 10)
    reader.lag_rates(*WHOLE)
    reader.queue_progress(["orders"], *WHOLE, 0)
    reader.queue_minutes("email", "orders", *WHOLE)
    reader.groups_of(["orders"])
    reader.callees([Peer("bank.local", 80, None)], *WHOLE)
    reader.last_spans(["order"])
    reader.edges(WHOLE[0], WHOLE[1] - 1)
    reader.edges(*WHOLE)
    reader.entry_times(["web GET /"], *WHOLE)
    reader.newest_publications(["orders"], *WHOLE, 5)
    reader.exemplars(10)
    reader.edge_minutes(EdgePlace("service:order", ("topic:orders",)), *WHOLE, 1)
    reader.seen_operations(*WHOLE)
    reader.seen_hops(*WHOLE)
    reader.services(10)
    reader.operations_of("order", *WHOLE, 10)
    reader.search(SpanSearch(*WHOLE, service="order"), 10)
    reader.outlines_of([trace_id], 10)
    reader.counted_to()
    reader.unprofiled_entries(None, "web", "GET /", 10)
    reader.sampled_traces(*WHOLE, 10, 10)
    reader.in_bulk(*WHOLE).spans_of([trace_id], *WHOLE, 10)
    for _ in range(2):
        reader.latest_lag()
    reader.lag_between(0, 1 << 62)
    reader.lag_problems()
    reader.logs_of([trace_id], 10)
    for by in ("edge", "route"):
        reader.latency(by, *WHOLE, 60 * S)


def test_every_query_returns_the_pinned_columns(
    tmp_path: Path, columns: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "PAGE", 2)
    monkeypatch.setattr(edge_query, "_SOME", 0)
    run_every_query(tmp_path / "spans.duckdb")
    golden: Columns = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert columns == golden, f"if the change is intended, write it to {GOLDEN.name}"


def test_every_query_that_returns_rows_is_pinned() -> None:
    assert sorted(json.loads(GOLDEN.read_text(encoding="utf-8"))) == sorted(query_names())
