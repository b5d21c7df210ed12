"""Latency over time and over a whole window, from counted minutes and from spans."""

import random
from collections.abc import Iterator
from dataclasses import replace
from statistics import quantiles
from typing import Literal

import pytest

from laban_app.answers.latency_answers import latency_history
from laban_app.answers.local import LocalAnswers
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges import query
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.read import reader
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import MINUTE, Span
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.model import LatencyHistory

from ...mapper.shop_spans import MS, T0, grpc_client, grpc_server, http_server
from ...otlp import to_otlp

MINUTES = 12
CALLS = 40
BEGIN = T0 // MINUTE * MINUTE
NO_OBJECTIVES = Objectives()
TAKEN = [
    [20 + minute + random.Random(minute).lognormvariate(0, 1) for _ in range(CALLS)]  # noqa: S311 - no secret
    for minute in range(MINUTES - 1)
] + [[900.0]]
"""How long the calls of order to pricing took, ms, by minute: the last minute has one slow call only."""


def calls() -> Iterator[Span]:
    for minute, taken in enumerate(TAKEN):
        for number, took in enumerate(taken):
            at = minute * 60_000 + number * 100
            trace = f"{minute * CALLS + number + 1:032x}"
            entry = replace(http_server("order", "POST /orders", at, took + 10), trace_id=trace)
            asked = replace(grpc_client("order", "shop.Pricing/Quote", at + 1, took, entry), trace_id=trace)
            answered = grpc_server("pricing", "shop.Pricing/Quote", at + 2, took - 2, asked)
            yield from (entry, asked, replace(answered, trace_id=trace))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with Database.open(tmp_path_factory.mktemp("latency") / "spans.duckdb") as opened:
        spans = [replace(span, start=span.start - T0 + BEGIN) for span in calls()]
        DuckDBWriter(opened).write(decode([to_otlp(spans)], KeyFinder()).batch)
        yield opened


def history(
    database: Database, by: Literal["edge", "route"], objectives: Objectives = NO_OBJECTIVES
) -> LatencyHistory:
    window = (BEGIN, BEGIN + MINUTES * MINUTE)
    return latency_history(DuckDBReader(database), by, window, objectives)


@pytest.mark.parametrize(
    ("by", "name", "more"), [("edge", "order → pricing", 0), ("route", "order  POST /orders", 10)]
)
def test_percentiles_of_the_window_are_of_all_calls_and_not_the_worst_of_its_minutes(
    database: Database, by: Literal["edge", "route"], name: str, more: float
) -> None:
    found = history(database, by)
    (total,) = [one for one in found.totals if one.name == name]
    every = [took + more for minute in TAKEN for took in minute]
    exact = quantiles(every, n=100, method="inclusive")
    assert found.within_percent is not None
    within = found.within_percent / 100
    assert total.calls == len(every)
    assert total.p50_ms == pytest.approx(exact[49], rel=within)
    assert total.p95_ms == pytest.approx(exact[94], rel=within)
    assert total.p99_ms == pytest.approx(exact[98], rel=within)
    of_minutes = [point.p95_ms for point in found.points if point.name == name]
    assert len(of_minutes) == MINUTES
    assert max(of_minutes) > 10 * total.p95_ms


def test_counted_minutes_and_spans_give_the_same_latencies(database: Database) -> None:
    from_spans = history(database, "edge")
    counter = EdgeCounter(database, CommitRanges(database), 1_000)
    while counter.count_next() is not None:
        pass
    assert history(database, "edge") == from_spans
    found = LocalAnswers(DuckDBReader(database)).service_map(from_spans.since, from_spans.until)
    (edge,) = [one for one in found.edges if one.target == "service:pricing"]
    (total,) = from_spans.totals
    assert (edge.calls, edge.p50_ms, edge.p99_ms) == (total.calls, total.p50_ms, total.p99_ms)


def test_a_route_has_the_objective_of_its_entry_operation(database: Database) -> None:
    objectives = Objectives(latency={"order POST /orders": 250.0})
    limits = {one.name: one.objective_ms for one in history(database, "route", objectives).totals}
    assert limits == {"order  POST /orders": 250.0, "pricing  shop.Pricing/Quote": None}


def test_of_very_many_names_the_busiest_are_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_MOST_LATENCIES", 1)
    found = history(database, "route")
    assert {point.name for point in found.points} == {total.name for total in found.totals}
    assert (len(found.totals), found.left_out, found.truncated) == (1, 1, True)


def test_a_graph_with_too_many_names_has_latencies_of_those_that_stay(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = history(database, "edge")
    monkeypatch.setattr(query, "MOST_NAMES", 1)
    assert [total.name for total in history(database, "edge").totals] == [one.name for one in whole.totals]
    window = (BEGIN + 1000 * MS, BEGIN + 2500 * MS)
    assert latency_history(DuckDBReader(database), "edge", window, NO_OBJECTIVES).totals


def test_a_short_window_is_not_widened(database: Database) -> None:
    window = (BEGIN + 1000 * MS, BEGIN + 2500 * MS)
    found = latency_history(DuckDBReader(database), "edge", window, NO_OBJECTIVES)
    assert [total.calls for total in found.totals] == [15]
