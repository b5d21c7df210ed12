"""A running collector with some traces, and a client that sends requests byte for byte."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple

import httpx
import pytest

from laban_collector.store.rows import SpanEvent

from ....collector.requests import key_values, request
from ....collector.requests import span as sent_span
from ....mapper.shop_spans import MS, T0, TRACE, http_client, http_server, hybrid_order, raised, span
from ....serving import Serving, serving
from ...answers.test_local import named

FAILED = "b" * 32
LINKED = "c" * 32
SKEWED = "d" * 32
SHORT = "0" * 16 + "00c0ffee00000001"
WHOLE = "e" * 32
SPANS_LINKED_TO = (TRACE, "feed000000000001")


class Answer(NamedTuple):
    """A response."""

    status: int
    body: Any


Get = Callable[[str], Answer]


def send_everything(running: Serving) -> None:
    """Store the traces that the tests of all clients ask for."""
    running.send(named(hybrid_order(), "1003"))
    failing = http_server("order", "POST /orders", 1_000, 30, trace_id=FAILED, http_status=500, status=2)
    events = (*raised("KeyError", "no stock", 1_010), SpanEvent(T0 + 1_020 * MS, "retry", {"attempt": 2}))
    attributes = {"order.id": "1004", "customer.tier": "gold", "big": 2**60}
    running.send([replace(failing, status_message="KeyError", events=events, attributes=attributes)])
    running.send([span("audit", "write", 1, 2_000, 5, trace_id=LINKED, links=(SPANS_LINKED_TO,))])
    asked = http_client("web", "GET", 3_000, 100, replace(failing, trace_id=SKEWED), parent_id=None)
    late = http_server("order", "GET /orders/{id}", 2_400, 40, asked)
    running.send([asked, late])
    running.send([http_server("order", "GET /old", 4_000, 1, trace_id=SHORT)])
    running.send([http_server("test/service:1", "GET /", 4_500, 1, trace_id="f" * 32)])
    whole = request(
        sent_span(0, {"list": ["a", 1], "half": 0.5, "flag": False, "none": None, "map": {"a": 1}}),
        resource={"service.name": "whole", "host.name": "h1", "process.pid": 7},
    )
    one = whole.resource_spans[0].scope_spans[0].spans[0]
    one.trace_id, one.trace_state, one.flags = bytes.fromhex(WHOLE), "vendor=1", 0x101
    one.start_time_unix_nano, one.end_time_unix_nano = T0 + 5_000 * MS, T0 + 5_002 * MS
    one.events.add(time_unix_nano=T0 + 5_001 * MS, name="e").attributes.extend(key_values({"k": 1}))
    one.links.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8).attributes.extend(key_values({"of": "batch"}))
    headers = {"content-type": "application/x-protobuf"}
    content = whole.SerializeToString()
    httpx.post(f"http://{running.http}/v1/traces", content=content, headers=headers).raise_for_status()


@pytest.fixture(scope="session")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    """A function that sends GET with a path as it is, and returns status and JSON."""
    with serving(tmp_path_factory.mktemp("jaeger") / "spans.duckdb") as running:
        send_everything(running)

        def get(path: str) -> Answer:
            # A connection of its own: the server closes one that is idle for long.
            with closing(http.client.HTTPConnection(running.api)) as connection:
                connection.request("GET", path, headers={"accept-encoding": "gzip"})
                response = connection.getresponse()
                assert response.headers["content-type"] == "application/json", path
                return Answer(response.status, json.loads(response.read()))

        yield get
