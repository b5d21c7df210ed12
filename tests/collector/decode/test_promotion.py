import pytest

from laban_collector.batch.attributes import Value
from laban_collector.decode.promotion import promote

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5


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


@pytest.mark.parametrize(
    ("sent", "name", "address"),
    [
        ({"service.peer.name": "mobile-app"}, "mobile-app", None),
        ({"peer.service": "mobile-app"}, "mobile-app", None),
        ({"client.address": "Mobile-App"}, "mobile-app", "mobile-app"),
        ({"net.peer.name": "mobile-app", "net.peer.ip": "10.0.0.7"}, "mobile-app", "mobile-app"),
        ({"client.address": "10.0.0.7", "net.sock.peer.name": "mobile-app"}, "mobile-app", "10.0.0.7"),
        ({"service.peer.name": "mobile-app", "client.address": "edge"}, "mobile-app", "edge"),
        ({"client.address": "10.0.0.7"}, None, "10.0.0.7"),
        ({"net.sock.peer.addr": "10.0.0.7"}, None, "10.0.0.7"),
        ({"http.client_ip": "10.0.0.7", "network.peer.address": "10.0.0.1"}, None, "10.0.0.7"),
        ({"peer.hostname": "localhost"}, None, "localhost"),
    ],
)
def test_a_server_span_names_its_caller_and_never_its_own_host(
    sent: dict[str, Value], name: str | None, address: str | None
) -> None:
    own: dict[str, Value] = {"server.address": "api", "server.port": 443, "http.host": "api"}
    columns, rest = promote(own | sent, SERVER)
    assert (columns.get("peer_service"), columns.get("peer_address")) == (name, address)
    assert "peer_port" not in columns
    assert own.items() <= rest.items()


def test_the_port_of_a_servers_peer_is_the_callers() -> None:
    columns, _ = promote({"server.port": 443, "client.address": "a", "client.port": 51234}, SERVER)
    assert columns["peer_port"] == 51234


def test_a_consumers_broker_is_not_its_peer() -> None:
    sent: dict[str, Value] = {
        "server.address": "kafka-1",
        "client.address": "web",
        "messaging.system": "kafka",
    }
    columns, rest = promote(sent, CONSUMER)
    assert (columns.get("peer_address"), columns.get("peer_service")) == ("web", None)
    assert rest["server.address"] == "kafka-1"
    assert promote({"peer.service": "orders"}, CONSUMER)[0] == {"peer_service": "orders"}


@pytest.mark.parametrize(
    ("sent", "address", "port"),
    [
        ({"url.full": "https://Api.Example./a?b"}, "api.example", 443),
        ({"http.url": "http://api:8080/"}, "api", 8080),
        ({"http.host": "Api:8080", "http.target": "/a"}, "api", 8080),
        ({"url.domain": "api.example"}, "api.example", None),
        ({"db.connection_string": "Server=db,1433;User=sa"}, "db", 1433),
        ({"url.full": "http://api/", "network.peer.address": "10.0.0.7", "network.peer.port": 81}, "api", 80),
        ({"url.full": "/a", "net.peer.ip": "10.0.0.7", "network.peer.port": 81}, "10.0.0.7", 81),
        ({"url.full": "http://api/", "server.address": "Front.", "server.port": 81}, "front", 81),
        ({"url.full": "http://api/", "server.port": 81}, "api", 81),
        ({"net.peer.name": "api:8080"}, "api", 8080),
        ({"server.address": "https://api/", "server.port": 81}, "api", 81),
        ({"net.sock.peer.addr": "10.0.0.7", "net.sock.peer.port": 81}, "10.0.0.7", 81),
        ({"out.host": "api", "out.port": "81"}, "api", 81),
    ],
)
def test_a_clients_peer_is_the_host_that_it_asked_for(
    sent: dict[str, Value], address: str, port: int | None
) -> None:
    columns, rest = promote(sent, CLIENT)
    assert (columns["peer_address"], columns.get("peer_port")) == (address, port)
    assert rest == {key: value for key, value in sent.items() if key != "server.port"}


@pytest.mark.parametrize("kind", [0, INTERNAL, SERVER, PRODUCER, CONSUMER])
def test_the_url_of_another_span_is_not_its_peers(kind: int) -> None:
    sent: dict[str, Value] = {"http.url": "http://api/", "http.host": "api", "url.domain": "api"}
    assert promote(sent, kind) == ({}, sent)
