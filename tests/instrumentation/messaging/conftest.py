"""Fixtures: one broker of each kind for the test session, and traced programs."""

import logging
from collections.abc import Generator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from . import nats_server, rabbitmq
from .traced_programs import TracedPrograms, traced_programs


@pytest.fixture(scope="session")
def rabbitmq_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The URL of a real RabbitMQ. Each test uses its own exchanges and queues."""
    server = rabbitmq.find_server()
    if server is None:
        pytest.skip(rabbitmq.MISSING)
    with rabbitmq.running_rabbitmq(server, tmp_path_factory.mktemp("rabbitmq")) as url:
        yield url


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The URL of a real NATS server with JetStream. Each test uses its own subjects."""
    server = nats_server.find_server()
    if server is None:
        pytest.skip(nats_server.MISSING)
    with nats_server.running_nats(server, tmp_path_factory.mktemp("nats")) as url:
        yield url


@pytest.fixture(scope="session")
def sqs_url() -> Generator[str]:
    """The URL of moto's SQS server."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def programs(tmp_path: Path) -> Generator[TracedPrograms]:
    """Runs programs under `laban run`, and queries their spans like a user."""
    with traced_programs(tmp_path) as ready:
        yield ready
