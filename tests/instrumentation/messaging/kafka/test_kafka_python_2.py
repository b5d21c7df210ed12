"""kafka-python 2.x, in a separate installation; all other tests use 3.x."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from ...otlp_sink import Received, sinking
from ...processes import program, running, traced

REQUIREMENTS = Path(__file__).parents[2] / "requirements-kafka-python-2.txt"


@pytest.fixture(scope="module")
def installed(pytestconfig: pytest.Config) -> Path:
    """A folder with kafka-python 2.x, to put first on the path; created once per requirements file."""
    assert pytestconfig.cache is not None
    version = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = pytestconfig.cache.mkdir("kafka-python-2") / version
    if not folder.exists():
        making = folder.with_name(f"{version}-{uuid4().hex}")
        install(making)
        making.rename(folder)  # complete or not at all
    return folder


def install(folder: Path) -> None:
    mirror = {
        name: os.environ["UV_DEFAULT_INDEX"]
        for name in ("PIP_INDEX_URL",)
        if "UV_DEFAULT_INDEX" in os.environ
    }
    options = ["--quiet", "--no-deps", "--require-hashes", "--target", str(folder)]
    command = [sys.executable, "-m", "pip", "install", *options, "--requirement", str(REQUIREMENTS)]
    done = subprocess.run(command, env=mirror | os.environ, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"kafka-python 2.x cannot be had from the package index: {done.stderr}")


@pytest.fixture(scope="module")
def spans(installed: Path, embedded_broker: str) -> list[Received]:
    """The spans of the program with 2.x, after it has ended."""
    with sinking() as sink:
        command = [*program("kafka_python_2"), embedded_broker, f"order-{uuid4().hex[:8]}"]
        extra = {"PYTHONPATH": str(installed)}
        with running(traced(sink.endpoint, "program", *command), extra) as process:
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert output.strip().rpartition("\n")[2].startswith("2."), output
        return sink.spans


def kind(span: Received) -> str:
    return span.name.partition(" ")[0]


def test_each_sent_record_has_one_acknowledged_span_in_the_trace_of_its_request(
    spans: list[Received],
) -> None:
    [request] = (span for span in spans if span.name == "request")
    sent = [span for span in spans if kind(span) == "send"]
    assert [span.parent for span in sent] == [request.id] * 3
    assert [span.attributes["messaging.kafka.offset"] for span in sent] == [0, 1, 2]
    assert [span.attributes["messaging.kafka.message.key"] for span in sent] == ["k0", "k1", "k2"]
    assert [span.attributes.get("messaging.kafka.message.tombstone") for span in sent] == [None, None, True]


def test_all_spans_are_in_one_trace(spans: list[Received]) -> None:
    assert len({span.trace for span in spans}) == 1


@pytest.mark.parametrize(
    "made", ["for 0", "for 1", "for 2", "next 0", "poll 0", "poll 1", "poll 2", "fail 0"]
)
def test_every_way_to_consume_runs_the_handler_in_the_span_of_its_record(
    spans: list[Received], made: str
) -> None:
    by_id = {span.id: span for span in spans}
    [handled] = (span for span in spans if span.name == made)
    processed = by_id[handled.parent]
    sent = by_id[processed.parent]
    assert (kind(processed), kind(sent)) == ("process", "send")
    assert sent.attributes["messaging.kafka.offset"] == int(made.rpartition(" ")[2])


def test_each_received_record_has_one_process_span(spans: list[Received]) -> None:
    assert Counter(map(kind, spans))["process"] == 3 + 1 + 3 + 1


def test_an_exception_of_a_handler_is_on_the_span_of_its_record(spans: list[Received]) -> None:
    failed = [span.attributes["error.type"] for span in spans if "error.type" in span.attributes]
    assert failed == ["KeyError"]
