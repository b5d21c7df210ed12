"""NATS with nats-py, end to end: plain subjects, a request, and a JetStream stream."""

from uuid import uuid4

import httpx

from .traced_programs import TracedPrograms, edge_triples, story_text

SPANS = 11


def test_one_order_is_one_story_over_nats(programs: TracedPrograms, nats_url: str) -> None:
    run = uuid4().hex[:8]
    orders, prices, parcels, bills = (f"{name}-{run}" for name in ("orders", "prices", "parcels", "bills"))
    programs.start("order", "nats_order", nats_url, orders)
    programs.start("packing", "nats_packing", nats_url, orders, parcels, prices)  # callbacks
    programs.start("billing", "nats_billing", nats_url, parcels, bills)  # fetches from a stream
    edge = f"http://127.0.0.1:{programs.ready('order')}"
    programs.start("mailing", "nats_mailing", nats_url, bills, f"{edge}/mails")  # a loop
    programs.all_ready()

    httpx.post(f"{edge}/orders", json={"order_id": "1001"}, timeout=30).raise_for_status()
    spans = programs.finish(SPANS)

    assert len(spans) == SPANS  # no spans for acknowledgements, replies and JetStream's own messages
    assert len({span.trace for span in spans}) == 1
    assert {span.attributes["order.id"] for span in spans} == {"1001"}
    assert edge_triples(programs.edges()) == {
        ("entry:clients", "http", "service:order"),
        ("service:order", "nats", f"topic:{orders}"),
        (f"topic:{orders}", "nats", "group:packers"),
        ("group:packers", "nats", "service:packing"),
        ("service:packing", "nats", f"topic:{prices}"),
        (f"topic:{prices}", "nats", "service:packing"),
        ("service:packing", "nats", f"topic:{parcels}"),
        (f"topic:{parcels}", "nats", "group:billing"),
        ("group:billing", "nats", "service:billing"),
        ("service:billing", "nats", f"topic:{bills}"),
        (f"topic:{bills}", "nats", "service:mailing"),
        ("service:mailing", "http", "service:order"),
    }
    story = programs.order("1001")
    assert story.outcome == "ok"
    shown = story_text(story)
    assert f" in {orders} until packers" in shown
    assert f" in {bills} until mailing" in shown
