"""Instrumented gRPC with laban's mends around stock, and HTTP attributes of the current conventions."""

from collections.abc import Generator
from typing import Any, cast

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation import _semconv
from opentelemetry.instrumentation.grpc import GrpcAioInstrumentorServer, GrpcInstrumentorServer

from laban.mend import grpc_server
from laban.mend.grpc_aio_client import LabanGrpcAioClient
from laban.mend.grpc_client import LabanGrpcClient

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
    grpc_server.install()
    instrumentors = [make() for make in INSTRUMENTORS]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    for instrumentor in instrumentors:
        instrumentor.uninstrument()
    grpc_server.uninstall()


@pytest.fixture
def target(grpc_instrumented: Recording) -> Generator[str]:
    """An instrumented server, and instrumented clients to call it."""
    with serving() as address:
        yield address


@pytest.fixture
def current_conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the distro sets them; stock reads the variable once a process."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    stability = cast("Any", _semconv)._OpenTelemetrySemanticConventionStability
    monkeypatch.setattr(stability, "_initialized", False)
