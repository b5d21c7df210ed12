"""Kafka record headers, without a broker."""

import pytest

from laban.messaging.headers import HeaderGetter, origin_attributes

TOPIC = "laban.dead_letter.original.topic"
PARTITION = "laban.dead_letter.original.partition"
OFFSET = "laban.dead_letter.original.offset"
EXCEPTION = "laban.dead_letter.exception"
REASON = "laban.dead_letter.reason"
ATTEMPT = "laban.delivery.attempt"


def test_the_last_header_of_a_name_wins() -> None:
    headers = [("traceparent", b"forwarded"), ("traceparent", b"fresh"), ("traceparent", None)]
    assert HeaderGetter(headers).get(headers, "traceparent") == ["fresh"]
    assert HeaderGetter(headers).get(headers, "baggage") is None
    assert HeaderGetter(headers).keys(headers) == ["traceparent"] * 3


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], {}),
        ([("other", b"1")], {}),
        ([("kafka_dlt-original-topic", b"orders")], {TOPIC: "orders"}),
        ([("__connect.errors.offset", b"42")], {OFFSET: 42}),
        ([("dead-letter-partition", b"3")], {PARTITION: 3}),
        ([("kafka_original-partition", (3).to_bytes(4, "big"))], {PARTITION: 3}),
        ([("kafka_dlt-original-offset", (2**40).to_bytes(8, "big"))], {OFFSET: 2**40}),
        ([("retry_topic-attempts", (2).to_bytes(4, "big"))], {ATTEMPT: 2}),
        ([("x-retry-count", b"2")], {ATTEMPT: 3}),
        ([("x-delivery-attempt", b"not a number")], {}),
        ([("x-original-topic", b"\xff")], {TOPIC: "\ufffd"}),
        ([("kafka_dlt-exception-message", b"no stock")], {REASON: "no stock"}),
        ([("kafka_exception-fqcn", b"a.B"), ("kafka_exception-cause-fqcn", b"c.D")], {EXCEPTION: "c.D"}),
        ([("__connect.errors.exception.message", b"x" * 2_000)], {REASON: "x" * 1_024}),
        ([("dead-letter-reason", "as text")], {REASON: "as text"}),
    ],
)
def test_the_origin_of_retries_and_dead_letters_is_read_from_the_headers_of_frameworks(
    headers: list[tuple[str, bytes]], expected: dict[str, object]
) -> None:
    assert origin_attributes(headers) == expected
