"""Instrumented gRPC servers and clients, with laban's patches."""

from collections.abc import Generator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import GrpcAioInstrumentorServer, GrpcInstrumentorServer

from laban.grpc import server
from laban.grpc.aio_client import LabanGrpcAioClient
from laban.grpc.client import LabanGrpcClient

from ..recording import Recording
from .calls import serving

INSTRUMENTORS: list[Any] = [
    GrpcInstrumentorServer,
    GrpcAioInstrumentorServer,
    LabanGrpcClient,
    LabanGrpcAioClient,
]


@pytest.fixture
def grpc_instrumented(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> Generator[Recording]:
    """Instrumented servers and clients, sync and asyncio."""
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: recording.provider)
    server.install()
    instrumentors = [make() for make in INSTRUMENTORS]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    for instrumentor in instrumentors:
        instrumentor.uninstrument()
    server.uninstall()


@pytest.fixture
def target(grpc_instrumented: Recording) -> Generator[str]:
    """An instrumented server, and instrumented clients to call it."""
    with serving() as address:
        yield address
