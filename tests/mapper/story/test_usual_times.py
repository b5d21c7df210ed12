"""What a step usually takes is told where profiles keep it, and never from few examples."""

from dataclasses import replace

import pytest

from laban_collector.store.rows import Span
from laban_mapper.story.usual_times import own_time, usual_times, usual_whole

from ..shop_spans import grpc_client, grpc_server, http_server, process, publish
from .causes.usual_traces import facts_of, usual_of


def order(slow: float = 0.0) -> list[Span]:
    """A request with a call, and a message that a consumer handles."""
    entry = http_server("order", "POST /orders", 0, 100 + slow)
    call = grpc_client("order", "Stock/Take", 10, 50 + slow, entry)
    answer = grpc_server("stock", "Stock/Take", 12, 46 + slow, call)
    sent = publish("order", "orders", 70 + slow, entry)
    return [entry, call, answer, sent, process("email", sent, 90 + slow, 30)]


def test_the_usual_time_of_a_whole_step_is_told_where_it_is_known() -> None:
    spans = order(slow=400)
    facts = facts_of(spans, usual_of(order() for _ in range(40)))
    entry, call, answer, sent, handled = (usual_times(span, facts) for span in spans)
    for found, expected in ((entry, 100), (answer, 46), (handled, 30)):
        assert found is not None
        assert found.duration_ms == pytest.approx(expected, rel=0.05)
        assert found.examples == 40
    assert sent is not None
    assert handled is not None
    assert handled.wait_ms is not None
    # Of a call with a server half, profiles keep the time of the half and the time between both.
    assert call is None


def test_what_a_request_with_all_that_follows_usually_takes_is_told_unless_there_are_several() -> None:
    spans = order(slow=50)
    usual = usual_of(order() for _ in range(40))
    took = (max(span.end for span in order()) - min(span.start for span in order())) / 1_000_000
    known = usual_whole(facts_of(spans, usual))
    assert known is not None
    assert known[0] == pytest.approx(took, rel=0.04)
    assert known[1] == 40
    later = replace(spans[0], span_id="9" * 16, trace_id="9" * 32)
    assert usual_whole(facts_of([*spans, later], usual)) is None


def test_few_examples_tell_nothing() -> None:
    spans = order()
    facts = facts_of(spans, usual_of(order() for _ in range(19)))
    assert [usual_times(span, facts) for span in spans] == [None] * len(spans)
    assert usual_whole(facts) is None


def test_the_own_time_of_a_request_is_that_without_its_calls() -> None:
    spans = order()
    facts = facts_of(spans, usual_of(order() for _ in range(40)))
    own = own_time(spans[0], facts)
    assert own is not None
    assert 45 <= own <= 50
    assert own_time(spans[1], facts) is None
