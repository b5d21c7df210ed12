"""The default time range, and spans with impossible dates, of LocalAnswers over a real database."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from laban_app.answers.local import LocalAnswers
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Span
from laban_mapper.times import utc_time

from ...mapper.shop_spans import MS, T0, http_server
from ...otlp import to_otlp

S = 1000 * MS
MINUTE = 60 * S
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LATEST = 2**63 - 3 - MS
"""The latest start of a request that is stored, in ns: in the year 2262."""

AnswersAt = Callable[[int], LocalAnswers]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Callable[[Sequence[Span]], AnswersAt]]:
    """A function that stores spans, and returns a function from the time of a clock to answers."""
    with Database.open(tmp_path / "spans.duckdb") as database:
        reader = DuckDBReader(database)

        def store_spans(spans: Sequence[Span]) -> AnswersAt:
            DuckDBWriter(database).write(decode([to_otlp(spans)], KeyFinder()).batch)
            return lambda now: LocalAnswers(reader, lambda: now)

        yield store_spans


def request(start: int, number: int = 1) -> Span:
    """Return one request to a shop in a trace of its own, for order N."""
    sent = http_server("shop", "POST /orders", 0, 1)
    attributes: dict[str, object] = {"order.id": str(number)}
    return replace(sent, start=start, trace_id=f"{number:032x}", attributes=attributes)


def calls(answers: LocalAnswers) -> int:
    return sum(edge.calls for edge in answers.service_map().edges)


Store = Callable[[Sequence[Span]], AnswersAt]


def test_the_time_range_ends_now(store: Store) -> None:
    at = store([request(T0), request(T0 + 50 * MINUTE, 2)])
    assert calls(at(T0 + 55 * MINUTE)) == 2
    assert calls(at(T0 + 65 * MINUTE)) == 1
    assert len(at(T0 + 65 * MINUTE).latency("route").points) == 1


def test_the_time_range_of_an_old_recording_ends_at_its_newest_span(store: Store) -> None:
    at = store([request(T0 - 2 * HOUR), request(T0, 2), request(T0 + MINUTE, 3)])
    assert calls(at(T0 + 99 * DAY)) == 2
    assert [known.value for known in at(T0 + 99 * DAY).known_values("order").values] == ["3", "2", "1"]


def test_a_time_range_with_a_start_ends_now(store: Store) -> None:
    at = store([request(T0), request(T0 + 3 * DAY, 2)])
    since = utc_time(T0 - MINUTE)
    assert sum(edge.calls for edge in at(T0 + 5 * DAY).service_map(since=since).edges) == 2


def test_rates_apply_to_the_time_with_data(store: Store) -> None:
    drawn = store([request(T0), request(T0 + 10 * MINUTE, 2)])(T0 + 40 * MINUTE).service_map()
    assert (drawn.since, drawn.until) == (utc_time(T0), utc_time(T0 + 10 * MINUTE))


def test_a_span_ahead_of_the_clock_does_not_empty_the_map(store: Store) -> None:
    now = T0 + MINUTE
    at = store([*(request(T0 + number * S, number + 1) for number in range(20)), request(T0 + 366 * DAY, 99)])
    drawn = at(now).service_map()
    assert sum(edge.calls for edge in drawn.edges) == 20
    assert drawn.until < utc_time(now)
    status = at(now).status()
    assert (status.first, status.last) == (utc_time(T0), utc_time(T0 + 19 * S))
    assert status.spans == 21
    assert [(odd.spans, odd.ahead) for odd in status.odd_times] == [(1, True)]
    assert [warning.partition(" is dated ")[0] for warning in status.warnings] == ["1 span"]


def test_a_clock_that_is_a_little_ahead_hides_nothing(store: Store) -> None:
    at = store([request(T0), request(T0 + 20 * MINUTE, 2)])
    assert calls(at(T0 + MINUTE)) == 2
    assert at(T0 + MINUTE).status().odd_times == []


@pytest.mark.parametrize("start", [0, T0 // 10**6, T0 + 366 * DAY, LATEST])
def test_an_order_with_an_impossible_date_is_found_and_marked(store: Store, start: int) -> None:
    at = store([request(T0), request(start, 7)])
    story = at(T0 + MINUTE).story("order", "7")
    assert [step.odd_time for step in story.steps] == [True]
    assert '"odd_time":true' in story.model_dump_json()
    assert [step.odd_time for step in at(T0 + MINUTE).story("order", "1").steps] == [False]
    assert calls(at(T0 + MINUTE)) == 1
    assert at(T0 + MINUTE).status().model_dump_json()


def test_spans_that_all_have_impossible_dates_are_shown_at_those(store: Store) -> None:
    at = store([request(T0 // 10**6), request(T0 // 10**6 + 1000, 2)])
    assert calls(at(T0)) == 2
    status = at(T0).status()
    assert status.first is not None
    assert status.first.year == 1970
    assert status.warnings == ["2 spans are dated 1970: milliseconds sent as nanoseconds?"]


def test_spans_without_a_service_name_are_counted(store: Store) -> None:
    spans = [
        replace(request(T0, n), service=name) for n, name in enumerate(("", "unknown_service:python", "a"), 1)
    ]
    status = store(spans)(T0).status()
    assert status.without_service_name == 2
    assert status.warnings[0].startswith("2 spans have no service.name")
