import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from unittest.mock import Mock

import pytest

from laban_collector.errors import StoreError
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.read.rows import Row
from laban_collector.store.duckdb.totals.counter import TotalsCounter
from laban_collector.store.duckdb.totals.unsettled import SETTLE
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.edge_totals import BOUNDS, EdgeTotal, SeriesKey, Times
from laban_collector.store.rows import Span

from ..edges.test_counter import WHOLE, from_spans, random_commits, store
from ..random_shop import CLIENT, CONSUMER, PRODUCER, SERVER, T0, S, shop
from ..write.test_writer import rows

MS = 10**6


class Clock:
    """A clock that the test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Counting:
    """Counts a database with totals; `restart` begins again with what is stored."""

    def __init__(self, database: Database, most: int = 1000, step: int = 1000) -> None:
        self.database, self.most, self.step = database, most, step
        self.writer = DuckDBWriter(database)
        self.clock = Clock()
        self.restart()

    def restart(self) -> None:
        self.totals = TotalsCounter(self.most, self.clock, self.clock)
        ranges = CommitRanges(self.database)
        self.counter = EdgeCounter(self.database, ranges, self.step, totals=self.totals)
        self.counter.load_totals()

    def count(self, *commits: Sequence[Span]) -> None:
        store(self.writer, commits)
        while self.counter.count_next() is not None:
            pass

    def settle(self) -> None:
        self.clock.now += SETTLE
        self.counter.settle_totals()

    def series(self) -> dict[SeriesKey, EdgeTotal]:
        return {total.key: total for total in self.totals.totals.edges}

    def calls(self, kind: str = "graph") -> dict[tuple[str, ...], int]:
        return {
            key[1:]: total.calls for key, total in self.series().items() if key.kind == kind and total.calls
        }


def call(number: int, *, callee: str = "pricing", failed: bool = False) -> tuple[Span, Span]:
    """Return the spans of both sides of a call that takes the caller 40 ms, and the callee 20 ms."""
    trace, at = f"{number + 1:032x}", T0 + number * 10 * MS
    client = Span(
        trace, f"{1:016x}", None, "order", "GET", CLIENT, at, 40 * MS, 0, http_method="GET",
        peer_address=callee, peer_port=8000,
    )  # fmt: skip
    server = Span(
        trace, f"{2:016x}", client.span_id, callee, "GET /", SERVER, at + MS, 20 * MS, 2 if failed else 0,
        http_method="GET",
    )  # fmt: skip
    return client, server


def edges(database: Database) -> list[Row]:
    return [row for row in from_spans(database, *WHOLE) if "latencies" in row]


def name(node: str) -> str:
    kind, _, rest = node.partition(":")
    if kind == "external" and rest.startswith("unknown/"):
        return "unknown"
    return {"entry:clients": "user", "unseen:callers": "unseen"}.get(node, rest)


def calls_between(found: Iterable[Row], source: str, target: str) -> dict[tuple[str, str], int]:
    """Return the messages from one kind of node to another."""
    calls = Counter[tuple[str, str]]()
    for row in found:
        if row["is_async"] and row["source"].startswith(source) and row["target"].startswith(target):
            calls[name(row["source"]), name(row["target"])] += row["calls"]
    return dict(calls)


@pytest.mark.parametrize("seed", range(2))
def test_settled_totals_equal_the_edges_of_all_spans(database: Database, seed: int) -> None:
    counting = Counting(database, step=1 + 20 * (seed % 3))
    counting.count(*random_commits(shop(seed), 1 + 3 * seed, seed))
    assert not counting.series(), "nothing is settled yet"
    counting.settle()
    sync, consumed = Counter[tuple[str, str]](), Counter[str]()
    for (client, server, connection), calls in counting.calls().items():
        if connection == "messaging_system":
            consumed[server] += calls
        else:
            sync[client, server] += calls
    on_map = edges(database)
    expected = Counter[tuple[str, str]]()
    for row in on_map:
        if not row["is_async"]:
            expected[name(row["source"]), name(row["target"])] += row["calls"]
    assert sync == expected
    processed = Counter[str]()
    for (_, service), calls in calls_between(on_map, "", "service:").items():
        processed[service] += calls
    assert consumed == processed
    published = {key[:2]: calls for key, calls in counting.calls("published").items() if key[1]}
    assert published == calls_between(on_map, "service:", "topic:")
    read = {key[:2]: calls for key, calls in counting.calls("consumed").items() if key[1]}
    assert read == calls_between(on_map, "topic:", "group:")


def test_totals_never_go_back_in_any_order_over_restarts_and_retention(database: Database) -> None:
    counting, generator = Counting(database), random.Random(5)  # noqa: S311 - nothing secret
    retention = Retention(database, RetentionLimits(age=1), lambda: 1 << 62, lambda _: False)
    before: dict[SeriesKey, EdgeTotal] = {}
    for number, commit in enumerate(random_commits(shop(5), 8, 5)):
        counting.count(commit)
        counting.clock.now += generator.choice((0, 1, SETTLE / 2, SETTLE))
        counting.counter.settle_totals()
        if number == 5:
            assert retention.run().spans
        if number % 3 == 0:
            counting.restart()
        now = counting.series()
        for key, total in before.items():
            assert not_less(total, now[key]), key
        before = now
    assert before


def not_less(before: EdgeTotal, after: EdgeTotal) -> bool:
    def grew(old: Times, new: Times) -> bool:
        return old.elapsed <= new.elapsed and all(map(int.__le__, old.counts, new.counts))

    return (
        before.calls <= after.calls
        and before.errors <= after.errors
        and all(map(grew, before[3:], after[3:]))
    )


def test_a_call_is_never_counted_for_another_callee_while_its_server_span_is_late(database: Database) -> None:
    client, server = call(0)
    counting = Counting(database)
    counting.count([client])
    counting.clock.now += SETTLE / 2
    counting.count([server])
    counting.settle()
    assert counting.calls() == {("order", "pricing", ""): 1}


def test_a_correction_that_comes_too_late_is_made_up_for_by_later_calls(database: Database) -> None:
    client, server = call(0)
    counting = Counting(database)
    counting.count([client])
    counting.settle()
    [(first, _)] = counting.calls().items()
    assert first == ("order", "pricing:8000", "virtual_node")
    counting.count([server], call(1))
    counting.settle()
    assert counting.calls() == {first: 1, ("order", "pricing", ""): 2}
    other = call(2)[0]
    counting.count([other])
    counting.settle()
    assert counting.calls()[first] == 1, "the first call after the correction was counted already"


def test_histograms_have_both_sides_of_a_call_and_the_time_in_the_queue(database: Database) -> None:
    client, server = call(0, failed=True)
    sent = replace(
        server, span_id=f"{3:016x}", parent_id=server.span_id, name="orders send", kind=PRODUCER, status=0,
        start=T0, http_method=None, messaging_system="kafka", topic="orders", messaging_operation="send",
    )  # fmt: skip
    read = replace(
        sent, span_id=f"{4:016x}", parent_id=sent.span_id, service="mail", kind=CONSUMER, group="mail",
        messaging_operation="process", start=T0 + 700 * MS, duration=3 * MS,
    )  # fmt: skip
    counting = Counting(database)
    counting.count([client, server, sent, read])
    counting.settle()
    found = counting.series()
    made = found[SeriesKey("graph", "order", "pricing")]
    assert (made.calls, made.errors) == (1, 1)
    assert in_seconds(made.called) == (0.04, [0.05])
    assert in_seconds(made.served) == (0.02, [0.025])
    delivered = found[SeriesKey("graph", "pricing", "mail", "messaging_system")]
    assert in_seconds(delivered.queued) == (0.7, [1.0])
    assert in_seconds(delivered.served) == (0.003, [0.005])
    assert in_seconds(delivered.called) == (0, [])
    assert found[SeriesKey("published", "pricing", "orders")].calls == 1
    assert found[SeriesKey("consumed", "orders", "mail")].calls == 1


def in_seconds(times: Times) -> tuple[float, list[float]]:
    bounds = zip((*BOUNDS, float("inf")), times.counts, strict=True)
    return times.elapsed / S, [bound for bound, count in bounds for _ in range(count)]


def test_edges_beyond_the_limit_are_one_other_edge_and_those_within_stay(database: Database) -> None:
    counting = Counting(database, most=2)
    counting.count(call(0, callee="a"), call(1, callee="b"), call(2, callee="b"))
    counting.settle()
    counting.count(*(call(3 + number, callee="busy") for number in range(5)), call(8, callee="a"))
    counting.settle()
    expected = {("order", "a", ""): 2, ("order", "b", ""): 2, ("other", "other", ""): 5}
    assert counting.calls() == expected
    assert counting.totals.totals.left_out == 1
    counting.restart()
    counting.count(call(9, callee="busy"), call(10, callee="b"))
    counting.settle()
    assert counting.calls() == {("order", "a", ""): 2, ("order", "b", ""): 3, ("other", "other", ""): 6}
    counting.clock.now += 25 * 3600
    counting.count(call(11, callee="busy"), call(12, callee="b"))
    counting.settle()
    assert ("order", "busy", "") in counting.calls(), "the place of an edge without a call for a day"
    assert ("order", "a", "") not in counting.calls()


def test_totals_that_could_not_be_stored_are_counted_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(database)
    with monkeypatch.context() as patched:
        patched.setattr(TotalsCounter, "_store_totals", Mock(side_effect=StoreError("full")))
        with pytest.raises(StoreError):
            counting.count(call(0))
    assert rows(database, "SELECT count(*) FROM unsettled_edges") == [(0,)]
    counting.count()
    counting.settle()
    assert counting.calls() == {("order", "pricing", ""): 1}
