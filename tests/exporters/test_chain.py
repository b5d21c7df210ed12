"""Orders through services in Node.js, Java, Go and Python, each traced as is usual in its language.

express and kafkajs → kafka-clients with OpenTelemetry's Java agent → franz-go with its plugin → kafka-python
with `laban run`. The services send to a real `laban serve`.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx
import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import NewTopic

from ..instrumentation.processes import LABAN, line_of, running
from ..kafka.real_kafka import LIBS, POLL_INTERVAL
from ..serving import Serving, serving

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

HERE: Final = Path(__file__).parent
AGENT: Final = HERE / "java/.agent/opentelemetry-javaagent.jar"
PARTS: Final = {
    HERE / "node/node_modules/kafkajs": "npm --prefix tests/exporters/node install --no-package-lock",
    AGENT: "mvn -f tests/exporters/java/agent.xml dependency:copy-dependencies",
    HERE / "go/.built/packing": "(cd tests/exporters/go && go build -o .built/packing ./packing)",
}
"""What the services need, and the command that installs it, from the root of the repository."""
FIRST, SECOND = "1005", "1006"
"""Two orders whose keys all partitioners put into partition 2 of 3, so the second one has offset 1."""
STORY_WITHIN: Final = 60.0
EXPORT: Final = {
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_BSP_SCHEDULE_DELAY": "100",
}
"""The settings of OpenTelemetry that all languages read."""

STEPS: Final = [
    ("shop", "server", None),
    ("shop", "internal", None),
    ("shop", "producer", "orders"),
    ("billing", "consumer", "orders"),
    ("billing", "producer", "bills"),
    ("packing", "consumer", "bills"),
    ("packing", "consumer", "bills"),
    ("packing", "producer", "parcels"),
    ("mailing", "consumer", "parcels"),
]
"""Service, kind and topic of each step. franz-go has a span for the receipt and one for the handling."""
GROUPS: Final = {"orders": "billing", "bills": "packing", "parcels": "mailing"}
"""Each topic, and the service that reads it in a group of its own."""

Position = tuple[int, int]
"""Partition and offset."""


class Names(NamedTuple):
    """The topics and groups of this run, by the names that this file uses."""

    run: str

    def of(self, name: str) -> str:
        return f"{name}-{self.run}"

    def plain(self, name: str | None) -> str | None:
        return name and name.removesuffix(f"-{self.run}")


class Shop(NamedTuple):
    """The running services, after two orders.

    Attributes:
        positions: where each record of the second order is, by topic.
    """

    collector: Serving
    names: Names
    story: Mapping[str, Any]
    positions: Mapping[str, Position]


@pytest.fixture(scope="module")
def shop(real_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    missing = [command for path, command in PARTS.items() if not path.exists()]
    programs = [program for program in ("node", "java", "javac") if shutil.which(program) is None]
    if missing or programs:
        pytest.skip(f"the services are not built: {[*programs, *missing]}")
    folder = tmp_path_factory.mktemp("chain")
    names = Names(uuid4().hex[:8])
    create_topics(real_kafka, names)
    with ExitStack() as stack:
        collector = stack.enter_context(serving(folder / "laban.duckdb"))
        order, mailed = start_services(stack, real_kafka, names, collector, folder)
        for number in (FIRST, SECOND):
            body = {"number": number}
            assert httpx.post(order, json=body, timeout=60).status_code == httpx.codes.ACCEPTED
            line_of(mailed, f"mailed {number}")
        story = wait_for_story(collector, SECOND)
        yield Shop(collector, names, story, find_records(real_kafka, names, SECOND.encode()))


def create_topics(broker: str, names: Names) -> None:
    topics = [names.of(topic) for topic in GROUPS]
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        admin.create_topics([NewTopic(topic, 3, 1) for topic in topics])
        admin.wait_for_topics(topics)


def start_services(
    stack: ExitStack, broker: str, names: Names, collector: Serving, folder: Path
) -> tuple[str, "subprocess.Popen[str]"]:
    """Start all services; returns the URL that takes orders, and the process that ends the chain."""
    compile_billing(folder)
    orders, bills, parcels = (names.of(topic) for topic in GROUPS)
    billing, packing, mailing = (names.of(service) for service in GROUPS.values())
    jvm = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-javaagent:{AGENT}")
    commands = {
        "shop": ("node", str(HERE / "node/shop.js"), broker, orders),
        "billing": (*jvm, "-cp", f"{LIBS}/*:{folder}", "Billing", broker, billing, orders, bills),
        "packing": (str(HERE / "go/.built/packing"), broker, packing, bills, parcels),
        "mailing": (
            *(str(LABAN), "run", "--", sys.executable, str(HERE / "python/mailing.py")),
            *(broker, mailing, parcels),
        ),
    }
    export = EXPORT | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.http}"}
    started = {
        service: stack.enter_context(running([*command], export | {"OTEL_SERVICE_NAME": service}))
        for service, command in commands.items()
    }
    ready = {service: line_of(process, "ready") for service, process in started.items()}
    return f"http://127.0.0.1:{ready['shop']}/orders", started["mailing"]


def compile_billing(folder: Path) -> None:
    """Compile it, because the agent does not trace a program that `java` compiles itself."""
    command = ["javac", "-d", str(folder), "-cp", f"{LIBS}/*", str(HERE / "java/Billing.java")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def wait_for_story(collector: Serving, number: str) -> Mapping[str, Any]:
    """The story of an order, when all of its spans have arrived."""
    deadline = time.monotonic() + STORY_WITHIN
    while True:
        answer = httpx.get(f"{collector.url}/api/v1/order/{number}", timeout=30)
        story: dict[str, Any] = answer.json()
        if answer.is_success and story["spans"] >= len(STEPS):
            return story
        assert time.monotonic() < deadline, story
        time.sleep(POLL_INTERVAL)


def find_records(broker: str, names: Names, key: bytes) -> Mapping[str, Position]:
    """Where the broker has the record with this key, in each topic."""
    consumer = KafkaConsumer(
        *(names.of(topic) for topic in GROUPS),
        bootstrap_servers=broker,
        group_id=names.of("test"),
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )
    found: dict[str, Position] = {}
    for record in consumer:
        if record.key == key:
            found[str(names.plain(record.topic))] = (record.partition, record.offset)
        if len(found) == len(GROUPS):
            break
    consumer.close()
    return found


def test_an_order_is_one_trace_through_four_languages(shop: Shop) -> None:
    story, names = shop.story, shop.names
    assert len(story["traces"]) == 1
    found = [(step["service"], step["kind"], names.plain(step["topic"])) for step in story["steps"]]
    assert found == STEPS
    assert [step["depth"] for step in story["steps"]] == list(range(len(STEPS)))
    assert story["outcome"] == "ok"
    services = ("shop", *GROUPS.values())
    assert all(service in story["verdict"] for service in services[1:])


def test_consumers_tell_their_group_and_where_the_broker_has_the_record(shop: Shop) -> None:
    assert shop.positions == dict.fromkeys(GROUPS, (2, 1))
    consumed = [step for step in shop.story["steps"] if step["kind"] == "consumer"]
    assert len(consumed) == 4
    for step in consumed:
        topic = str(shop.names.plain(step["topic"]))
        assert (step["partition"], step["offset"]) == shop.positions[topic], step
        if step["service"] == "packing" and step["operation"].startswith("receive"):
            continue  # franz-go has no group on this span
        assert shop.names.plain(step["group"]) == GROUPS[topic], step


def test_each_message_was_processed_once_by_one_group(shop: Shop) -> None:
    messages = {shop.names.plain(message["topic"]): message for message in shop.story["messages"]}
    assert list(messages) == list(GROUPS)
    for topic, message in messages.items():
        [group] = message["groups"]
        assert shop.names.plain(group["group"]) == GROUPS[str(topic)]
        assert (group["state"], group["attempts"]) == ("processed", 1)
        told = (message["partition"], message["offset"])
        # kafkajs tells neither; its span ends before its instrumentation knows them.
        assert told == ((None, None) if topic == "orders" else shop.positions[str(topic)])


def test_waits_are_the_times_between_publishing_and_processing(shop: Shop) -> None:
    steps = shop.story["steps"]
    processed = {step["topic"]: step for step in steps if step["kind"] == "consumer"}
    published = {step["topic"]: step for step in steps if step["kind"] == "producer"}
    assert processed.keys() == published.keys()
    for topic, message in published.items():
        wait = processed[topic]["start_ms"] - message["start_ms"]
        assert processed[topic]["wait_ms"] == pytest.approx(wait, abs=0.01)
        assert wait > 0
    starts = [step["start_ms"] for step in steps]
    assert all(earlier <= later for earlier, later in pairwise(starts)), starts


def test_the_map_shows_every_hop_with_the_two_orders(shop: Shop) -> None:
    edges = httpx.get(f"{shop.collector.url}/api/v1/map", timeout=30).json()["edges"]
    counted = {
        (shop.names.plain(edge["from"]), shop.names.plain(edge["to"])): (edge["calls"], edge["errors"])
        for edge in edges
    }
    hops = [("entry:clients", "service:shop")]
    sender = "shop"
    for topic, reader in GROUPS.items():
        path = (f"service:{sender}", f"topic:{topic}", f"group:{reader}", f"service:{reader}")
        hops += pairwise(path)
        sender = reader
    assert counted == dict.fromkeys(hops, (2, 0))
