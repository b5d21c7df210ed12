"""Allocation of ports."""

import socket

from laban_samples.processes.ports import PortAllocator, is_port_free


def test_a_default_port_in_use_is_replaced_and_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        used = server.getsockname()[1]
        ports = PortAllocator(prefer_defaults=True)
        other = ports.allocate("the dashboard", used)
    assert other != used
    assert ports.conflicts == [f"port {used} is in use by another program: the dashboard uses port {other}"]


def test_a_free_default_port_is_allocated_once() -> None:
    port = PortAllocator(prefer_defaults=False).allocate_any()
    ports = PortAllocator(prefer_defaults=True)
    assert ports.allocate("order", port) == port
    assert ports.allocate("user", port) != port


def test_allocated_ports_are_distinct_and_free() -> None:
    ports = PortAllocator(prefer_defaults=False)
    allocated = [ports.allocate("a service", 80) for _ in range(20)]
    assert len(set(allocated)) == 20
    assert all(is_port_free(port) for port in allocated)
    assert ports.conflicts == []
