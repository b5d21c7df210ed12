import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.ingest.unloaded import Reader, SegmentKeys, Unloaded
from laban_collector.store.rows import MessageRef

from ..requests import span
from ..store.duckdb.write.test_writer import batch


def consumer(number: int, group: str = "email", topic: str = "orders") -> Span:
    attributes = {
        "order.id": f"o-{number}",
        "messaging.destination.name": topic,
        "messaging.consumer.group.name": group,
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": number,
    }
    built = span(number, attributes, Span.SPAN_KIND_CONSUMER)
    built.trace_id = (number + (7 << 64)).to_bytes(16)
    built.links.add(trace_id=(1000 + number).to_bytes(16), span_id=(7).to_bytes(8))
    return built


def keys_of(*batches: SpanBatch) -> Unloaded:
    segment = SegmentKeys()
    for one in batches:
        segment.add(one)
    return Unloaded([segment.keys(), SegmentKeys().keys()])


def trace(number: int, high: int = 7) -> str:
    return f"{number + (high << 64):032x}"


def test_a_segment_without_batches_holds_nothing() -> None:
    unloaded = keys_of()
    assert not unloaded
    assert not unloaded.has_value("o-1")
    assert not unloaded.has_trace([trace(1)])
    assert not unloaded.has_link_to([trace(1)])
    assert not unloaded.may_have_message([MessageRef("orders", 3, 1)])
    assert unloaded.readers() == frozenset()


@pytest.mark.parametrize("number", [1, 2, 5])
def test_the_keys_of_every_batch_are_found(number: int) -> None:
    unloaded = keys_of(batch(consumer(1), consumer(2)), batch(consumer(5)))
    assert unloaded.has_value(f"o-{number}")
    assert unloaded.has_trace([trace(99), trace(number)])
    assert unloaded.has_trace([trace(number, high=0)])  # the other form of the id
    assert unloaded.has_link_to([trace(1000 + number, high=0)])
    assert unloaded.may_have_message([MessageRef("orders", 3, number)])


def test_other_keys_are_not_found() -> None:
    unloaded = keys_of(batch(consumer(1), consumer(2)), batch(consumer(5)), batch(span(9)))
    assert not unloaded.has_value("o-3")
    assert not unloaded.has_trace([trace(3), trace(1001)])
    assert not unloaded.has_link_to([trace(1)])
    assert not unloaded.may_have_message([])
    for other in (MessageRef("orders", 3, 3), MessageRef("orders", 2, 1), MessageRef("payments", 3, 1)):
        assert not unloaded.may_have_message([other])


def test_the_consumer_groups_are_known_with_their_services() -> None:
    silent = consumer(4)
    silent.kind = Span.SPAN_KIND_PRODUCER
    unloaded = keys_of(batch(consumer(1), consumer(2, "audit")), batch(consumer(3), silent))
    assert unloaded.readers() == {Reader("orders", "audit", "order"), Reader("orders", "email", "order")}


def test_batches_that_come_later_are_found_too() -> None:
    segment = SegmentKeys()
    segment.add(batch(consumer(1)))
    assert not Unloaded([segment.keys()]).has_value("o-2")
    segment.add(batch(consumer(2)))
    assert all(Unloaded([segment.keys()]).has_value(value) for value in ("o-1", "o-2"))
