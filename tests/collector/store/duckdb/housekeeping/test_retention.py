import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.ingest.ledger import check_ledger
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.housekeeping.retention import NOTHING, Retention
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Lag

from ....requests import START
from ..write.test_writer import batch, rows, with_all

DAY = 86_400
NS = 1_000_000_000


def do_not_pause(_: float) -> bool:
    return False


def write_commits(database: Database, commits: int, spans: int = 1) -> None:
    """Write commits that are a day apart; each span is in its own trace."""
    times = itertools.count(START, DAY * NS)
    writer = DuckDBWriter(database, times.__next__)
    numbers = itertools.count()
    for _ in range(commits):
        writer.write(batch(*(span_in_own_trace(next(numbers)) for _ in range(spans))))


def span_in_own_trace(number: int) -> Span:
    span = with_all(number)
    span.trace_id = (number + 1).to_bytes(16)
    return span


def _called_at(number: int, start: int) -> Span:
    """Return a server span, which is a call in the graph, with this start."""
    span = span_in_own_trace(number)
    span.kind = Span.SPAN_KIND_SERVER
    span.start_time_unix_nano, span.end_time_unix_nano = start, start + 1
    return span


def row_count(database: Database, table: str) -> int:
    [(count,)] = rows(database, f"SELECT count(*) FROM {table}")  # noqa: S608 - table names from this test
    return int(str(count))


def retention_by_age(database: Database, days: float, now: int) -> Retention:
    return Retention(database, RetentionLimits(age=days * DAY), lambda: now, do_not_pause)


def test_old_commits_are_deleted_with_all_their_rows(database: Database) -> None:
    write_commits(database, 10)
    DuckDBWriter(database).write_lag([_lag(START), _lag(START + 9 * DAY * NS)])
    assert retention_by_age(database, 4.5, START + 10 * DAY * NS).run().spans == 6
    for table in ("spans", "span_events", "span_links", "correlations", "ledger"):
        assert row_count(database, table) == 4, table
    assert row_count(database, "lag") == 1
    assert rows(database, "SELECT min(arrival) FROM spans") == [(7,)]


def test_commits_within_the_limits_stay(database: Database) -> None:
    write_commits(database, 3)
    assert retention_by_age(database, 5, START + 3 * DAY * NS).run() == NOTHING
    assert Retention(database, RetentionLimits(), lambda: START + 99 * DAY * NS).run() == NOTHING


def test_the_newest_commit_stays_and_sequences_continue(database: Database) -> None:
    write_commits(database, 3)
    retention_by_age(database, 1, START + 99 * DAY * NS).run()
    assert rows(database, "SELECT arrival FROM spans") == [(3,)]
    DuckDBWriter(database).write(batch(span_in_own_trace(50)))
    assert rows(database, "SELECT max(arrival) FROM spans") == [(4,)]


def test_a_business_key_stays_as_long_as_a_span_of_its_trace(database: Database) -> None:
    times = itertools.count(START, DAY * NS)
    writer = DuckDBWriter(database, times.__next__)
    writer.write(batch(with_all(0)))
    writer.write(batch(with_all(1)))  # the same trace, a day later
    retention_by_age(database, 1, START + 2 * DAY * NS + NS).run()
    assert row_count(database, "spans") == 1
    assert row_count(database, "correlations") == 2


def test_a_wrong_date_of_a_span_neither_deletes_nor_keeps_others(database: Database) -> None:
    times = itertools.count(START, DAY * NS)
    writer = DuckDBWriter(database, times.__next__)
    writer.write(batch(_called_at(1, 0), _called_at(2, START)))
    writer.write(batch(_called_at(3, START + 365 * DAY * NS), _called_at(4, START + DAY * NS)))
    writer.write(batch(_called_at(5, START // 10**6), _called_at(6, START + 2 * DAY * NS)))
    counter = EdgeCounter(database, CommitRanges(database))
    while counter.count_next() is not None:
        pass
    minutes = "SELECT DISTINCT minute * 60 FROM edges ORDER BY minute"
    assert len(rows(database, minutes)) == 6
    retention = retention_by_age(database, 10, START + 3 * DAY * NS)
    assert retention.run() == NOTHING
    assert retention_by_age(database, 1.5, START + 3 * DAY * NS).run().spans == 4
    kept = [START // 10**15 // 60 * 60, (START // NS + 2 * DAY) // 60 * 60]
    assert rows(database, minutes) == [(seconds,) for seconds in kept]
    assert row_count(database, "spans") == 2


def test_the_ledger_matches_after_a_deletion(database: Database) -> None:
    write_commits(database, 10)
    retention_by_age(database, 4.5, START + 10 * DAY * NS).run()
    ring, report = check_ledger(DuckDBStore(database))
    ring.close()
    assert report.agrees


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Database]:
    """A database of about 400,000 spans: several row groups, so that whole blocks become free."""
    with Database.open(tmp_path / "large.duckdb") as database:
        write_commits(database, 1, spans=1000)
        _multiply(database, 400)
        database.checkpoint()
        yield database


def test_the_size_limit_deletes_the_oldest_spans_and_their_space_is_reused(large: Database) -> None:
    before = large.size()
    limit = before.used
    deleted = Retention(large, RetentionLimits(size=limit), pause=do_not_pause).run()
    assert 0 < deleted.spans < 400_000
    after = large.size()
    assert after.used < limit * 0.9
    _multiply(large, 20, first=500)
    large.checkpoint()
    assert large.size().file <= after.file


def test_writers_get_a_turn_between_two_steps(large: Database) -> None:
    written = threading.Semaphore(0)
    done = threading.Event()
    steps: list[float] = []

    def write() -> None:
        writer = DuckDBWriter(large)
        for number in itertools.count(10_000):
            writer.write(batch(span_in_own_trace(number)))
            written.release()
            if done.is_set():
                return

    def pause(seconds: float) -> bool:
        """Wait for one more commit."""
        steps.append(seconds)
        while written.acquire(blocking=False):
            pass
        return not written.acquire(timeout=60)

    ingestion = threading.Thread(target=write)
    ingestion.start()
    deleted = Retention(large, RetentionLimits(size=large.size().used // 2), pause=pause).run()
    done.set()
    ingestion.join()
    assert deleted.spans > 100_000
    assert len(steps) > 2
    assert deleted.longest_wait >= max(steps)


def test_the_step_size_adapts_to_the_time_that_writers_wait(database: Database) -> None:
    retention: Any = Retention(database, RetentionLimits())
    first = retention._step
    retention._adapt(0.4)
    assert retention._step == first // 2
    retention._adapt(0.1)
    assert retention._step == first
    retention._adapt(60)
    assert retention._step == first // 4


def _multiply(database: Database, times: int, first: int = 1) -> None:
    """Copy the spans of the first commit to new commits, with other ids."""
    with database.writing() as cursor:
        for number in range(first, first + times):
            cursor.execute(
                "INSERT INTO spans SELECT * REPLACE (trace_hi + $n AS trace_hi, arrival + $n AS arrival, "
                "attributes || hash(span_id + $n) AS attributes) FROM spans WHERE arrival = 1",
                {"n": number},
            )
            cursor.execute(
                "INSERT INTO ledger SELECT * REPLACE (arrival + $n AS arrival) FROM ledger WHERE arrival = 1",
                {"n": number},
            )


def _lag(at: int) -> Lag:
    return Lag(at, "c", "email", "orders", 0, 1, 2, 0, 1, None, "OK")
