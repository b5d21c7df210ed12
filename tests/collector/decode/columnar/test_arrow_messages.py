"""Validation refuses exactly what the protobuf library refuses, although attributes are separate."""

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from laban_collector.decode import otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.columnar.arrow_messages import are_key_values, parse_without_attributes
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.results import AcceptedRequest
from laban_collector.errors import UndecodableRequest

from ...batches import assert_same, outcomes_of
from ...requests import body, span

FINDER = KeyFinder()


def many(first: int) -> bytes:
    """Return a request with enough spans for decoding by columns."""
    return body(*(span(number, {"order.id": str(number)}) for number in range(first, first + 100)))


def test_an_invalid_attribute_refuses_only_its_own_request() -> None:
    bad = body(*(span(number, {"no": "key"}) for number in range(100, 200))).replace(b"no", b"n\xff", 1)
    sent = [many(1), bad, many(200)]
    decoded = OtlpDecoder(FINDER).decode(sent)
    assert isinstance(decoded.outcomes[1], UndecodableRequest)
    assert (decoded.outcomes[0], decoded.outcomes[2]) == (AcceptedRequest(100), AcceptedRequest(100))
    assert_same(otlp_protobuf.decode(sent, FINDER), decoded)


def nested(depth: int) -> AnyValue:
    value = AnyValue(string_value="deep")
    for _ in range(depth):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return value


@pytest.mark.parametrize("depth", range(44, 49))
def test_attributes_may_be_as_deeply_nested_as_the_library_accepts(depth: int) -> None:
    deep = span(1)
    deep.attributes.append(KeyValue(key="k", value=nested(depth)))
    in_event = span(2)
    in_event.events.add().attributes.append(KeyValue(key="k", value=nested(depth)))
    sent = [body(deep), body(in_event), many(3)]
    exact, decoded = otlp_protobuf.decode(sent, FINDER), OtlpDecoder(FINDER).decode(sent)
    assert outcomes_of(decoded) == outcomes_of(exact)
    assert_same(exact, decoded)


def test_a_request_is_validated_without_its_attributes() -> None:
    legal = many(1)
    assert (
        sum(len(each.spans) for each in parse_without_attributes(legal).resource_spans[0].scope_spans) == 100
    )
    for illegal in (legal[:-1], b"\xff", legal + b"\x0a\x05abc"):
        with pytest.raises(UndecodableRequest):
            parse_without_attributes(illegal)


def test_attributes_are_validated_together() -> None:
    good = KeyValue(key="k", value=AnyValue(int_value=1)).SerializeToString()
    assert are_key_values([good, b""])
    assert not are_key_values([good, b"\x0a\x01\xff"])
