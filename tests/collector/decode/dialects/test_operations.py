import pytest

from laban_collector.batch.attributes import Value
from laban_collector.decode.dialects.operations import type_in_span_name
from laban_collector.decode.promotion import promote

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("orders receive", "receive"),
        ("orders process", "process"),
        ("receive orders", "receive"),
        ("orders publish", "send"),
        ("<default> Publish", "send"),
        ("poll", "receive"),
        ("commit billing", "settle"),
        ("GET /orders/receive", None),
        ("", None),
    ],
)
def test_a_span_name_begins_or_ends_with_the_operation(name: str, operation: str | None) -> None:
    assert type_in_span_name(name) == operation


@pytest.mark.parametrize(
    ("kind", "name", "operation"),
    [
        (CONSUMER, "orders receive", "receive"),
        (CONSUMER, "orders process", "process"),
        (CONSUMER, "orders", "process"),
        (CLIENT, "poll orders", "receive"),
        (CLIENT, "send orders", "send"),
        (CLIENT, "orders", None),
        (PRODUCER, "orders receive", "send"),
        (PRODUCER, "create orders", "send"),
    ],
)
def test_the_span_name_says_the_operation_if_no_attribute_does(
    kind: int, name: str, operation: str | None
) -> None:
    columns, _ = promote({"messaging.destination": "orders"}, kind, name)
    assert columns.get("messaging_operation") == operation


def test_an_attribute_wins_over_the_span_name() -> None:
    sent: dict[str, Value] = {"messaging.destination": "orders", "messaging.operation": "process"}
    assert promote(sent, CONSUMER, "orders receive")[0]["messaging_operation"] == "process"


def test_the_name_of_a_span_without_messaging_says_nothing() -> None:
    assert promote({"http.method": "GET"}, CLIENT, "files receive") == (
        {"http_method": "GET"},
        {"http.method": "GET"},
    )


@pytest.mark.parametrize(
    ("name", "operation"),
    [("poll", "receive"), ("ack", "settle"), ("Publish", "send"), ("consume", "process"), ("tail", None)],
)
def test_a_known_operation_name_stands_for_a_missing_type(name: str, operation: str | None) -> None:
    sent: dict[str, Value] = {"messaging.system": "kafka", "messaging.operation.name": name}
    columns, rest = promote(sent, CLIENT)
    assert columns.get("messaging_operation") == operation
    assert rest == {"messaging.operation.name": name}


@pytest.mark.parametrize("value", ["nack", "reject", "complete", "dead_letter", "ack", "commit"])
def test_every_way_to_settle_is_settling(value: str) -> None:
    columns, _ = promote({"messaging.destination": "orders", "messaging.operation": value}, CONSUMER)
    assert columns["messaging_operation"] == "settle"
