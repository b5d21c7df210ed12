"""Requests are decoded in groups; each has the outcome and the rows that it has alone."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from laban_collector.decode import otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.results import AcceptedRequest, JsonBody
from laban_collector.errors import UndecodableRequest

from ..batches import assert_same, outcomes_of, rows_of
from ..requests import TRACE_ID, body, request, span
from .otlp_requests import odd_requests, plain_requests
from .test_otlp import THOROUGH, mutants

FINDER = KeyFinder()
GOOD = body(*(span(number, {"order.id": str(number)}) for number in range(10)))
TWO = GOOD + request(span(20), resource={"service.name": "other"}, scope="second").SerializeToString()
ODD: dict[str, bytes] = {
    "empty": b"",
    "no spans": b"\x0a\x00",
    "truncated in the last field": GOOD[:-1],
    "truncated after the tag": GOOD + b"\x0a",
    "truncated length": GOOD + b"\x0a\x80",
    "a length that reaches into the next body": b"\x0a\x7f" + GOOD[3:60],
    "a length beyond any body": b"\x0a\xff\xff\xff\xff\x0f",
    "a length of six bytes": b"\x0a\x80\x80\x80\x80\x80\x00" + GOOD,
    "a length with a padded varint": b"\x0a\x80\x00" + GOOD,
    "a tag with a padded varint": b"\x8a\x00\x00" + GOOD,
    "an unknown field": GOOD + b"\xf8\x07\x01",
    "an unknown group": b"\xfb\x07\xfc\x07" + GOOD,
    "the end of a group": GOOD + b"\xfc\x07",
    "the wrong wire type": GOOD + b"\x08\x01",
    "the wrong wire type inside": GOOD + b"\x0a\x02\x10\x01",
    "field zero": b"\x02\x00" + GOOD,
    "invalid resource spans": GOOD + b"\x0a\x02\x0a\x05",
    "a resource in two parts": b"\x0a\x09\x0a\x00\x0a\x02\x10\x01\x12\x01\x00" + GOOD,
    "a name that is not UTF-8": GOOD.replace(b"span 3", b"span\xff3"),
    "an attribute that is not UTF-8": GOOD.replace(b"order.id", b"order\xffid", 1),
    "a malformed trace id": GOOD.replace(TRACE_ID, bytes(16), 1),
    "not protobuf": b"GET / HTTP/1.1",
}
JSON: dict[str, JsonBody] = {
    "JSON": JsonBody(b'{"resourceSpans": []}'),
    "broken JSON": JsonBody(b'{"resourceSpans": '),
}


def alone(payloads: Sequence[bytes]) -> list[AcceptedRequest | str]:
    """Return the outcome that each body has alone."""
    decoder = OtlpDecoder(FINDER)
    return [outcomes_of(decoder.decode([one]))[0] for one in payloads]


@pytest.mark.parametrize("copies", [1, 8])
@pytest.mark.parametrize("name", [*ODD, *JSON])
def test_a_body_between_good_ones_has_the_outcome_that_it_has_alone(name: str, copies: int) -> None:
    odd = (ODD | JSON)[name]
    payloads = [*[GOOD] * copies, odd, *[TWO] * copies]
    decoded = OtlpDecoder(FINDER).decode(payloads)
    assert outcomes_of(decoded) == alone(payloads)
    assert outcomes_of(decoded)[copies + 1 :] == [AcceptedRequest(11)] * copies
    if name in ODD:
        assert_same(otlp_protobuf.decode(payloads, FINDER), decoded)


def test_a_partly_rejected_request_reports_only_its_own_spans() -> None:
    partial = GOOD.replace(TRACE_ID, bytes(16), 3)
    first, second, third = OtlpDecoder(FINDER).decode([GOOD, partial, GOOD * 9]).outcomes
    assert (first, third) == (AcceptedRequest(10), AcceptedRequest(90))
    assert second == AcceptedRequest(7, 3, "3 span(s) rejected: trace id of zeros")


def test_a_refused_request_leaves_no_rows() -> None:
    refused = body(*(span(number, {"order.id": "refused"}) for number in range(100, 110)))[:-1]
    decoded = OtlpDecoder(FINDER).decode([GOOD * 4, refused, GOOD * 4])
    assert isinstance(decoded.outcomes[1], UndecodableRequest)
    assert rows_of(decoded.batch) == rows_of(OtlpDecoder(FINDER).decode([GOOD * 4, GOOD * 4]).batch)


@pytest.mark.parametrize("seed", range(3))
def test_mutated_bodies_in_a_group_have_the_outcomes_that_they_have_alone(seed: int) -> None:
    numbers = random.Random(seed)  # noqa: S311 - nothing secret
    kinds = Counter[type]()
    group = mutants(seed, 60) + numbers.choices([GOOD, TWO, *ODD.values()], k=30)
    numbers.shuffle(group)
    decoded = OtlpDecoder(FINDER).decode(group)
    assert outcomes_of(decoded) == alone(group)
    kinds.update(map(type, decoded.outcomes))
    assert min(kinds[AcceptedRequest], kinds[UndecodableRequest]) > 5


@settings(THOROUGH, max_examples=30)
@given(sent=st.lists(st.one_of(plain_requests, odd_requests), max_size=5), data=st.data())
def test_generated_requests_among_broken_ones_decode_the_same_both_ways(
    sent: list[ExportTraceServiceRequest], data: st.DataObject
) -> None:
    payloads = [one.SerializeToString() for one in sent]
    payloads.insert(data.draw(st.integers(0, len(payloads))), data.draw(st.sampled_from(list(ODD.values()))))
    payloads += [GOOD] * data.draw(st.sampled_from((0, 6)))
    assert_same(otlp_protobuf.decode(payloads, FINDER), OtlpDecoder(FINDER).decode(payloads))
