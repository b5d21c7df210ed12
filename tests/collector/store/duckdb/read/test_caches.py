from pathlib import Path

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.read.caches import TraceCount
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import ALL_STARTS, plausible_starts

from ....requests import START, span
from ..write.test_writer import batch

MS = 1_000_000
S = 1_000_000_000
PLAUSIBLE = plausible_starts(START + 10 * S)


def dated(number: int, start: int) -> Span:
    """Return a span with this start."""
    sent = span(number)
    sent.start_time_unix_nano, sent.end_time_unix_nano = start, start
    return sent


def test_the_extent_grows_with_new_spans_and_shrinks_with_deleted_ones(database: Database) -> None:
    times = iter([START, START + S, START + 2 * S])
    writer, reader = DuckDBWriter(database, times.__next__), DuckDBReader(database)
    assert reader.extent(*PLAUSIBLE) is None
    writer.write(batch(span(5)))
    assert reader.extent(*PLAUSIBLE) == (START + 5 * MS, START + 5 * MS)
    writer.write(batch(span(9)))
    assert reader.extent(*PLAUSIBLE) == (START + 5 * MS, START + 9 * MS)
    writer.write(batch(span(7), span(2)))  # late
    assert reader.extent(*PLAUSIBLE) == (START + 2 * MS, START + 9 * MS)
    Retention(database, RetentionLimits(age=0.5), lambda: START + 2 * S).run()
    assert reader.extent(*PLAUSIBLE) == (START + 2 * MS, START + 7 * MS)


def test_commits_without_new_spans_do_not_change_the_extent(tmp_path: Path) -> None:
    with Database.open(tmp_path / "a.duckdb") as database:
        writer, reader = DuckDBWriter(database), DuckDBReader(database)
        writer.load([batch(span(1))], 1)
        assert reader.extent(*PLAUSIBLE) == (START + MS, START + MS)
        writer.load([batch(span(1))], 2)
        assert reader.extent(*PLAUSIBLE) == (START + MS, START + MS)


def test_spans_with_impossible_dates_are_outside_the_extent(database: Database) -> None:
    writer, reader = DuckDBWriter(database), DuckDBReader(database)
    ahead = PLAUSIBLE[1]
    writer.write(batch(dated(1, 0), dated(2, START // 10**6), dated(3, ahead)))
    assert reader.extent(*PLAUSIBLE) is None
    assert reader.extent(*ALL_STARTS) == (0, ahead)
    writer.write(batch(dated(4, START), dated(5, ahead - 1), dated(6, ahead + 7)))
    assert reader.extent(*PLAUSIBLE) == (START, ahead - 1)
    assert reader.spans_outside(*PLAUSIBLE) == [
        (1, 0, 0),
        (1, START // 10**6, START // 10**6),
        (2, ahead, ahead + 7),
    ]
    assert DuckDBReader(database).extent(*PLAUSIBLE) == (START, ahead - 1)


def test_a_span_ahead_of_the_clock_enters_the_extent_when_its_time_has_come(database: Database) -> None:
    writer, reader = DuckDBWriter(database), DuckDBReader(database)
    writer.write(batch(dated(1, START), dated(2, START + 9 * S)))
    assert reader.extent(0, START + 5 * S) == (START, START)
    assert reader.extent(0, START + 10 * S) == (START, START + 9 * S)
    assert reader.extent(0, START + 5 * S) == (START, START)  # the clock was set back


def test_the_traces_of_many_spans_are_counted_again_after_a_minute(database: Database) -> None:
    now = 0.0
    exact, about = TraceCount(), TraceCount(lambda: now, most=1)
    writer = DuckDBWriter(database)
    writer.write(batch(*(span(number) for number in range(4))))
    with database.reading() as cursor:
        assert exact.of(cursor, 4) == (1, False)
        assert about.of(cursor, 4) == (1, True)
        assert about.of(cursor, 8) == (2, True)  # not counted: taken to be as large
        now = 60.0
        assert about.of(cursor, 8) == (1, True)
        assert about.of(cursor, 4) == (1, True)  # spans were deleted
