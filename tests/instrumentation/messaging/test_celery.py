"""Celery over RabbitMQ, end to end: a caller, and a worker with a process pool."""

import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from celery import Celery

from .traced_programs import PROGRAMS, TracedPrograms, edge_triples, story_text

SPANS = 5
WORKER = [
    str(Path(sys.executable).parent / "celery"),
    *("--workdir", str(PROGRAMS), "-A", "celery_packing", "worker"),
    *("--pool", "prefork", "--concurrency", "1"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"),
]


def wait_until_idle(broker: str) -> None:
    """Wait until the worker reports that all its tasks are done and acknowledged.

    If Celery 5.7 gets the stop signal before it knows that a task has started, it does not acknowledge the
    task, and stops half a minute later.
    """
    client: Any = Celery(broker=broker)
    ask = client.control.inspect(timeout=60, limit=1)
    while any(ask.reserved().values()) or any(ask.active().values()):
        pass


def test_one_order_is_one_story_over_celery(programs: TracedPrograms, rabbitmq_url: str) -> None:
    run = uuid4().hex[:8]
    orders, mails = f"orders-{run}", f"mails-{run}"
    programs.start("order", "celery_order", rabbitmq_url, orders)
    settings = {"BROKER": rabbitmq_url, "MAILS": mails, "OTEL_BSP_SCHEDULE_DELAY": "100000"}
    programs.start_command("packing", [*WORKER, "--queues", f"{orders},{mails}"], settings)
    programs.all_ready()

    edge = f"http://127.0.0.1:{programs.ready('order')}"
    httpx.post(f"{edge}/orders", json={"order_id": "1001"}, timeout=30).raise_for_status()
    programs.wait_for_line("packing", "mailed")
    wait_until_idle(rabbitmq_url)
    spans = programs.finish(SPANS, wait=False)  # the worker sends its spans when it stops

    assert len(spans) == SPANS
    assert len({span.trace for span in spans}) == 1
    assert {span.attributes["order.id"] for span in spans} == {"1001"}
    assert edge_triples(programs.edges()) == {
        ("entry:clients", "http", "service:order"),
        ("service:order", "celery", f"topic:{orders}"),
        (f"topic:{orders}", "celery", "service:packing"),
        ("service:packing", "celery", f"topic:{mails}"),
        (f"topic:{mails}", "celery", "service:packing"),
    }
    story = programs.order("1001")
    assert story.outcome == "ok"
    shown = story_text(story)
    assert f" in {orders} until packing" in shown
    assert f"process {mails} (shop.mail)" in shown
