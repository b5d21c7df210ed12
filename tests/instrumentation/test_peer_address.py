"""The address of a peer as span attributes."""

import pytest

from laban.peer_address import peer_attributes


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("pricing:50051", "pricing", 50051),
        ("dns:///pricing:50051", "pricing", 50051),
        ("dns://8.8.8.8/pricing:50051", "pricing", 50051),
        ("ipv4:10.0.0.1:5", "10.0.0.1", 5),
        ("[::1]:9092", "::1", 9092),
        ("kafka-1:9092,kafka-2:9092", "kafka-1", 9092),
        ("localhost", "localhost", None),
    ],
)
def test_host_and_port_are_read(address: str, host: str, port: int | None) -> None:
    found = peer_attributes(address)
    assert (found["server.address"], found.get("server.port")) == (host, port)


@pytest.mark.parametrize("address", ["", "unix:/tmp/socket", "unix:///tmp/socket"])
def test_an_address_without_a_host_has_no_peer(address: str) -> None:
    assert peer_attributes(address) == {}
