import pytest

from laban_collector.address import Address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:4317", "127.0.0.1", 4317),
        ("localhost:0", "localhost", 0),
        ("[::1]:65535", "::1", 65535),
        ("kafka-0.kafka.svc:9092", "kafka-0.kafka.svc", 9092),
    ],
)
def test_an_address_is_parsed_and_formatted(text: str, host: str, port: int) -> None:
    address = Address.parse(text)
    assert address == (host, port)
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "4317", ":4317", "127.0.0.1", "::1:4317", "host:port", "a b:1", "h:٣"])
def test_an_invalid_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not HOST:PORT, such as 127\.0\.0\.1:4317"):
        Address.parse(text)


def test_a_port_above_the_highest_is_refused() -> None:
    with pytest.raises(ValueError, match="the highest port is 65535"):
        Address.parse("localhost:65536")
