"""Spans of older and other conventions, imported from a file, make the same map as current ones."""

import json
from pathlib import Path
from typing import Any

from ...serving import laban

PRODUCER, CONSUMER, CLIENT, SERVER = 4, 5, 3, 2
START = 1_795_000_000_000_000_000


def sent(
    service: str, trace: str, span: str, parent: str, kind: int, name: str, attributes: dict[str, Any]
) -> dict[str, Any]:
    def pair(key: str, value: object) -> dict[str, Any]:
        kind_of_value = "intValue" if isinstance(value, int) else "stringValue"
        return {"key": key, "value": {kind_of_value: str(value)}}

    made = {
        "traceId": trace * 16,
        "spanId": span * 8,
        "parentSpanId": parent * 8,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(START + int(span, 16) * 1_000_000),
        "endTimeUnixNano": str(START + int(span, 16) * 1_000_000 + 5_000_000),
        "attributes": [pair(key, value) for key, value in attributes.items()],
    }
    return {
        "resource": {"attributes": [pair("service.name", service)]},
        "scopeSpans": [{"spans": [made]}],
    }


KAFKA = {
    "messaging.system": "kafka",
    "messaging.source.name": "parcels",
    "messaging.kafka.source.partition": 2,
    "messaging.kafka.message.offset": 5,
    "messaging.kafka.consumer.group": "mail",
}
SYSTEM = {"messaging.system": "RabbitMQ"}
RABBITMQ = {**SYSTEM, "messaging.rabbitmq.destination.routing_key": "paid"}
SPANS = [
    sent("depot", "a1", "01", "", PRODUCER, "publish", {"messaging.destination": "parcels", **KAFKA}),
    sent("mailer", "a1", "02", "01", CONSUMER, "x", {"messaging.operation": "receive", **KAFKA}),
    sent("mailer", "a1", "03", "02", CONSUMER, "x", {"messaging.operation": "process", **KAFKA}),
    sent("web", "b1", "04", "", SERVER, "GET /x", {"http.method": "GET", "net.peer.name": "kiosk"}),
    sent(
        "web", "b1", "05", "04", CLIENT, "GET", {"http.method": "GET", "http.url": "https://Maps.Example./a"}
    ),
    sent(
        "web",
        "b1",
        "06",
        "04",
        CLIENT,
        "GET",
        {"http.request.method": "GET", "server.address": "maps.example", "server.port": 443},
    ),
    sent("web", "c1", "07", "", PRODUCER, "publish", {"messaging.destination.name": "logs:paid", **RABBITMQ}),
    sent("audit", "d1", "08", "", CONSUMER, "x", {"messaging.destination": "logs:paid:audits"} | RABBITMQ),
    sent("web", "e1", "09", "", PRODUCER, "publish", {"messaging.destination.name": "", **RABBITMQ}),
    sent("till", "f1", "0a", "", CONSUMER, "x", {"messaging.destination": "paid", **SYSTEM}),
]


def test_other_conventions_give_the_same_map(tmp_path: Path) -> None:
    file, db = tmp_path / "spans.json", str(tmp_path / "spans.duckdb")
    file.write_text(json.dumps({"resourceSpans": SPANS}), encoding="utf-8")
    laban("import", str(file), "--db", db)
    found = json.loads(laban("map", "--json", "--since", "2026-11-01", "--db", db).stdout)
    names = {node["id"]: (node["kind"], node["name"]) for node in found["nodes"]}
    edges = {(names[edge["from"]], names[edge["to"]]): edge["calls"] for edge in found["edges"]}
    assert edges == {
        (("service", "depot"), ("topic", "parcels")): 1,
        (("topic", "parcels"), ("group", "mail")): 1,
        (("group", "mail"), ("service", "mailer")): 1,
        (("external", "kiosk"), ("service", "web")): 1,
        (("service", "web"), ("external", "maps.example:443")): 2,
        (("service", "web"), ("topic", "logs")): 1,
        (("topic", "logs"), ("group", "audits")): 1,
        (("group", "audits"), ("service", "audit")): 1,
        (("service", "web"), ("topic", "paid")): 1,
        (("topic", "paid"), ("service", "till")): 1,
    }
