"""The first steps of a new user: the demo runs, and laban answers what happened to every order."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from benchmarks.workload import report
from benchmarks.workload.report import SHOP_TRUTH
from benchmarks.workload.shop_faults import all_rows
from laban_app.answers.local import LocalAnswers
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_mapper.model import Story

from .serving import laban

_DEMO_S = 150
ON_KAFKA = f"test-{uuid4().hex[:8]}."
"""The prefix of topics and groups in the Kafka cluster that all tests share."""


@dataclass(frozen=True)
class FinishedDemo:
    """A finished demo."""

    summary: dict[str, Any]
    stories: dict[str, Story]


def demo(folder: Path, *arguments: str) -> FinishedDemo:
    """Run `laban demo --once --json` in its own folder, and read the stories of all orders."""
    command = [sys.executable, "-m", "laban", "demo", "--once", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=_DEMO_S, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, "standard output must be a single JSON object"
    summary = json.loads(done.stdout)
    with Database.open(Path(summary["database"]), read_only=True) as database:
        answers = LocalAnswers(DuckDBReader(database))
        stories = {order: answers.story("order", order) for order in summary["orders"]}
    return FinishedDemo(summary, stories)


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory: pytest.TempPathFactory) -> FinishedDemo:
    return demo(tmp_path_factory.mktemp("hybrid"), "--orders", "30")


@pytest.fixture(scope="module")
def broken_monolith(tmp_path_factory: pytest.TempPathFactory) -> FinishedDemo:
    arguments = ("--orders", "5", "--style", "monolith", "--fault", "user:latency=3.5s")
    return demo(tmp_path_factory.mktemp("monolith"), *arguments)


@pytest.fixture(scope="module")
def without_email(tmp_path_factory: pytest.TempPathFactory) -> FinishedDemo:
    arguments = ("--orders", "8", "--fault", "email:stop-consumer", "--fault", "order:duplicate=1")
    return demo(tmp_path_factory.mktemp("without-email"), *arguments)


def documented_causes() -> dict[tuple[str, str, str], str]:
    """Return the first cause of each row of docs/shop-truth.md, by fault, style and service."""
    lines = report.section("shop", SHOP_TRUTH).splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| ")][2:]
    return {(row[0].strip(), row[1].strip(), row[2].strip()): row[4].strip() for row in rows}


def kinds(ran: FinishedDemo) -> set[str]:
    return {edge["kind"] for edge in ran.summary["edges"]}


def topics(ran: FinishedDemo) -> set[str]:
    return {edge["to"] for edge in ran.summary["edges"] if edge["to"].startswith("topic:")}


@pytest.mark.timeout(_DEMO_S)
def test_the_summary_has_the_documented_format(hybrid: FinishedDemo) -> None:
    summary = hybrid.summary
    assert set(summary) == {"database", "orders", "spans", "services", "edges", "lag", "left", "diagram"}
    assert len(set(summary["orders"])) == 30
    assert len(summary["services"]) >= 6
    assert kinds(hybrid) == {"sync", "async"}
    assert {edge["protocol"] for edge in summary["edges"]} == {"http", "grpc", "kafka"}
    assert len(topics(hybrid)) >= 2
    # Fourteen spans per order: the REST request, two calls and their servers, two sends, seven processes.
    assert summary["spans"] >= 30 * 14
    calls = {(edge["from"], edge["to"], edge["kind"]): edge["calls"] for edge in summary["edges"]}
    assert calls["service:order", "service:pricing", "sync"] == 30
    assert calls["service:order", "topic:orders", "async"] == 30
    assert calls["topic:payments", "group:email", "async"] == 30
    assert Path(summary["diagram"]).read_bytes().startswith(b"<?xml")


@pytest.mark.timeout(_DEMO_S)
def test_every_consumer_has_caught_up(hybrid: FinishedDemo) -> None:
    assert hybrid.summary["lag"]
    assert {row["messages"] for row in hybrid.summary["lag"]} == {0}
    assert hybrid.summary["left"] == []


@pytest.mark.timeout(_DEMO_S)
def test_every_order_is_one_trace_over_rest_grpc_and_kafka(hybrid: FinishedDemo) -> None:
    for order, story in hybrid.stories.items():
        assert story.outcome == "ok", story.verdict
        assert story.verdict.startswith(f"Order {order} was created in ")
        assert len(story.traces) == 1
        operations = {step.operation for step in story.steps}
        assert "POST /orders" in operations
        assert any("Pricing/Quote" in operation for operation in operations)
        assert {"publish orders", "process orders", "process payments"} <= operations
        assert [step.service for step in story.steps if step.depth == 0] == ["order"]
        states = {(m.topic, g.group): g.state for m in story.messages for g in m.groups}
        assert set(states.values()) == {"processed"}
        assert {"payment", "inventory", "email", "analytics"} <= {group for _, group in states}


@pytest.mark.timeout(_DEMO_S)
def test_the_command_line_reads_the_story_from_the_file(hybrid: FinishedDemo) -> None:
    done = laban("order", "1001", "--db", hybrid.summary["database"])
    assert done.returncode == 0
    assert "Order 1001 was created in" in done.stdout
    assert "process orders" in done.stdout


@pytest.mark.timeout(_DEMO_S)
def test_a_slow_user_service_is_the_root_cause_in_the_monolith_style(broken_monolith: FinishedDemo) -> None:
    assert kinds(broken_monolith) == {"sync"}
    for story in broken_monolith.stories.values():
        assert story.outcome == "failed"
        assert story.root_cause is not None
        assert story.root_cause.service == "user"
        assert "user took" in story.verdict
        assert "so pricing, inventory and order failed" in story.verdict


@pytest.mark.timeout(_DEMO_S)
def test_an_order_that_email_has_not_consumed_is_waiting(without_email: FinishedDemo) -> None:
    waiting = [story for story in without_email.stories.values() if story.outcome == "waiting"]
    assert waiting
    for story in waiting:  # after ten seconds, the second is its cause
        assert re.search("still waits? for group email|email has not read", story.verdict), story.verdict
    assert sum(row["messages"] for row in without_email.summary["lag"] if row["group"] == "email") > 0


@pytest.mark.timeout(_DEMO_S)
def test_a_demo_with_a_stopped_consumer_says_what_it_left(without_email: FinishedDemo) -> None:
    left = {(row["group"], row["topic"]): row["messages"] for row in without_email.summary["left"]}
    assert left == {("email", "orders"): 16, ("email", "payments"): 8}


def test_the_table_of_faults_has_every_fault_in_both_styles_at_each_service_that_it_fits() -> None:
    assert list(documented_causes()) == [(row.fault, row.style, row.service) for row in all_rows()]


@pytest.mark.timeout(_DEMO_S)
def test_a_fault_still_has_the_cause_that_the_table_documents(
    broken_monolith: FinishedDemo, without_email: FinishedDemo
) -> None:
    causes = documented_causes()
    for ran, row in (
        (broken_monolith, ("latency=3.5s", "monolith", "user")),
        (without_email, ("duplicate=1", "hybrid", "order")),
    ):
        for order, story in ran.stories.items():
            assert causes[row] in {f"{cause.kind}, {cause.service}" for cause in story.causes}, order


@pytest.mark.timeout(_DEMO_S)
def test_a_usual_order_has_no_cause(hybrid: FinishedDemo) -> None:
    causes = {order: story.causes for order, story in hybrid.stories.items() if story.causes}
    # While other tests use all processors, a step can really be slow.
    assert {order: found for order, found in causes.items() if {one.kind for one in found} != {"slow"}} == {}
    assert len(causes) <= 3, causes


@pytest.fixture(scope="module")
def on_kafka(real_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> FinishedDemo:
    own = ("--topic-prefix", ON_KAFKA, "--group-prefix", ON_KAFKA)
    return demo(tmp_path_factory.mktemp("kafka"), "--orders", "10", "--kafka", real_kafka, *own)


@pytest.mark.kafka
@pytest.mark.timeout(_DEMO_S)
def test_the_same_shop_runs_on_a_real_kafka(on_kafka: FinishedDemo) -> None:
    assert len(topics(on_kafka)) >= 2
    own = [row["messages"] for row in on_kafka.summary["lag"] if row["group"].startswith(ON_KAFKA)]
    assert own
    assert set(own) == {0}
    for story in on_kafka.stories.values():
        assert story.outcome == "ok", story.verdict
        assert len(story.traces) == 1
