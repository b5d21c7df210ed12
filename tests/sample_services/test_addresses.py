"""Addresses and ports."""

import socket

import pytest

from laban_samples.addresses import Ports, is_free, split


@pytest.mark.parametrize(
    ("address", "parts"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0)), ("broker:9092", ("broker", 9092))],
)
def test_an_address_is_split(address: str, parts: tuple[str, int]) -> None:
    assert split(address) == parts


@pytest.mark.parametrize("address", ["", "80", ":80", "host:", "host:port", "host:70000", "host:-1"])
def test_what_is_no_address_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT, for example 127\.0\.0\.1"):
        split(address)


def test_a_port_in_use_is_moved_and_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        used = server.getsockname()[1]
        ports = Ports(usual=True)
        other = ports.take("the dashboard", used)
    assert other != used
    assert ports.moved == [f"port {used} is in use by another program: the dashboard is on {other}"]


def test_a_usual_port_that_is_free_is_taken_once() -> None:
    port = Ports(usual=False).any()
    ports = Ports(usual=True)
    assert ports.take("order", port) == port
    assert ports.take("user", port) != port


def test_ports_are_all_different_and_free() -> None:
    ports = Ports(usual=False)
    taken = [ports.take("a service", 80) for _ in range(20)]
    assert len(set(taken)) == 20
    assert all(is_free(port) for port in taken)
    assert ports.moved == []
