"""SQS with boto3, end to end, against moto's server."""

from uuid import uuid4

import httpx

from .traced_programs import TracedPrograms, edge_triples, story_text

SPANS = 7
AWS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-west-1"}


def test_one_order_is_one_story_over_sqs(programs: TracedPrograms, sqs_url: str) -> None:
    run = uuid4().hex[:8]
    orders, parcels = f"orders-{run}", f"parcels-{run}"
    programs.start("order", "sqs_order", sqs_url, orders, environment=AWS)
    programs.start("packing", "sqs_packing", sqs_url, orders, parcels, environment=AWS)  # a loop
    edge = f"http://127.0.0.1:{programs.ready('order')}"
    programs.start("mailing", "sqs_mailing", sqs_url, parcels, f"{edge}/mails", environment=AWS)  # by index
    programs.all_ready()

    httpx.post(f"{edge}/orders", json={"order_id": "1001"}, timeout=30).raise_for_status()
    spans = programs.finish(SPANS)

    assert len(spans) == SPANS  # no spans for empty polls
    assert len({span.trace for span in spans}) == 1
    assert {span.attributes["order.id"] for span in spans} == {"1001"}
    assert edge_triples(programs.edges()) == {
        ("entry:clients", "http", "service:order"),
        ("service:order", "aws_sqs", f"topic:{orders}"),
        (f"topic:{orders}", "aws_sqs", "service:packing"),
        ("service:packing", "aws_sqs", f"topic:{parcels}"),
        (f"topic:{parcels}", "aws_sqs", "service:mailing"),
        ("service:mailing", "http", "service:order"),
    }
    story = programs.order("1001")
    assert story.outcome == "ok"
    shown = story_text(story)
    assert f" in {orders} until packing" in shown
    assert f" in {parcels} until mailing" in shown
