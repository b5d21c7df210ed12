"""Process shutdown: no span is lost, and an unavailable collector causes no delay."""

import signal
import socket
import sys
from collections.abc import Generator

import pytest

from .otlp_sink import Sink, sinking
from .processes import line_of, running, traced

LATE = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
"""The exporter sends spans only at the end of the process."""

SPAN = """
from opentelemetry import trace
def span(name): trace.get_tracer("program").start_span(name).end()
"""

WEB = """
import uvicorn
from fastapi import FastAPI
app = FastAPI()
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        span("served")
        print("ready", flush=True)
Server(uvicorn.Config(app, port=0, log_level="warning")).run()
"""

GRPC = """
import grpc
from concurrent.futures import ThreadPoolExecutor
server = grpc.server(ThreadPoolExecutor(1))
server.add_insecure_port("127.0.0.1:0")
server.start()
span("served")
print("ready", flush=True)
server.wait_for_termination()
"""

LOOP = """
import threading
span("served")
print("ready", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def sink() -> Generator[Sink]:
    with sinking() as collecting:
        yield collecting


def python(endpoint: str, program: str) -> list[str]:
    return traced(endpoint, "program", sys.executable, "-c", SPAN + program)


@pytest.mark.parametrize("program", [WEB, GRPC, LOOP], ids=["uvicorn", "grpc", "plain"])
def test_spans_survive_sigterm_and_the_signal_still_kills_the_process(sink: Sink, program: str) -> None:
    with running(python(sink.endpoint, program), LATE) as process:
        line_of(process, "ready")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
    assert [span.name for span in sink.spans] == ["served"]


def test_spans_survive_a_signal_during_the_last_export(sink: Sink) -> None:
    program = """
import os, signal
from laban.sdk.draining_processor import WatchedExporter
export = WatchedExporter.export
def interrupted(self, spans):
    os.kill(os.getpid(), signal.SIGTERM)
    return export(self, spans)
WatchedExporter.export = interrupted
span("served")
"""
    with running(python(sink.endpoint, program), LATE) as process:
        assert process.wait(10) == -signal.SIGTERM
    assert [span.name for span in sink.spans] == ["served"]


def test_spans_survive_sigterm_in_a_program_that_resets_the_signal(sink: Sink) -> None:
    reset = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_DFL)"
    with running(python(sink.endpoint, reset + LOOP), LATE) as process:
        line_of(process, "ready")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
    assert [span.name for span in sink.spans] == ["served"]


def test_a_signal_handler_of_the_program_stays_in_place(sink: Sink) -> None:
    program = """
import signal, sys, threading
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
span("served")
print("ready", flush=True)
threading.Event().wait()
"""
    with running(python(sink.endpoint, program), LATE) as process:
        line_of(process, "ready")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 7
    assert [span.name for span in sink.spans] == ["served"]


def test_the_span_of_a_record_in_progress_is_not_lost(sink: Sink, embedded_broker: str) -> None:
    program = f"""
import threading, uuid
from kafka import KafkaConsumer, KafkaProducer
topic = "shutdown-" + uuid.uuid4().hex[:8]
with KafkaProducer(bootstrap_servers="{embedded_broker}") as producer:
    producer.send(topic, value=b"v").get(10)
for record in KafkaConsumer(topic, bootstrap_servers="{embedded_broker}", auto_offset_reset="earliest"):
    print("ready", flush=True)
    threading.Event().wait()
"""
    with running(python(sink.endpoint, program), LATE) as process:
        line_of(process, "ready")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
    assert [span.name.partition(" ")[0] for span in sink.spans] == ["send", "process"]


def test_an_uncaught_exception_is_on_the_span_of_its_record(sink: Sink, embedded_broker: str) -> None:
    program = f"""
import uuid
from kafka import KafkaConsumer, KafkaProducer
topic = "shutdown-" + uuid.uuid4().hex[:8]
with KafkaProducer(bootstrap_servers="{embedded_broker}") as producer:
    producer.send(topic, value=b"v").get(10)
for record in KafkaConsumer(topic, bootstrap_servers="{embedded_broker}", auto_offset_reset="earliest"):
    raise KeyError("poison")
"""
    with running(python(sink.endpoint, program), LATE) as process:
        assert process.wait(20) == 1
    (send, handled) = sink.spans
    assert (handled.parent, handled.attributes["error.type"]) == (send.id, "KeyError")


def test_all_queued_spans_are_exported(sink: Sink) -> None:
    with running(python(sink.endpoint, "for number in range(5000): span(str(number))"), LATE) as process:
        assert process.wait(30) == 0
    assert len(sink.spans) == 5_000


@pytest.fixture(params=["refuses", "is silent"])
def dead_endpoint(request: pytest.FixtureRequest) -> Generator[str]:
    """The endpoint of an unavailable collector: it refuses connections, or accepts them and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if request.param == "is silent":
            yield endpoint
    if request.param == "refuses":
        yield endpoint


def test_an_unavailable_collector_does_not_delay_the_exit(dead_endpoint: str) -> None:
    program = """
for number in range(1000): span(str(number))
"""
    with running(python(dead_endpoint, program)) as process:
        said, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "because the process ended before the collector accepted them" in said
