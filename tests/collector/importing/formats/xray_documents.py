"""Segment documents of AWS X-Ray: a request of `shop` that publishes to SQS, and `mailer`, which consumes."""

from typing import Any

TRACE = "1-58406520-a006649127e371903a2de979"
TRACE_ID = (0x58406520A0066491, 0x27E371903A2DE979)
START = 1_795_000_000.25
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"


def segment(name: str = "shop", **fields: object) -> dict[str, Any]:
    return {
        "trace_id": TRACE,
        "id": "70de5b6f19ff9a0a",
        "name": name,
        "start_time": START,
        "end_time": START + 0.5,
    } | fields


def subsegment(name: str, number: int, **fields: object) -> dict[str, Any]:
    return {
        "id": f"{number:016x}",
        "name": name,
        "start_time": START + 0.1,
        "end_time": START + 0.2,
    } | fields


def publish(number: int = 1, **fields: object) -> dict[str, Any]:
    aws = {"operation": "SendMessage", "queue_url": QUEUE_URL, "message_id": "m-1", "region": "eu-west-1"}
    return subsegment("SQS", number, **({"namespace": "aws", "aws": aws} | fields))


def chain() -> list[dict[str, Any]]:
    """Return the segments of `shop` → SQS → `mailer`, with the one that X-Ray infers for the queue."""
    shop = segment(
        http={
            "request": {"method": "POST", "url": "http://shop/orders", "client_ip": "10.0.0.9"},
            "response": {"status": 201, "content_length": 7},
        },
        annotations={"order_id": "A-1"},
        metadata={"default": {"cart": {"items": 2}}},
        aws={"account_id": "123456789012", "ec2": {"instance_id": "i-1"}, "xray": {"sdk": "X-Ray for Go"}},
        service={"version": "1.2"},
        subsegments=[publish()],
    )
    queue = segment("orders", id="2" * 16, parent_id="1".zfill(16), inferred=True, origin="AWS::SQS::Queue")
    mailer = segment("mailer", id="3" * 16, parent_id="2" * 16, start_time=START + 0.3)
    return [shop, queue, mailer]
