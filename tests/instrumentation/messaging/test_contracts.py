"""What messages say about themselves, read from their headers and the beginning of their payload."""

import json
import time
from types import SimpleNamespace

import pytest

from laban import vocabulary
from laban.messaging.contracts import MAX_LENGTH, WINDOW, contract_attributes
from laban.messaging.message_delivery import amqp_contract

TYPE = vocabulary.CLOUDEVENTS_EVENT_TYPE
SPEC = vocabulary.CLOUDEVENTS_EVENT_SPEC_VERSION
NAMED = vocabulary.LABAN_MESSAGE_TYPE
VERSION = vocabulary.LABAN_MESSAGE_SCHEMA_VERSION
SCHEMA_ID = vocabulary.LABAN_MESSAGE_SCHEMA_ID
CONTENT_TYPE = vocabulary.LABAN_MESSAGE_CONTENT_TYPE
GUID = bytes.fromhex("0123456789ab4def8123456789abcdef")
GUID_TEXT = "01234567-89ab-4def-8123-456789abcdef"
EVENT = {"specversion": "1.0", "id": "7", "source": "/order", "type": "OrderCreated"}
FOUND = {SPEC: "1.0", vocabulary.CLOUDEVENTS_EVENT_ID: "7", vocabulary.CLOUDEVENTS_EVENT_SOURCE: "/order"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], {}),
        ([("other", b"1"), ("type", b"ambiguous")], {}),
        ([("ce_type", b"OrderCreated"), ("ce_specversion", b"1.0")], {TYPE: "OrderCreated", SPEC: "1.0"}),
        ([("ce_dataschema", b"https://x/v2")], {VERSION: "https://x/v2"}),
        ([("cloudEvents:type", "OrderCreated")], {TYPE: "OrderCreated"}),
        ([("cloudEvents_type", "OrderCreated")], {TYPE: "OrderCreated"}),
        (
            [("ce-type", "OrderCreated"), ("Content-Type", "text/plain")],
            {TYPE: "OrderCreated", CONTENT_TYPE: "text/plain"},
        ),
        ([("event_type", b"paid"), ("schema_version", b"3")], {NAMED: "paid", VERSION: "3"}),
        ([("__TypeId__", b"com.shop.Paid")], {NAMED: "com.shop.Paid"}),
        ([("event_type", b"paid"), ("ce_type", b"Paid")], {TYPE: "Paid"}),
        ([("ce_type", b"forwarded"), ("ce_type", b"fresh")], {TYPE: "fresh"}),
        ([("ce_type", None), ("content-type", b"")], {}),
        ([("__value_schema_id", b"\x01" + GUID)], {SCHEMA_ID: GUID_TEXT}),
        ([("__value_schema_id", b"\x01" + GUID + b"\x00")], {SCHEMA_ID: GUID_TEXT}),
        ([("__value_schema_id", b"\x00\x00\x00\x00\x07")], {SCHEMA_ID: "7"}),
        ([("__value_schema_id", b"\x01short")], {}),
        ([("__value_schema_id", b"\x02" + GUID)], {}),
        ([("__value_schema_id", "text")], {}),
        ([("__key_schema_id", b"\x01" + GUID)], {}),
        ([("ce_type", b"\xff\x00" + b"x" * 9_000)], {TYPE: "\ufffd\x00" + "x" * (MAX_LENGTH - 2)}),
    ],
)
def test_headers_say_what_a_message_is(
    headers: list[tuple[str, bytes | str | None]], expected: object
) -> None:
    assert contract_attributes(headers, None) == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\x00\x00\x00\x00\x07payload", "7"),
        (bytearray(b"\x00\x00\x01\x86\xa1payload"), "100001"),
        (memoryview(b"\x00\x00\x00\x00\x07payload"), "7"),
        (b"\x00\x00\x00\x00\x00payload", None),  # registries count from 1
        (b"\x00\xff\x00\x00\x07payload", None),  # not a number that a registry gives out
        (b"\x00\x00\x00\x00\x07", None),
        ((1_790_000_000_000).to_bytes(8, "big"), None),  # a number of Kafka's serializer
        (b"\x01" + GUID, None),
        (b"", None),
    ],
)
def test_confluents_wire_format_has_the_id_of_the_schema_in_front_of_the_payload(
    payload: object, expected: str | None
) -> None:
    assert contract_attributes([], payload).get(SCHEMA_ID) == expected


def test_the_id_in_a_header_is_better_than_the_first_bytes() -> None:
    headers = [("__value_schema_id", b"\x01" + GUID)]
    assert contract_attributes(headers, b"\x00\x00\x00\x00\x07payload") == {SCHEMA_ID: GUID_TEXT}


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(EVENT).encode(),
        json.dumps(EVENT),
        json.dumps({**EVENT, "data": {"specversion": 9}}, indent=1).encode(),
        json.dumps({**EVENT, "data": "x" * 10 * WINDOW}).encode(),
        json.dumps({"data": {"a": [1, {}]}, **EVENT, "more": "x" * 10 * WINDOW}).encode(),
        {**EVENT, "data": object()},
    ],
)
def test_the_fields_of_a_structured_cloud_event_are_read_without_its_data(payload: object) -> None:
    assert contract_attributes([], payload) == {TYPE: "OrderCreated", **FOUND}


@pytest.mark.parametrize(
    "payload",
    [
        b'{"type": "OrderCreated"}',
        b'{"data": {"specversion": "1.0", "type": "inner"}, "type": "outer"}',
        b'{"data": {"specversion": "1.0", "type": "inner"}, "type": "outer", "x": "' + b"x" * WINDOW + b'"}',
        json.dumps({"data": "x" * WINDOW, **EVENT}).encode(),  # too far from the beginning
        b'{"specversion": 1, "type": ["OrderCreated"]}',
        b'{"specversion"',
        b'{"specversion": ' + b"[" * 100_000,
        b'["specversion"]',
        b'{"specversion": "1.0" "type": "x"}',
        '{"specversion": "\ud800',
        {"type": "OrderCreated"},
        17,
    ],
)
def test_what_is_no_cloud_event_says_nothing(payload: object) -> None:
    assert contract_attributes([], payload) == {}


def test_a_large_payload_costs_no_more_than_a_small_one() -> None:
    large = b'{"specversion": "1.0", "data": "' + b"x" * 50_000_000
    began = time.process_time()
    for _ in range(100):
        contract_attributes([], large)
    assert time.process_time() - began < 1


def test_values_that_cannot_be_read_leave_the_span_without_a_type() -> None:
    assert contract_attributes([("ce_type", 17)], None) == {}  # type: ignore[list-item]
    assert contract_attributes(17, None) == {}  # type: ignore[arg-type]


PROPERTIES = SimpleNamespace(
    type="Paid",
    content_type="application/json",
    headers={"cloudEvents:dataschema": "https://x/v2", "count": 3},
)


def test_rabbitmq_has_the_type_and_the_content_type_in_properties() -> None:
    found = {NAMED: "Paid", CONTENT_TYPE: "application/json", VERSION: "https://x/v2"}
    assert amqp_contract(PROPERTIES, b"{}") == found
    assert amqp_contract(object(), b"{}") == {}
