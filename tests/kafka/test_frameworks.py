"""Frameworks on top of Kafka clients, and a scheduler, under `laban run` in an environment of their own."""

import secrets
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from ..environments import uv
from ..instrumentation.otlp_sink import Received, Sink, sinking
from ..instrumentation.processes import environment
from ..test_install import Venv, wheel

__all__ = ["wheel"]

pytestmark = [pytest.mark.kafka, pytest.mark.install, pytest.mark.timeout(300)]

PROGRAMS = Path(__file__).parents[1] / "instrumentation" / "programs" / "frameworks"
PACKAGES = (
    "apscheduler==3.11.3",
    "faust-streaming==0.15.3",
    "faststream[confluent,kafka]==0.7.8",
    "quixstreams==3.28.1",
)
_INSTALL_S = 240
_STOP_S = 60
_SPANS_S = 90

PRODUCER, CONSUMER, INTERNAL = 4, 5, 1
ERROR = 2


@pytest.fixture(scope="module")
def frameworks(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Venv:
    """An environment with the frameworks, and laban with the extras of the clients that they use."""
    venv = Venv.make(tmp_path_factory.mktemp("frameworks") / "venv", "--without-pip")
    packages = (f"{wheel}[aiokafka,confluent-kafka]", *PACKAGES)
    done = uv("pip", "install", "--quiet", "--python", venv.folder, *packages, timeout=_INSTALL_S)
    if done.returncode != 0:
        pytest.skip(f"the frameworks cannot be had from the package index: {done.stderr.strip()[-500:]}")
    return venv


@dataclass(frozen=True)
class Sent:
    """A record that the test has sent, in a trace of its own.

    Attributes:
        trace: the ID of its trace.
        span: the ID of the span that it names as its sender.
    """

    topic: str
    offset: int
    trace: bytes
    span: bytes


class Topics:
    """The topics and the group of one test, on the real broker."""

    def __init__(self, broker: str) -> None:
        self.broker = broker
        run = uuid4().hex[:8]
        self.group = f"packing-{run}"
        self.names = {name: f"{name}-{run}" for name in ("orders", "returns", "bulk", "parcels")}
        with KafkaAdminClient(bootstrap_servers=broker) as admin:
            admin.create_topics([NewTopic(topic, 1, 1) for topic in self.names.values()])
            admin.wait_for_topics([*self.names.values()])

    @property
    def variables(self) -> dict[str, str]:
        topics = {name.upper(): topic for name, topic in self.names.items()}
        return {"BROKER": self.broker, "GROUP": self.group, **topics}

    def send(self, name: str, *values: bytes) -> list[Sent]:
        """Send records as a traced service does, all in partition 0."""
        topic = self.names[name]
        sent = [
            Sent(topic, index, secrets.token_bytes(16), secrets.token_bytes(8))
            for index in range(len(values))
        ]
        with KafkaProducer(bootstrap_servers=self.broker) as producer:
            for record, value in zip(sent, values, strict=True):
                parent = f"00-{record.trace.hex()}-{record.span.hex()}-01".encode()
                producer.send(topic, value, key=b"1001", headers=[("traceparent", parent)])
        return sent


@pytest.fixture
def topics(real_kafka: str) -> Topics:
    return Topics(real_kafka)


@pytest.fixture
def sink() -> Generator[Sink]:
    with sinking() as collecting:
        yield collecting


@contextmanager
def traced(
    venv: Venv, sink: Sink, folder: Path, command: Sequence[str], variables: dict[str, str]
) -> Generator["subprocess.Popen[str]"]:
    """A program of the folder `frameworks` under `laban run`, stopped at the end with SIGTERM."""
    program, *arguments = command
    line = venv.command("laban", "run", "--service", "packing", "--endpoint", sink.endpoint, "--", "python")
    log = folder / "output.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*line, str(PROGRAMS / program), *arguments],
            cwd=folder,
            env=environment(variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(_STOP_S)
        finally:
            process.kill()
            process.wait()
            print(log.read_text())  # for pytest to show if the test fails
    assert "laban cannot" not in log.read_text()


FAUST = ("faust_packing.py", "worker", "--without-web", "--loglevel", "warn")
QUIX = ("quixstreams_packing.py",)
FASTSTREAM = {client: ("faststream_packing.py", client) for client in ("aiokafka", "confluent")}


def process_span(spans: Sequence[Received], sent: Sent) -> Received:
    """The span that handles this record; checks what it tells about it."""
    [span] = (span for span in spans if span.parent == sent.span and span.kind == CONSUMER)
    assert span.trace == sent.trace
    assert span.name == f"process {sent.topic}"
    told = ("messaging.destination.name", "messaging.destination.partition.id", "messaging.kafka.offset")
    assert [span.attributes[key] for key in told] == [sent.topic, "0", sent.offset]
    assert span.attributes["messaging.kafka.message.key"] == "1001"
    return span


def assert_one_by_one(spans: Sequence[Received], topics: Topics, good: Sent, bad: Sent, error: str) -> None:
    """One record was handled and led to a parcel; the handler of the other one raised this error."""
    handled, failed = process_span(spans, good), process_span(spans, bad)
    for span in (handled, failed):
        assert span.attributes["messaging.consumer.group.name"] == topics.group
        assert "laban.kafka.redelivered" not in span.attributes
    assert handled.status != ERROR
    assert (failed.status, failed.attributes["error.type"]) == (ERROR, error)
    [parcel] = (span for span in spans if span.parent == handled.id)
    assert (parcel.kind, parcel.name) == (PRODUCER, f"send {topics.names['parcels']}")


def assert_batch(spans: Sequence[Received], topics: Topics, name: str, batch: Sequence[Sent]) -> None:
    """One span handled the three records, and sent one parcel."""
    [together] = (span for span in spans if span.name == f"{name} {topics.names['bulk']}" and span.links)
    assert {linked[0] for linked in together.links} == {record.trace for record in batch}
    [parcel] = (span for span in spans if span.parent == together.id)
    assert (parcel.kind, parcel.attributes["messaging.kafka.message.key"]) == (PRODUCER, "bulk")


def test_faust(frameworks: Venv, topics: Topics, sink: Sink, tmp_path: Path) -> None:
    good, bad = topics.send("orders", b"good", b"bad")
    returned, skipped, broken = topics.send("returns", b"good", b"skipped", b"bad")
    batch = topics.send("bulk", b"one", b"two", b"three")
    with traced(frameworks, sink, tmp_path, FAUST, topics.variables | {"FAUST_DATADIR": str(tmp_path)}):
        spans = sink.wait_for(5 + 1 + 3, _SPANS_S)
    assert_one_by_one(spans, topics, good, bad, "ValueError")
    assert_one_by_one(spans, topics, returned, broken, "KeyError")
    dropped = process_span(spans, skipped)
    assert dropped.status != ERROR
    assert not [span for span in spans if span.parent == dropped.id]
    assert_batch(spans, topics, "process", batch)
    assert len(sink.spans) == 5 + 1 + 3


@pytest.mark.parametrize("client", FASTSTREAM)
def test_faststream(frameworks: Venv, topics: Topics, sink: Sink, tmp_path: Path, client: str) -> None:
    good, bad = topics.send("orders", b"good", b"bad")
    batch = topics.send("bulk", b"one", b"two", b"three")
    with traced(frameworks, sink, tmp_path, FASTSTREAM[client], topics.variables):
        spans = sink.wait_for(2 + 1 + 3 + 1 + 1, _SPANS_S)
    assert_one_by_one(spans, topics, good, bad, "ValueError")
    assert_batch(spans, topics, "handle", batch)
    for record in batch:
        process_span(spans, record)


def test_quixstreams(frameworks: Venv, topics: Topics, sink: Sink, tmp_path: Path) -> None:
    good, bad = topics.send("orders", b"good", b"bad")
    with traced(frameworks, sink, tmp_path, QUIX, topics.variables):
        spans = sink.wait_for(3, _SPANS_S)
    assert_one_by_one(spans, topics, good, bad, "ValueError")


def test_each_run_of_a_job_of_apscheduler_is_one_trace(frameworks: Venv, sink: Sink, tmp_path: Path) -> None:
    with traced(frameworks, sink, tmp_path, ("apscheduler_reports.py",), {}) as process:
        assert process.wait(_SPANS_S) == 0
    roots = [span for span in sink.spans if span.name.startswith("run ")]
    assert len({span.trace for span in roots}) == 4
    inside = {span.name: root for span in sink.spans for root in roots if span.parent == root.id}
    assert {query: root.name for query, root in inside.items()} == {
        "query daily": "run report",
        "query broken": "run report",
        "query weekly": "run report",
        "query hourly": "run report_async",
    }
    for query, root in inside.items():
        assert (root.parent, root.kind) == (b"", INTERNAL)
        assert root.attributes.get("error.type") == ("ValueError" if query == "query broken" else None)
        assert root.attributes["code.function.name"] == f"__main__:{root.name.removeprefix('run ')}"
    assert inside["query daily"].attributes["laban.job.id"] == "daily-report"
