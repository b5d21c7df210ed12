import random
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from laban_app.answers.profiling import profile_traces
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.duckdb.housekeeping.export import backup
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.profiles.counter import DELAY, ProfileCounter
from laban_collector.store.duckdb.profiles.name_limits import HourLimits
from laban_collector.store.duckdb.profiles.sampling import PLENTY
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import ALL_STARTS, MINUTE, ProfileCount, ProfileStep, Span
from laban_mapper.profiles.profile import profile_of

from .....mapper.shop_spans import http_server
from ..edges.test_counter import random_commits, store
from ..older_files import make_older
from ..random_shop import T0, S, shop
from ..write.test_writer import rows

_TRACES = """
SELECT minute, list_sum(counts)::BIGINT FROM profiles WHERE step = entry AND measure = 0 ORDER BY minute
"""

Counts = Counter[tuple[int, int, int, int]]
"""By entry, step, measure and bucket."""


def counter_of(database: Database, now: int = T0 + 3600 * S, step: int = 1_000) -> ProfileCounter:
    return ProfileCounter(database, CommitRanges(database), profile_traces, lambda: now, step)


def count(database: Database, step: int = 1_000) -> ProfileCounter:
    counter = counter_of(database, step=step)
    while counter.count_next(delay=0):
        pass
    return counter


def writer_of(database: Database) -> DuckDBWriter:
    return DuckDBWriter(database, lambda: T0)


def one_trace(number: int, after: int) -> list[Span]:
    """A request some ns after the first one."""
    trace = f"{random.Random(number).getrandbits(128):032x}"  # noqa: S311 - nothing secret
    return [replace(http_server("web", "GET /", 0, 5), trace_id=trace, start=T0 + after)]


def whole(spans: Iterable[Span]) -> list[Span]:
    """Leave out the traces whose root is lost."""
    spans = list(spans)
    rooted = {span.trace_id for span in spans if span.parent_id is None}
    return [span for span in spans if span.trace_id in rooted]


def added_up(counts: Iterable[ProfileCount]) -> Counts:
    found: Counts = Counter()
    for count in counts:
        for bucket, number in count.buckets:
            found[count.entry, count.step, count.measure, bucket] += number
    return found


def stored(database: Database) -> Counts:
    """Add up what the store answers."""
    reader = DuckDBReader(database)
    entries = [int(str(entry)) for (entry,) in rows(database, "SELECT DISTINCT entry FROM profiles")]
    return added_up(count for entry in entries for count in reader.profile(entry, *ALL_STARTS)[1])


@pytest.mark.parametrize("seed", range(3))
def test_counts_equal_those_of_all_spans_in_any_order_of_arrival(database: Database, seed: int) -> None:
    spans = whole(shop(seed, short_ids=0))
    store(writer_of(database), random_commits(spans, 1 + 3 * seed, seed))
    count(database, step=1 + 30 * (seed % 2)).compact()
    expected = profile_of(spans)
    assert stored(database) == added_up(expected.counts)
    reader = DuckDBReader(database)
    steps = {step for one in expected.steps for step in reader.profile(one.entry, *ALL_STARTS)[0]}
    assert steps == set(expected.steps)


def test_traces_are_counted_once_they_are_some_time_old(database: Database) -> None:
    store(writer_of(database), [whole(shop(1))])
    assert not counter_of(database, T0 + DELAY - 1).count_next()
    assert counter_of(database, T0 + DELAY - 1).oldest() == T0
    assert counter_of(database, T0 + DELAY).count_next()
    assert counter_of(database).oldest() is None


def test_counting_goes_on_where_a_killed_process_stopped(tmp_path: Path) -> None:
    killed, path = tmp_path / "killed.duckdb", tmp_path / "a.duckdb"
    spans = whole(shop(2, short_ids=0))
    with Database.open(path) as database:
        store(writer_of(database), random_commits(spans, 4, 2))
        assert counter_of(database, step=1).count_next(delay=0)
        for file in (path, wal_of(path)):  # as they are after SIGKILL
            shutil.copy(file, killed.with_name(file.name.replace("a.", "killed.")))
    with Database.open(killed) as database:
        assert 0 < stored(database).total() < added_up(profile_of(spans).counts).total()
        count(database)
        assert stored(database) == added_up(profile_of(spans).counts)


def test_a_trace_that_cannot_be_read_does_not_stop_the_later_ones(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    store(writer_of(database), [[], whole(shop(1)), whole(shop(2))])

    def fail(*_: object) -> tuple[list[ProfileStep], list[ProfileCount]]:
        raise ZeroDivisionError

    ranges = CommitRanges(database)
    assert ProfileCounter(database, ranges, fail, lambda: T0 + DELAY, step=1).count_next()
    assert "is not counted" in caplog.text
    count(database)
    assert stored(database)


def test_a_file_of_an_older_version_is_counted_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    spans = whole(shop(3, short_ids=0))
    with Database.open(path) as database:
        store(writer_of(database), [spans])
    make_older(path, 6)
    with Database.open(path) as database:
        count(database)
        assert stored(database) == added_up(profile_of(spans).counts)


def test_counts_in_parts_are_added_up(database: Database) -> None:
    spans = whole(shop(4))
    again = [replace(span, trace_id=span.trace_id[::-1]) for span in spans]
    store(writer_of(database), [spans, again])
    counter = counter_of(database, step=1)
    while counter.count_next(delay=0):
        pass
    parts, before = rows(database, "SELECT count(*) FROM profiles"), stored(database)
    counter.compact()
    keys = "SELECT count(*) FROM (SELECT DISTINCT minute, entry, step, measure FROM profiles)"
    assert rows(database, "SELECT count(*) FROM profiles") == rows(database, keys) < parts
    assert stored(database) == before


def test_an_import_counts_up_to_plenty_of_each_kind_of_trace_in_each_hour(database: Database) -> None:
    spans = [span for number in range(40) for span in one_trace(number, number % 2 * 3600 * S)]
    many = [span for number in range(40, 1_000) for span in one_trace(number, 0)]
    store(writer_of(database), [spans, many])
    counter = counter_of(database, step=600_000)
    assert counter.count_next(delay=0, imported=True)
    minute = T0 // MINUTE
    assert rows(database, _TRACES) == [(minute, PLENTY), (minute + 60, 20)]


def test_which_traces_of_an_import_are_counted_does_not_depend_on_their_order(tmp_path: Path) -> None:
    spans = [span for number in range(1_000) for span in one_trace(number, number * S)]
    found: list[Counts] = []
    for name, of_file in (("a", spans), ("b", spans[::-1])):
        with Database.open(tmp_path / name) as database:
            store(writer_of(database), [of_file])
            assert counter_of(database, step=600_000).count_next(delay=0, imported=True)
            found.append(stored(database))
            minutes = rows(database, "SELECT count(DISTINCT minute) FROM profiles")
            assert minutes == [(17,)], "not only the first or the last ones"
    assert found[0] == found[1]


def test_counts_and_steps_are_deleted_with_the_last_span_of_their_slice(database: Database) -> None:
    writer = writer_of(database)
    late = [replace(span, start=span.start + 3600 * S) for span in whole(shop(6))]
    store(writer, [whole(shop(5)), late])
    count(database)
    Retention(database, RetentionLimits(size=1), pause=lambda _: False).run()
    first = min(count.minute for count in profile_of(late).counts)
    assert rows(database, "SELECT min(minute) FROM profiles") == [(first,)]
    lost = "SELECT count(*) FROM profile_steps WHERE step NOT IN (SELECT step FROM profiles)"
    assert rows(database, lost) == [(0,)]


def test_a_backup_goes_on_counting_and_counts_nothing_twice(database: Database, tmp_path: Path) -> None:
    spans = whole(shop(7, short_ids=0))
    store(writer_of(database), random_commits(spans, 2, 7))
    counter_of(database, step=1).count_next(delay=0)
    for _ in backup(database, tmp_path / "copy.duckdb"):
        pass
    with Database.open(tmp_path / "copy.duckdb") as copy:
        count(copy)
        assert stored(copy) == added_up(profile_of(spans).counts)


def test_an_hour_keeps_a_limited_number_of_entries_and_steps() -> None:
    limits = HourLimits(entries=2, steps=3)
    steps = [ProfileStep(number, 0, number % 5, "web", None, "GET", "visit") for number in range(20)]
    counts = [ProfileCount(0, 1, step.entry, step.step, 0, ((0, 1),)) for step in steps]
    kept, kept_counts = limits.limited(steps, counts)
    assert [step.step for step in kept] == [0, 1, 5]
    assert len(kept_counts) == 3
    next_hour = [count._replace(minute=60) for count in counts[3:5]]
    assert len(limits.limited(steps, next_hour)[1]) == 2
