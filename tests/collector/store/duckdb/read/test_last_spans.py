import itertools
import random
from collections.abc import Collection
from pathlib import Path

import pytest

from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.durability.rescue import rescue
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.index import last_spans
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import PLAUSIBLE_AHEAD, Span

from ..edges.test_counter import store
from ..random_shop import SERVER, T0, S

SERVICES = ("stock", "shop/stock", "bank/stock", "web", "email", "gone")
HOUR = 3600 * S
DAY = 24 * HOUR


def span(number: int, service: str, start: int, namespace: str | None = None) -> Span:
    return Span(
        trace_id=f"{number + 1:032x}",
        span_id=f"{number + 1:016x}",
        parent_id=None,
        service=service,
        namespace=namespace,
        name="work",
        kind=SERVER,
        start=start,
        duration=S,
        status=0,
    )


def never_stale(database: Database) -> DuckDBReader:
    """A reader that reads new digests at once."""
    return DuckDBReader(database, commit_ranges=CommitRanges(database, itertools.count(0.0, 10.0).__next__))


def from_spans(database: Database, services: Collection[str] = SERVICES) -> dict[str, int]:
    with database.reading() as cursor:
        rows = cursor.execute(
            "SELECT service, namespace, epoch_ns(start) + duration"
            " FROM spans JOIN resources USING (resource_id)"
        ).fetchall()
    found: dict[str, int] = {}
    for service, namespace, end in rows:
        for name in {service, f"{namespace}/{service}"} & set(services):
            found[name] = max(end, found.get(name, 0))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_last_spans_are_those_of_all_spans_in_any_order_of_arrival(database: Database, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - reproducible
    kept, writer = never_stale(database), DuckDBWriter(database, lambda: T0 + 30 * DAY)
    digester = Digester(database, chance.choice([1, 3, 8]))
    for number in range(25):
        service, namespace = chance.choice(
            [("stock", "shop"), ("stock", "bank"), ("web", None), ("email", None)]
        )
        store(writer, [[span(number, service, T0 + chance.randrange(100_000) * S, namespace)]])
        if chance.random() < 0.3:
            digester.catch_up()
        assert kept.last_spans(SERVICES) == from_spans(database) == never_stale(database).last_spans(SERVICES)


def test_last_spans_survive_a_restart_and_a_rescue(tmp_path: Path) -> None:
    path = tmp_path / "spans.duckdb"
    with Database.open(path) as database:
        store(
            DuckDBWriter(database, lambda: T0 + 30 * DAY),
            [[span(at, "web", T0 + (5 - at) * S)] for at in range(4)],
        )
        Digester(database, 1).catch_up()
    for read_only in (True, False):
        with Database.open(path, read_only=read_only) as database:
            assert DuckDBReader(database).last_spans(SERVICES) == {"web": T0 + 6 * S}
    rescue(path, tmp_path / "rescued.duckdb")
    with Database.open(tmp_path / "rescued.duckdb") as database:
        assert DuckDBReader(database).last_spans(SERVICES) == {"web": T0 + 6 * S}
        Digester(database, 1).catch_up()
        assert DuckDBReader(database).last_spans(SERVICES) == {"web": T0 + 6 * S}


@pytest.mark.parametrize("digested", [True, False])
def test_last_spans_go_with_the_commits_that_the_retention_deletes(
    database: Database,
    digested: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    now = T0 + 30 * DAY
    clock = itertools.count(now, DAY).__next__
    names = ("gone", "web", "stock", "email")
    store(DuckDBWriter(database, clock), [[span(at, name, T0 - at * S)] for at, name in enumerate(names)])
    reader = never_stale(database)
    if digested:
        Digester(database, 1).catch_up()
    assert reader.last_spans(SERVICES).keys() == set(names)
    Retention(database, RetentionLimits(age=2 * DAY // S), lambda: now + 3 * DAY + S, lambda _: False).run()
    assert reader.last_spans(SERVICES) == from_spans(database)
    assert "gone" not in reader.last_spans(SERVICES)


def test_a_commit_that_is_stored_again_is_read_again(database: Database) -> None:
    """A commit that was not acknowledged: its sequence is used again."""
    store(DuckDBWriter(database, lambda: T0 + 30 * DAY), [[span(0, "stock", T0)], [span(1, "web", T0 + S)]])
    reader = never_stale(database)
    assert reader.last_spans(SERVICES) == {"stock": T0 + S, "web": T0 + 2 * S}
    with database.writing() as cursor:
        cursor.execute("DELETE FROM spans WHERE arrival = 1")
        cursor.execute("UPDATE ledger SET spans = 2 WHERE arrival = 1")
        cursor.execute("UPDATE spans SET arrival = 1")
    assert reader.last_spans(SERVICES) == {"web": T0 + 2 * S}


def test_an_empty_store_knows_no_span_until_one_comes(database: Database) -> None:
    reader = never_stale(database)
    assert reader.last_spans(SERVICES) == reader.last_spans(SERVICES) == {}
    store(DuckDBWriter(database, lambda: T0 + 30 * DAY), [[span(0, "web", T0)]])
    assert reader.last_spans(SERVICES) == {"web": T0 + S}


def test_spans_dated_in_the_future_do_not_count(database: Database) -> None:
    writer = DuckDBWriter(database, lambda: T0)
    store(
        writer,
        [[span(0, "web", T0)], [span(1, "web", T0 + PLAUSIBLE_AHEAD)], [span(2, "stock", T0 + HOUR // 2)]],
    )
    for _ in range(2):
        assert DuckDBReader(database).last_spans(SERVICES) == {"web": T0 + S, "stock": T0 + HOUR // 2 + S}
        Digester(database, 1).catch_up()


def test_with_too_many_services_the_spans_are_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_spans, "MOST_SERVICES", 2)
    spans = [span(at, f"service-{at % 4}", T0 + at * S) for at in range(12)]
    names = [f"service-{number}" for number in range(5)]
    expected = {f"service-{number}": T0 + (9 + number) * S for number in range(4)}
    store(
        DuckDBWriter(database, lambda: T0 + 30 * DAY),
        [spans[:6], spans[6:], spans[:1]],
    )
    for _ in range(2):
        assert DuckDBReader(database).last_spans(names) == expected
        Digester(database, 1).catch_up()
    with database.reading() as cursor:
        assert cursor.execute("SELECT count(*) FROM digests WHERE last_spans IS NULL").fetchall() == [(1,)]
