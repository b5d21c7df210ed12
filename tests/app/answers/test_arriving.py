"""Answers while spans arrive: they are complete, and wait only for spans that they need."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from laban_app.answers.arriving import ArrivingAnswers
from laban_app.errors import UnknownTrace, UnknownValue
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.ingest import loader
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges import counting_thread
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Span
from laban_mapper.model import Story

from ...mapper.shop_spans import hybrid_order, process
from ...otlp import to_otlp
from .test_local import named

OTHER = "d" * 32
HYBRID = named(hybrid_order())


@pytest.fixture
def storage(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageService]:
    """A storage that loads spans only when an answer needs them."""
    monkeypatch.setattr(loader, "LONGEST_WAIT", 1000.0)
    service = StorageService(DuckDBStore(database), RetentionLimits())
    service.start()
    yield service
    service.stop()


@pytest.fixture
def send(storage: StorageService) -> Callable[[Sequence[Span]], None]:
    return lambda spans: storage.take(decode([to_otlp(spans)], KeyFinder()).batch)


@pytest.fixture
def answers(storage: StorageService) -> ArrivingAnswers:
    return ArrivingAnswers(storage, 20.0)


Send = Callable[[Sequence[Span]], None]


def loaded(storage: StorageService, send: Send, spans: Sequence[Span]) -> None:
    send(spans)
    storage.settle()


def another_order(number: int = 0) -> list[Span]:
    """An order that shares nothing with `HYBRID` but the topics."""
    trace_id = f"{number + 1:032x}"
    spans = [
        replace(
            span,
            trace_id=trace_id,
            offset=None if span.offset is None else span.offset + 1000,
            message_key=None,
            links=tuple((trace_id, span_id) for _, span_id in span.links),
        )
        for span in hybrid_order()
    ]
    return named(spans, f"other-{number}")


def comparable(story: Story) -> Story:
    """A story without the ids that `hybrid_order` counts up."""
    return story.model_copy(update={"steps": [], "messages": story.messages})


def test_a_story_does_not_wait_for_the_spans_of_other_orders(
    storage: StorageService, send: Send, answers: ArrivingAnswers
) -> None:
    loaded(storage, send, HYBRID)
    expected = answers.story("order", "123")
    send(another_order())
    assert comparable(answers.story("order", "123")) == comparable(expected)
    assert storage.health().unloaded == len(HYBRID)


@pytest.mark.parametrize("cut", range(0, len(HYBRID), 2))
def test_a_story_is_complete_whatever_is_loaded(
    storage: StorageService, send: Send, answers: ArrivingAnswers, cut: int
) -> None:
    if cut:
        loaded(storage, send, HYBRID[:cut])
    send(HYBRID[cut:])
    assert answers.story("order", "123").spans == len(HYBRID)
    assert answers.trace(HYBRID[0].trace_id).span_count == len(HYBRID)


def consumer(**changes: object) -> Span:
    """A consumer of an order's message in another trace."""
    return replace(process("audit", HYBRID[3], 300, 5), trace_id=OTHER, parent_id=None, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arriving",
    [consumer(), consumer(offset=None, links=((HYBRID[3].trace_id, HYBRID[3].span_id),))],
    ids=["message", "link"],
)
def test_a_story_waits_for_traces_that_follow_from_it(
    storage: StorageService, send: Send, answers: ArrivingAnswers, arriving: Span
) -> None:
    loaded(storage, send, HYBRID)
    send([arriving])
    assert OTHER in answers.story("order", "123").traces


def test_a_story_knows_a_group_that_has_just_begun_to_read_the_topic(
    storage: StorageService, send: Send, answers: ArrivingAnswers
) -> None:
    loaded(storage, send, HYBRID)
    elsewhere = process("audit", another_order()[3], 300, 5)
    send([replace(elsewhere, trace_id=OTHER, parent_id=None, offset=9999)])
    [orders] = [one for one in answers.story("order", "123").messages if one.topic == "orders"]
    assert [state.group for state in orders.groups] == ["audit", "email", "payment"]
    assert storage.health().unloaded == 1


def test_an_unknown_order_is_refused_with_what_has_just_arrived(
    storage: StorageService, send: Send, answers: ArrivingAnswers
) -> None:
    send(HYBRID)
    with pytest.raises(UnknownValue) as refused:
        answers.story("order", "124")
    assert refused.value.nearest == ["123"]


def test_a_trace_does_not_wait_for_other_traces(
    storage: StorageService, send: Send, answers: ArrivingAnswers
) -> None:
    loaded(storage, send, HYBRID)
    send(another_order())
    assert answers.trace(HYBRID[0].trace_id).span_count == len(HYBRID)
    with pytest.raises(UnknownTrace):
        answers.trace("f" * 32)
    assert storage.health().unloaded == len(HYBRID)


def test_spans_that_are_being_loaded_are_not_missed(
    storage: StorageService, send: Send, answers: ArrivingAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, released, load = threading.Event(), threading.Event(), DuckDBWriter.load

    def held(writer: DuckDBWriter, *given: Any, **named: Any) -> Any:
        entered.set()
        assert released.wait(30)
        return load(writer, *given, **named)

    monkeypatch.setattr(DuckDBWriter, "load", held)
    send(HYBRID)
    waiting = threading.Thread(target=storage.settle)
    waiting.start()
    assert entered.wait(30)
    assert storage.health().unloaded == 0
    assert storage.unloaded().has_value("123")
    released.set()
    assert answers.story("order", "123").spans == len(HYBRID)
    waiting.join()


def test_a_map_says_up_to_when_it_counts_while_very_many_spans_arrive(
    storage: StorageService, send: Send, answers: ArrivingAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(storage, send, HYBRID)
    whole = answers.service_map()
    assert whole.counted_to is None
    released, count_next = threading.Event(), EdgeCounter.count_next

    def held(counter: EdgeCounter) -> int | None:
        assert released.wait(30)
        return count_next(counter)

    monkeypatch.setattr(EdgeCounter, "count_next", held)
    monkeypatch.setattr(counting_thread, "FLOOD", 1)
    loaded(storage, send, another_order())
    busy = answers.service_map()
    assert busy.counted_to is not None
    assert {edge.target: edge.calls for edge in busy.edges} == {e.target: e.calls for e in whole.edges}
    monkeypatch.setattr(counting_thread, "FLOOD", 1 << 30)
    released.set()
    after = answers.service_map()
    assert after.counted_to is None
    assert sum(edge.calls for edge in after.edges) > sum(edge.calls for edge in whole.edges)
