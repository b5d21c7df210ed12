"""Servers and programs with child processes: no span is lost, however the children are started."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from ..broker import free_port
from .otlp_sink import Sink, sinking
from .processes import PROGRAMS, running, traced
from .test_shutdown import LATE, SPAN

GUNICORN = ("gunicorn", "--workers", "2", "--graceful-timeout", "10", "web_application:wsgi", "--bind")
PRELOADED = ("gunicorn", "--preload", *GUNICORN[1:])
ON_UVICORN = (
    *GUNICORN[:-2],
    "--worker-class",
    "uvicorn.workers.UvicornWorker",
    "web_application:asgi",
    "--bind",
)
UVICORN = ("uvicorn", "--log-level", "warning", "web_application:asgi", "--port")


@pytest.fixture
def sink() -> Generator[Sink]:
    with sinking() as collecting:
        yield collecting


def answer(port: int, process: subprocess.Popen[str]) -> str:
    """The server's response, the ID of its process."""
    return request(port, process, "/")[1]


def request(port: int, process: subprocess.Popen[str], path: str) -> tuple[int, str]:
    """Status and body of a server's response; retries until the server listens."""
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "the server does not answer"
            os.sched_yield()
        finally:
            connection.close()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (GUNICORN, ()),
        (PRELOADED, ()),
        (ON_UVICORN, ()),
        (UVICORN, ("--workers", "2", "--timeout-worker-healthcheck", "60")),
        (UVICORN, ("--reload", "--reload-dir", str(PROGRAMS))),
    ],
    ids=[
        "gunicorn",
        "gunicorn preloaded",
        "gunicorn with uvicorn",
        "uvicorn with workers",
        "uvicorn with reload",
    ],
)
def test_spans_of_a_servers_workers_arrive_when_the_server_ends(
    sink: Sink, command: tuple[str, ...], options: tuple[str, ...]
) -> None:
    port = free_port()
    address = f"127.0.0.1:{port}" if command[0] == "gunicorn" else str(port)
    extra = LATE | {"PYTHONPATH": str(PROGRAMS)}
    with running(traced(sink.endpoint, "program", *command, address, *options), extra) as process:
        served = {answer(port, process) for _ in range(5)}
        assert str(process.pid) not in served
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    spans = [span for span in sink.spans if span.name.startswith("served ")]
    assert len(spans) == 5
    assert {span.name.partition(" ")[2] for span in spans} == served


def test_a_reload_loses_no_spans_of_the_process_before(sink: Sink, tmp_path: Path) -> None:
    shutil.copy(PROGRAMS / "web_application.py", tmp_path)
    port = free_port()
    command = traced(sink.endpoint, "program", *UVICORN, str(port), "--reload", "--reload-dir", str(tmp_path))
    with running(command, LATE | {"PYTHONPATH": str(tmp_path)}) as process:
        served = [answer(port, process)]
        (tmp_path / "web_application.py").open("a").write("# changed\n")
        while served[-1] == served[0]:
            served.append(answer(port, process))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    names = [span.name for span in sink.spans if span.name.startswith("served ")]
    assert sorted(names) == sorted(f"served {each}" for each in served)


POOLS = {
    "Pool": "context.Pool(2)",
    "ProcessPoolExecutor": "ProcessPoolExecutor(2, mp_context=context)",
}


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("pool", POOLS)
def test_spans_of_the_processes_of_a_pool_arrive(sink: Sink, pool: str, method: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        f"""{SPAN}
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    with {POOLS[pool]} as pool:
        print(list(pool.map(span, [f"task {{number}}" for number in range(4)])))
    span("parent")
"""
    )
    with running(traced(sink.endpoint, "program", sys.executable, str(program)), LATE) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    expected = ["parent", "task 0", "task 1", "task 2", "task 3"]
    assert sorted(span.name for span in sink.spans) == expected, output


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_spans_of_multiprocessing_children_arrive(sink: Sink, method: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        f"""{SPAN}
import multiprocessing
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=span, args=(f"child {{number}}",)) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    span("parent")
"""
    )
    with running(traced(sink.endpoint, "program", sys.executable, str(program)), LATE) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert sorted(span.name for span in sink.spans) == ["child 0", "child 1", "child 2", "parent"]


def test_a_child_forked_while_a_record_is_handled_does_not_end_the_span(
    sink: Sink, embedded_broker: str
) -> None:
    program = f"""{SPAN}
import multiprocessing, uuid
from kafka import KafkaConsumer, KafkaProducer
topic = "fork-" + uuid.uuid4().hex[:8]
with KafkaProducer(bootstrap_servers="{embedded_broker}") as producer:
    producer.send(topic, value=b"v").get(10)
with KafkaConsumer(topic, bootstrap_servers="{embedded_broker}", auto_offset_reset="earliest") as consumer:
    for record in consumer:
        child = multiprocessing.get_context("fork").Process(target=span, args=("in multiprocessing",))
        child.start()
        child.join()
        break
"""
    with running(traced(sink.endpoint, "program", sys.executable, "-c", program), LATE) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    names = sorted(re.sub(" fork-.*", "", span.name) for span in sink.spans)
    assert names == ["in multiprocessing", "process", "send"]
    [handled] = (span for span in sink.spans if span.name.startswith("process "))
    assert {span.parent for span in sink.spans if span.name.startswith("in ")} == {handled.id}
