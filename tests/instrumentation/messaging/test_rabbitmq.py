"""RabbitMQ with pika and aio-pika, end to end, with every way to consume."""

from uuid import uuid4

import httpx

from .traced_programs import TracedPrograms, edge_triples, story_text

SPANS = 12


def test_one_order_is_one_story_over_pika_and_aio_pika(programs: TracedPrograms, rabbitmq_url: str) -> None:
    run = uuid4().hex[:8]
    orders, packed, billed, mailed = (f"{name}-{run}" for name in ("orders", "packed", "billed", "mailed"))
    programs.start("order", "pika_order", rabbitmq_url, orders)
    programs.start("packing", "pika_packing", rabbitmq_url, orders, packed)  # a callback
    programs.start("watching", "pika_watching", rabbitmq_url, orders)  # a callback, asynchronous
    programs.start("billing", "pika_billing", rabbitmq_url, packed, billed)  # a loop
    programs.start("mailing", "aio_pika_mailing", rabbitmq_url, billed, mailed)  # an asynchronous loop
    edge = f"http://127.0.0.1:{programs.ready('order')}"
    programs.start(
        "audit", "aio_pika_audit", rabbitmq_url, mailed, f"{edge}/audits"
    )  # an asynchronous callback
    programs.all_ready()

    httpx.post(f"{edge}/orders", json={"order_id": "1001"}, timeout=30).raise_for_status()
    spans = programs.finish(SPANS)

    assert len(spans) == SPANS
    assert len({span.trace for span in spans}) == 1
    assert {span.attributes["order.id"] for span in spans} == {"1001"}
    assert edge_triples(programs.edges()) == {
        ("entry:clients", "http", "service:order"),
        ("service:order", "rabbitmq", f"topic:{orders}"),
        (f"topic:{orders}", "rabbitmq", "service:packing"),
        (f"topic:{orders}", "rabbitmq", "service:watching"),
        ("service:packing", "rabbitmq", f"topic:{packed}"),
        (f"topic:{packed}", "rabbitmq", "service:billing"),
        ("service:billing", "rabbitmq", f"topic:{billed}"),
        (f"topic:{billed}", "rabbitmq", "service:mailing"),
        ("service:mailing", "rabbitmq", f"topic:{mailed}"),
        (f"topic:{mailed}", "rabbitmq", "service:audit"),
        ("service:audit", "http", "service:order"),
    }
    story = programs.order("1001")
    assert story.outcome == "ok"
    assert len(story.traces) == 1
    shown = story_text(story)
    for topic, service in ((orders, "packing"), (packed, "billing"), (billed, "mailing"), (mailed, "audit")):
        assert f" in {topic} until {service}" in shown
    assert "audit  POST" in shown or "order  POST /audits" in shown
