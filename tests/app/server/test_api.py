"""The HTTP API of a running collector."""

import gzip
import json
from collections.abc import Callable, Iterator
from http import HTTPStatus

import httpx
import pytest
import zstandard

from laban_app.answers.remote import RemoteAnswers
from laban_app.answers.story_logs import told_with_logs, with_logs_last

from ...collector.json_requests import json_request, json_span
from ...collector.log_requests import log_body, record
from ...hostile import HOSTILE, UNSAFE
from ...mapper.shop_spans import TRACE, hybrid_order
from ...serving import serving
from ..answers.test_local import named


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    database = tmp_path_factory.mktemp("api") / "spans.duckdb"
    with serving(database, environment={"LABAN_LOGS": "true"}) as running:
        spans = named(hybrid_order(), "123")
        running.send(spans)
        first = spans[0]
        trace, span = bytes.fromhex(first.trace_id), bytes.fromhex(first.span_id)
        arrived = record("order arrived", time_unix_nano=first.start, trace_id=trace, span_id=span)
        logs = log_body(arrived, record(trace_id=b""))
        address, headers = f"http://{running.http}/v1/logs", {"content-type": "application/x-protobuf"}
        httpx.post(address, content=logs, headers=headers).raise_for_status()
        assert httpx.post(address, content=b"\xff", headers=headers).status_code == HTTPStatus.BAD_REQUEST
        with httpx.Client(base_url=running.url) as client:
            yield client


def test_healthz_answers(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/order/123", "verdict"),
        ("/story?key=order.id&value=123", "verdict"),
        (f"/traces/{TRACE}/story", "verdict"),
        ("/orders", "orders"),
        ("/neighbours?key=order&value=123", "rows"),
        ("/map", "edges"),
        ("/whatif?slow=pricing=500ms&async=order->pricing", "entries"),
        (f"/traces/{TRACE}", "spans"),
        (f"/logs?trace={TRACE}", "logs"),
        ("/findings", "findings"),
        ("/lag", "groups"),
        ("/lag/history", "points"),
        ("/latency?by=edge", "points"),
        ("/latency?by=route", "points"),
        ("/values?key=order", "values"),
        ("/status", "spans"),
    ],
)
def test_every_question_has_an_answer(api: httpx.Client, path: str, field: str) -> None:
    answer = api.get(f"/api/v1{path}")
    assert answer.status_code == 200
    assert answer.json()[field] is not None


@pytest.mark.parametrize(
    "path",
    ["/order/123?logs=true", "/story?key=order.id&value=123&logs=1", f"/traces/{TRACE}/story?logs=true"],
)
def test_a_story_comes_with_its_logs_on_request(api: httpx.Client, path: str) -> None:
    [log] = api.get(f"/api/v1{path}").json()["logs"]
    assert (log["body"], log["step"], log["start_ms"]) == ("order arrived", 0, 0)
    assert api.get("/api/v1/order/123").json()["logs"] == []


def test_the_status_and_the_metrics_count_logs_by_what_became_of_them(api: httpx.Client) -> None:
    assert api.get("/api/v1/status").json()["collector"]["logs"] == {
        "stored": 1,
        "rejected": 1,
        "refused": 1,
        "forgotten": 0,
    }
    metrics = api.get("/metrics").text
    assert "laban_log_requests_refused_total 1.0" in metrics
    assert "laban_logs_forgotten_total 0.0" in metrics


def test_a_client_that_asks_again_keeps_its_answer_while_nothing_changes(api: httpx.Client) -> None:
    answers = RemoteAnswers(str(api.base_url))
    first = answers.story("order", "123")
    assert answers.story("order", "123") is first
    assert RemoteAnswers(str(api.base_url)).story("order", "123") == first


def test_a_client_reads_the_logs_of_a_story_and_of_a_trace(api: httpx.Client) -> None:
    with RemoteAnswers(str(api.base_url)) as answers:
        told = told_with_logs(answers, answers.story("order", "123"))
        assert [log.body for log in told.logs] == ["order arrived"]
        pieces = with_logs_last(answers.trace_json(TRACE), lambda: answers.logs([TRACE]))
        trace = json.loads(b"".join(pieces))
    assert (trace["trace_id"], trace["logs"][0]["body"]) == (TRACE, "order arrived")


@pytest.mark.parametrize(
    ("sent", "content_type", "status"),
    [
        (b"hello", "application/octet-stream", 200),
        (b"\x1f\x8b broken", "application/json", 400),
        (gzip.compress(bytes(20 << 20)), "application/json", 413),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"[" + b"{}," * 1_000_001, "application/json", 413),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    api: httpx.Client, sent: bytes, content_type: str, status: int
) -> None:
    answer = api.post("/api/v1/import", content=sent, headers={"content-type": content_type})
    assert answer.status_code == status
    assert answer.json().get("error") or answer.json()["refused"]


@pytest.mark.parametrize("query", ["", "trace=xyz", f"trace={TRACE}&limit=0"])
def test_a_question_about_logs_names_traces(api: httpx.Client, query: str) -> None:
    assert api.get(f"/api/v1/logs?{query}").status_code in (400, 422)


@pytest.mark.parametrize(
    ("form", "media_type", "beginning"),
    [
        ("markdown", "text/markdown", "## OK: order"),
        ("mermaid", "text/vnd.mermaid", "sequenceDiagram"),
        ("html", "text/html", "<!doctype html>"),
    ],
)
def test_a_story_comes_in_each_form(api: httpx.Client, form: str, media_type: str, beginning: str) -> None:
    for path in ("/order/123?", "/story?key=order.id&value=123&"):
        answer = api.get(f"/api/v1{path}format={form}")
        assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
        assert answer.text.startswith(beginning)
    assert api.get("/api/v1/order/12?format=html").json()["nearest"] == ["123"]


def test_an_unknown_order_is_404_with_the_nearest_known(api: httpx.Client) -> None:
    answer = api.get("/api/v1/order/12")
    assert answer.status_code == 404
    assert answer.json()["nearest"] == ["123"]


def test_no_error_repeats_a_hostile_text_as_it_came(api: httpx.Client) -> None:
    for text in HOSTILE:
        for question in ({"key": "order", "value": text}, {"key": text[:64], "value": "1"}):
            answer = api.get("/api/v1/story", params=question)
            assert answer.status_code == 404
            assert UNSAFE.search(answer.json()["error"]) is None
        assert UNSAFE.search(api.get("/api/v1/map", params={"since": text}).json()["error"]) is None


def test_a_value_of_another_key_is_404_with_the_key(api: httpx.Client) -> None:
    answer = api.get("/api/v1/story?key=customer&value=123")
    assert (answer.status_code, answer.json()["keys"]) == (404, ["order.id"])


def test_orders_take_filters(api: httpx.Client) -> None:
    found = api.get("/api/v1/orders?service=pricing&since=2020-01-01T00:00:00Z&sort=worst&limit=1").json()
    assert [order["value"] for order in found["orders"]] == ["123"]
    assert api.get("/api/v1/orders?failed=true").json() == {"orders": [], "truncated": False, "looked_at": 1}
    assert api.get("/api/v1/orders?cause=magic").status_code == 422


def test_a_trace_comes_whole(api: httpx.Client) -> None:
    answer = api.get(f"/api/v1/traces/{TRACE.upper()}").json()
    assert (answer["trace_id"], answer["span_count"], answer["truncated"]) == (TRACE, 8, False)
    assert len(answer["spans"]) == 8
    first = api.get(f"/api/v1/traces/{TRACE}?limit=2").json()
    assert (first["spans"], first["truncated"]) == (answer["spans"][:2], True)


@pytest.mark.parametrize(("trace_id", "status"), [("f" * 32, 404), ("abc", 400), ("0" * 32, 400)])
def test_a_trace_that_is_unknown_or_no_id_is_refused(api: httpx.Client, trace_id: str, status: int) -> None:
    answer = api.get(f"/api/v1/traces/{trace_id}")
    assert answer.status_code == status
    assert "race" in answer.json()["error"]


def test_an_invalid_time_range_is_400(api: httpx.Client) -> None:
    answer = api.get("/api/v1/map", params={"since": "yesterday"})
    assert answer.status_code == 400
    assert "ISO 8601" in answer.json()["error"]
    backwards = api.get("/api/v1/map", params={"since": "1h", "until": "2h"})
    assert backwards.status_code == 400


def test_the_status_counts_spans_that_look_wrong(api: httpx.Client) -> None:
    status = api.get("/api/v1/status").json()
    assert {name: status[name] for name in ("without_service_name", "odd_times", "warnings")} == {
        "without_service_name": 0,
        "odd_times": [],
        "warnings": [],
    }


def test_openapi_describes_every_route(api: httpx.Client) -> None:
    described = api.get("/api/v1/openapi.json").json()
    assert "/api/v1/order/{order_id}" in described["paths"]
    assert all("summary" in verb for path in described["paths"].values() for verb in path.values())


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_a_file_of_another_tool_can_be_sent_as_it_is(
    api: httpx.Client, compress: "Callable[[bytes], bytes]"
) -> None:
    sent = compress(json.dumps({"result": json_request(json_span(), json_span(traceId=""))}).encode())
    headers = {"content-type": "application/json"}
    answer = api.post("/api/v1/import", content=sent, headers=headers).json()
    assert (answer["spans"], answer["refused"][0]["count"], answer["notes"]) == (1, 1, [])
    assert api.get(f"/api/v1/traces/{json_span()['traceId']}").status_code == 200
