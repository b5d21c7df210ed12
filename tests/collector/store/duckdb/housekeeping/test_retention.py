import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.ingest.ledger import check_ledger
from laban_collector.store.base import Lag, RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.housekeeping.retention import NOTHING, Retention
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ....requests import START
from ..write.test_writer import batch, rows, with_all

DAY = 86_400
NS = 1_000_000_000


def go_on(_: float) -> bool:
    return False


def written(database: Database, commits: int, spans: int = 1) -> None:
    """Commits a day apart, of spans in traces of their own."""
    times = itertools.count(START, DAY * NS)
    writer = DuckDBWriter(database, times.__next__)
    numbers = itertools.count()
    for _ in range(commits):
        writer.write(batch(*(of_its_own_trace(next(numbers)) for _ in range(spans))))


def of_its_own_trace(number: int) -> Span:
    span = with_all(number)
    span.trace_id = (number + 1).to_bytes(16)
    return span


def retained(database: Database, table: str) -> int:
    [(count,)] = rows(database, f"SELECT count(*) FROM {table}")  # noqa: S608 - names of this test
    return int(str(count))


def aged(database: Database, days: float, now: int) -> Retention:
    return Retention(database, RetentionLimits(age=days * DAY), lambda: now, go_on)


def test_old_commits_go_with_all_that_belongs_to_them(database: Database) -> None:
    written(database, 10)
    DuckDBWriter(database).write_lag([_lag(START), _lag(START + 9 * DAY * NS)])
    assert aged(database, 4.5, START + 10 * DAY * NS).run().spans == 6
    for table in ("spans", "span_events", "span_links", "correlations", "ledger"):
        assert retained(database, table) == 4, table
    assert retained(database, "lag") == 1
    assert rows(database, "SELECT min(arrival) FROM spans") == [(7,)]


def test_nothing_goes_before_its_time(database: Database) -> None:
    written(database, 3)
    assert aged(database, 5, START + 3 * DAY * NS).run() == NOTHING
    assert Retention(database, RetentionLimits(), lambda: START + 99 * DAY * NS).run() == NOTHING


def test_the_newest_commit_stays_and_the_next_is_numbered_on(database: Database) -> None:
    written(database, 3)
    aged(database, 1, START + 99 * DAY * NS).run()
    assert rows(database, "SELECT arrival FROM spans") == [(3,)]
    DuckDBWriter(database).write(batch(of_its_own_trace(50)))
    assert rows(database, "SELECT max(arrival) FROM spans") == [(4,)]


def test_a_key_stays_as_long_as_anything_of_its_trace(database: Database) -> None:
    times = itertools.count(START, DAY * NS)
    writer = DuckDBWriter(database, times.__next__)
    writer.write(batch(with_all(0)))
    writer.write(batch(with_all(1)))  # the same trace, a day later
    aged(database, 1, START + 2 * DAY * NS + NS).run()
    assert retained(database, "spans") == 1
    assert retained(database, "correlations") == 2


def test_the_ledger_agrees_afterwards(database: Database) -> None:
    written(database, 10)
    aged(database, 4.5, START + 10 * DAY * NS).run()
    ring, report = check_ledger(DuckDBStore(database))
    ring.close()
    assert report.agrees


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Database]:
    """Some 400,000 spans: several groups of rows, the blocks of which become free as a whole."""
    with Database.open(tmp_path / "large.duckdb") as database:
        written(database, 1, spans=1000)
        _multiply(database, 400)
        database.checkpoint()
        yield database


def test_by_size_the_oldest_go_and_their_space_is_used_again(large: Database) -> None:
    before = large.size()
    limit = before.used
    found = Retention(large, RetentionLimits(size=limit), pause=go_on).run()
    assert 0 < found.spans < 400_000
    after = large.size()
    assert after.used < limit * 0.9
    _multiply(large, 20, first=500)
    large.checkpoint()
    assert large.size().file <= after.file


def test_writers_are_let_in_between_two_steps(large: Database) -> None:
    written = threading.Semaphore(0)
    done = threading.Event()
    steps: list[float] = []

    def write() -> None:
        writer = DuckDBWriter(large)
        for number in itertools.count(10_000):
            writer.write(batch(of_its_own_trace(number)))
            written.release()
            if done.is_set():
                return

    def pause(seconds: float) -> bool:
        """Until one more is written."""
        steps.append(seconds)
        while written.acquire(blocking=False):
            pass
        return not written.acquire(timeout=60)

    ingestion = threading.Thread(target=write)
    ingestion.start()
    found = Retention(large, RetentionLimits(size=large.size().used // 2), pause=pause).run()
    done.set()
    ingestion.join()
    assert found.spans > 100_000
    assert len(steps) > 2
    assert found.longest_wait >= max(steps)


def test_steps_are_as_large_as_a_wait_of_writers_allows(database: Database) -> None:
    retention: Any = Retention(database, RetentionLimits())
    first = retention._step
    retention._adapt(0.4)
    assert retention._step == first // 2
    retention._adapt(0.1)
    assert retention._step == first
    retention._adapt(60)
    assert retention._step == first // 4


def _multiply(database: Database, times: int, first: int = 1) -> None:
    """Make commits of the first one's spans, under other ids."""
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
