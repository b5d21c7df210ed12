"""Decoding by columns and decoding span by span give the same result."""

import random
from collections.abc import Sequence

import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from laban.business_keys.keys import parse_rules
from laban_collector.decode import otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.results import DecodedRequests
from laban_collector.protect.protection import Protection
from laban_collector.settings import load_settings

from ..batches import assert_same, rows_of
from ..requests import START, TRACE_ID, body, key_values, request, span
from .otlp_requests import odd_requests, plain_requests

FINDER = KeyFinder(parse_rules("order.id=route:ref|attribute:app.reference|kafka.key:orders*"))
DECODER = OtlpDecoder(FINDER)
THOROUGH = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def check(payloads: Sequence[bytes]) -> DecodedRequests:
    decoded = DECODER.decode(payloads)
    assert_same(otlp_protobuf.decode(payloads, FINDER), decoded)
    return decoded


def mutants(seed: int, count: int) -> list[bytes]:
    """Return bodies with some changed bytes; most are invalid, and some stay valid but unusual."""
    numbers = random.Random(seed)  # noqa: S311 - nothing secret
    sent = span(
        1, {"order.id": "1", "http.route": "/a", "n": 1, "s": 'a"b\n', "l": [1, {"a": None}], "f": 0.5}
    )
    sent.events.add(time_unix_nano=START, name="e", attributes=key_values({"exception.type": "E"}))
    sent.links.add(trace_id=b"\1" * 16, span_id=b"\2" * 8)
    sent.status.message = "no"
    whole = body(
        sent,
        span(2, {"messaging.system": "kafka", "messaging.destination.name": "t"}, Span.SPAN_KIND_PRODUCER),
    )
    made: list[bytes] = []
    for _ in range(count):
        changed = bytearray(whole)
        for _ in range(numbers.randrange(1, 4)):
            at = numbers.randrange(len(changed))
            changed[at] = numbers.choice((numbers.randrange(256), changed[at] ^ (1 << numbers.randrange(8))))
        made.append(bytes(changed[: numbers.randrange(len(changed))] if numbers.random() < 0.1 else changed))
    return made


@THOROUGH
@given(sent=st.lists(plain_requests, max_size=3))
def test_plain_requests_decode_the_same_both_ways(sent: list[ExportTraceServiceRequest]) -> None:
    check([one.SerializeToString() for one in sent])


@THOROUGH
@given(sent=st.lists(st.one_of(plain_requests, odd_requests), max_size=3))
def test_unusual_requests_among_plain_ones_decode_the_same_both_ways(
    sent: list[ExportTraceServiceRequest],
) -> None:
    check([one.SerializeToString() for one in sent])


@pytest.mark.parametrize("seed", range(4))
def test_mutated_bodies_decode_the_same_both_ways(seed: int) -> None:
    bodies = mutants(seed, 300)
    legal = [one for one in bodies if _is_legal(one)]
    assert len(legal) > 10
    for one in legal:
        check([one])
    check([bytes(one) for one in bodies])


def test_plain_requests_are_decoded_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_rows(*_: object) -> DecodedRequests:
        raise AssertionError("a plain request was decoded row by row")

    monkeypatch.setattr(otlp_protobuf, "decode", no_rows)
    plain = span(0, {"order.id": "1", "tags": ["a"], "ratio": 0.5, "text": 'a"b\n', "nothing": None})
    assert rows_of(DECODER.decode([body(plain)]).batch)["spans"]


@pytest.mark.parametrize(
    "tail",
    [
        b"\xf8\x07\x01",  # an unknown field
        b"\xfb\x07\xfc\x07",  # an unknown group, which ptars does not read
        b"\x0a\x00",  # another, empty resource_spans
    ],
)
def test_valid_but_unusual_encodings_are_accepted(tail: bytes) -> None:
    decoded = check([body(span(0)) + tail, body(span(1))])
    assert [row[0] for row in rows_of(decoded.batch)["spans"]] == [str(0xF0E1D2C3B4A59687)] * 2


def test_repeated_fields_merge_like_in_protobuf() -> None:
    twice = (
        request(span(0, {"a": 1})).SerializeToString() + request(span(1), scope="other").SerializeToString()
    )
    status = (
        Span(status=Status(code=Status.STATUS_CODE_OK)).SerializeToString()
        + Span(status=Status(message="late")).SerializeToString()
    )
    merged = Span.FromString(span(2).SerializeToString() + status)
    raw = span(3).SerializeToString() + status
    check(
        [
            twice,
            body(merged),
            b"".join(
                (
                    b"\x0a",
                    _varint(len(raw) + 4),
                    b"\x12",
                    _varint(len(raw) + 2),
                    b"\x12",
                    _varint(len(raw)),
                    raw,
                )
            ),
        ]
    )


def test_a_key_shared_by_plain_and_unusual_requests_is_one_correlation() -> None:
    odd = span(1, {"order.id": "1"})
    odd.kind = 9  # type: ignore[assignment]  # from the future
    decoded = check([body(span(0, {"order.id": "1"})), body(odd)])
    assert len(rows_of(decoded.batch)["correlations"]) == 1


@pytest.mark.parametrize("protection", [None, Protection.from_settings(load_settings())])
@pytest.mark.parametrize("number", [3, 100])
def test_keys_of_any_type_and_place_are_found_both_ways(number: int, protection: Protection | None) -> None:
    spans = [span(at, {"order.id": [f"L-{at}", at, 2.0**53 - at, True]}) for at in range(number)]
    for at, one in enumerate(spans):
        one.events.add(time_unix_nano=START, attributes=key_values({"refund.id": float(at)}))
        one.links.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, attributes=key_values({"parcel.id": at}))
    sent = request(*spans, resource={"service.name": "s", "tenant.id": ["t-1", "t-2"], "secret_id": "x"})
    other = span(number, {"order.id": "alone", "token": "bearer abc"})
    other.trace_id = b"\7" * 16
    payloads = [sent.SerializeToString(), body(other)]
    by_row = otlp_protobuf.decode(payloads, FINDER)
    by_column = OtlpDecoder(FINDER, protection).decode(payloads)
    batch = by_row.batch if protection is None else protection.protect(by_row.batch)
    assert_same(DecodedRequests(batch, by_row.outcomes), by_column)
    found = {(row["key"], row["value"]) for row in by_column.batch.correlations.to_pylist()}
    assert {("tenant.id", "t-1"), ("tenant.id", "t-2"), ("order.id", "alone"), ("order.id", "true")} <= found
    assert {
        ("refund.id", "0"),
        ("parcel.id", "1"),
        ("order.id", "L-1"),
        ("order.id", str(2**53 - 1)),
    } <= found
    assert (("secret.id", "x") in found) == (protection is None)
    tenants = {row["trace_lo"] for row in by_column.batch.correlations.to_pylist() if row["value"] == "t-1"}
    assert tenants == {int.from_bytes(TRACE_ID[8:])}


@pytest.mark.parametrize("number", [10, 100])
def test_the_tag_span_kind_replaces_a_missing_kind_only(number: int) -> None:
    tags = ["client", "SERVER", "SPAN_KIND_PRODUCER", "consumer", "internal", "proxy", 7, ["server"]]
    spans = [span(at, {"span.kind": tag}, Span.SPAN_KIND_UNSPECIFIED) for at, tag in enumerate(tags)]
    spans.append(span(8, {"span.kind": "server"}, Span.SPAN_KIND_CLIENT))
    spans += [span(at, {}, Span.SPAN_KIND_UNSPECIFIED) for at in range(9, number)]
    table = check([body(*spans)]).batch.spans
    assert table["kind"].to_pylist() == [3, 2, 4, 5, 1, 0, 0, 0, 3] + [0] * (number - 9)
    assert table["attributes"].to_pylist()[0] == '{"span.kind":"client"}'


def test_no_requests_make_an_empty_batch() -> None:
    assert check([]).batch.spans.num_rows == 0


def _is_legal(sent: bytes) -> bool:
    try:
        ExportTraceServiceRequest.FromString(sent)
    except DecodeError:
        return False
    return True


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number >= 128:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])
