import pytest

from laban_collector.batch.attributes import Value
from laban_collector.decode.promotion import promote

INTERNAL, CLIENT, PRODUCER, CONSUMER = 1, 3, 4, 5


def test_a_current_attribute_moves_to_its_column() -> None:
    columns, rest = promote({"http.request.method": "GET", "http.response.status_code": 200, "x": 1}, CLIENT)
    assert columns == {"http_method": "GET", "http_status": 200}
    assert rest == {"x": 1}


def test_a_dialect_fills_the_column_and_stays_an_attribute() -> None:
    sent: dict[str, Value] = {"http.method": "GET", "messaging.kafka.consumer_group": "email"}
    columns, rest = promote(sent, CLIENT)
    assert columns == {"http_method": "GET", "messaging_group": "email"}
    assert rest == sent


def test_the_current_spelling_wins_over_a_dialect_whichever_comes_first() -> None:
    columns, rest = promote({"http.status_code": 500, "http.response.status_code": 200}, CLIENT)
    assert columns == {"http_status": 200}
    assert rest == {"http.status_code": 500}


def test_a_dialect_that_fits_wins_over_a_current_value_that_does_not() -> None:
    columns, rest = promote({"http.response.status_code": "soon", "http.status_code": 200}, CLIENT)
    assert columns == {"http_status": 200}
    assert rest == {"http.response.status_code": "soon", "http.status_code": 200}


@pytest.mark.parametrize("value", [2**63, "9" * 20, "1e3", "٣", "", 1.0, True, ["1"], None])
def test_a_value_that_is_not_a_64_bit_integer_stays_an_attribute(value: Value) -> None:
    sent: dict[str, Value] = {"messaging.kafka.offset": value}
    assert promote(sent, CONSUMER) == ({}, sent)


def test_text_digits_fill_an_integer_column_and_stay_unless_the_convention_writes_text() -> None:
    sent: dict[str, Value] = {"messaging.kafka.offset": "42", "messaging.destination.partition.id": "3"}
    columns, rest = promote(sent, INTERNAL)
    assert columns == {"messaging_offset": 42, "messaging_partition": 3}
    assert rest == {"messaging.kafka.offset": "42"}


@pytest.mark.parametrize("partition", ["03", 3])
def test_a_partition_with_a_lossy_column_value_stays_an_attribute(partition: Value) -> None:
    columns, rest = promote({"messaging.destination.partition.id": partition}, INTERNAL)
    assert columns == {"messaging_partition": 3}
    assert rest == {"messaging.destination.partition.id": partition}


@pytest.mark.parametrize(
    ("kind", "sent", "told"),
    [
        (PRODUCER, "publish", "send"),
        (PRODUCER, "receive", "send"),
        (PRODUCER, "create", "create"),
        (PRODUCER, None, "send"),
        (CONSUMER, "deliver", "process"),
        (CONSUMER, "receive", "receive"),
        (CONSUMER, "send", "process"),
        (CONSUMER, None, "process"),
        (CLIENT, "receive", "receive"),
        (CLIENT, "commit", "settle"),
        (CLIENT, "ack", "settle"),
        (CLIENT, None, None),
    ],
)
def test_the_operation_is_normalized_and_the_kind_overrides_it(
    kind: int, sent: str | None, told: str | None
) -> None:
    attributes: dict[str, Value] = {"messaging.destination.name": "orders"}
    if sent is not None:
        attributes["messaging.operation.type"] = sent
    columns, rest = promote(attributes, kind)
    assert columns.get("messaging_operation") == told
    assert rest.get("messaging.operation.type") == (sent if sent != told else None)


def test_a_span_without_a_destination_gets_no_operation() -> None:
    assert promote({}, PRODUCER) == ({}, {})
