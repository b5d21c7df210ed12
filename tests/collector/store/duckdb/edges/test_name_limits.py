from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from laban_collector.store.base import NameLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.read.rows import Row
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import MINUTE, OTHER_EDGES, OTHERS, Span

from ..random_shop import CLIENT, CONSUMER, PRODUCER, SERVER, T0, S, shop
from ..write.test_writer import rows
from .test_counter import from_counts, from_spans, random_commits, store

WHOLE = (T0 - 10 * MINUTE, T0 + 180 * MINUTE)
FEW = NameLimits(services=3, topics=2, peers=2, operations=2, edges=4)


def count(database: Database, limits: NameLimits, step: int = 1, *, compacts: bool = False) -> EdgeCounter:
    """Count all commits; like several restarts if `compacts`, because each begins without names in memory."""
    counter = EdgeCounter(database, CommitRanges(database), step, limits)
    while counter.count_next() is not None:
        if compacts:
            counter.compact()
            counter = EdgeCounter(database, CommitRanges(database), step, limits)
    return counter


def call(number: int, service: str, at: int = T0, **fields: Any) -> Span:
    """A root server span; each is a trace of its own."""
    span = replace(
        shop(0, 1)[0],
        trace_id=f"{number + 1:032x}",
        span_id=f"{number + 1:016x}",
        parent_id=None,
        start=at,
        kind=SERVER,
        service=service,
        namespace=None,
        peer_service=None,
        links=(),
        events=(),
    )
    return replace(span, **fields)


def calls(found: Sequence[Row]) -> dict[tuple[str, str], int]:
    counted: Counter[tuple[str, str]] = Counter()
    for row in found:
        counted[row["source"], row["target"]] += row["calls"]
    return dict(counted)


@pytest.mark.parametrize("seed", range(2))
def test_within_the_limits_the_counts_equal_the_edges_of_all_spans(database: Database, seed: int) -> None:
    store(DuckDBWriter(database), random_commits(shop(seed), 3, seed))
    enough = NameLimits(services=12, topics=12, peers=40, operations=12, edges=200)
    counter = count(database, enough, compacts=seed % 2 == 0)
    assert from_counts(database, *WHOLE) == from_spans(database, *WHOLE)
    assert not counter.others


@pytest.mark.parametrize("seed", range(2))
def test_beyond_the_limits_no_call_is_lost_or_counted_below_zero(database: Database, seed: int) -> None:
    store(DuckDBWriter(database), random_commits(shop(seed), 4, seed))
    count(database, FEW, compacts=seed % 2 == 0)
    sums = "SELECT sum(calls), sum(errors), sum(timed), sum(elapsed) FROM edges"
    limited = rows(database, sums)
    by_row = rows(
        database,
        "SELECT count(*) FROM (SELECT sum(calls) AS calls FROM edges GROUP BY minute, source, target, "
        "protocol, evidence, address, rpc_service, flow, part, is_async, bucket) WHERE calls < 0",
    )
    assert by_row == [(0,)]
    names = {name for row in from_counts(database, *WHOLE) for name in (row["source"], row["target"])}
    assert names & set(OTHERS.values())
    assert sum(name.startswith("service:") for name in names) <= FEW.services
    with database.writing() as cursor:
        cursor.execute("DELETE FROM edges")
        cursor.execute("DELETE FROM meta WHERE key = 'edges_counted'")
        cursor.execute("DELETE FROM unmet_links")
    count(database, NameLimits())
    assert rows(database, sums) == limited


def test_the_first_services_of_an_hour_are_counted_and_the_rest_are_others(database: Database) -> None:
    writer = DuckDBWriter(database)
    store(writer, [[call(number, f"s{number}") for number in range(3)]])
    count(database, FEW)
    store(writer, [[call(number, f"s{number}") for number in range(1, 8)]])
    counter = count(database, FEW)
    store(writer, [[call(9, "s2"), call(10, "new"), call(11, "new", T0 + 60 * MINUTE)]])
    again = count(database, FEW)
    assert calls(from_counts(database, *WHOLE)) == {
        ("entry:clients", "service:s0"): 1,
        ("entry:clients", "service:s1"): 1,
        ("entry:clients", "service:s2"): 2,
        ("entry:clients", "service:new"): 1,
        ("entry:clients", "other:services"): 6,
    }
    assert (dict(counter.others), dict(again.others)) == ({"other:services": 5}, {"other:services": 1})


def test_a_call_that_was_counted_as_other_is_corrected_there(database: Database) -> None:
    writer = DuckDBWriter(database)
    server = replace(call(50, "late"), parent_id="c" * 16)
    client = replace(
        server, span_id="c" * 16, parent_id=None, service="s0", kind=CLIENT, peer_address="late.local"
    )
    store(writer, [[call(number, f"s{number}") for number in range(3)], [server], [client]])
    count(database, FEW._replace(edges=100), compacts=True)
    found = calls(from_counts(database, *WHOLE))
    assert found["service:s0", "other:services"] == 1
    assert not any(source == "unseen:callers" for source, _ in found)


def test_topics_groups_hosts_and_databases_have_others_of_their_own(database: Database) -> None:
    spans: list[Span] = []
    for number in range(6):
        name = f"n{number}"
        message: dict[str, Any] = {"topic": name, "messaging_system": "kafka"}
        spans += [
            call(4 * number, "web", kind=PRODUCER, **message),
            call(4 * number + 1, "web", kind=CONSUMER, group=name, messaging_operation="process", **message),
            call(4 * number + 2, "web", kind=CLIENT, peer_address=name, http_method="GET"),
            call(4 * number + 3, "web", kind=CLIENT, db_system="redis", db_namespace=name),
        ]
    store(DuckDBWriter(database), [spans])
    count(database, FEW._replace(edges=100))
    names = {name for row in from_counts(database, *WHOLE) for name in (row["source"], row["target"])}
    assert names >= set(OTHERS.values()) - {"other:services", OTHER_EDGES}
    for kind in ("topic", "group", "database", "external"):
        assert sum(name.startswith(f"{kind}:") for name in names) <= 2


def test_edges_beyond_their_limit_have_one_target(database: Database) -> None:
    wide = [
        call(number, "web", T0 + number * S, kind=CLIENT, peer_address=f"h{number}", http_method="GET")
        for number in range(9)
    ]
    store(DuckDBWriter(database), [wide])
    count(database, FEW._replace(peers=100))
    found = calls(from_counts(database, *WHOLE))
    assert found["service:web", OTHER_EDGES] == 5
    assert len(found) == 5


def test_hours_with_few_rows_are_not_read(database: Database) -> None:
    spread = [call(number, f"s{number}", T0 + number * 60 * MINUTE) for number in range(40)]
    store(DuckDBWriter(database), [spread])
    counter = count(database, NameLimits())
    assert not counter.others
    assert len(rows(database, "SELECT DISTINCT minute FROM edges")) == 40
