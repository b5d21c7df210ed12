"""OTLP/JSON over HTTP, from the socket to the store."""

import gzip
import json
from collections.abc import Iterator

import httpx
import pytest

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader

from ..json_requests import json_request, json_span
from ..requests import START, TRACE_ID, body, span
from ..running import running_collector

JSON = {"content-type": "application/json"}


@pytest.fixture
def client(database: Database) -> Iterator[httpx.Client]:
    with (
        running_collector(database) as endpoints,
        httpx.Client(base_url=f"http://{endpoints.http}", trust_env=False) as made,
    ):
        yield made


def post(client: httpx.Client, document: object, **headers: str) -> httpx.Response:
    return client.post("/v1/traces", content=json.dumps(document).encode(), headers=JSON | headers)


def test_spans_sent_as_json_are_stored_when_they_are_acknowledged(
    client: httpx.Client, database: Database
) -> None:
    answer = post(client, json_request(json_span(kind=2)))
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (
        200,
        "application/json",
        "{}",
    )
    [stored] = DuckDBReader(database).spans_of([TRACE_ID.hex()], START, START + 1, 10)
    assert (stored.name, stored.service, stored.kind) == ("span 0", "order", 2)


def test_json_and_protobuf_of_the_same_span_are_one_span(client: httpx.Client, database: Database) -> None:
    post(client, json_request(json_span()))
    client.post("/v1/traces", content=body(span()), headers={"content-type": "application/x-protobuf"})
    assert DuckDBReader(database).contents().spans == 1


def test_gzip_and_a_charset_are_accepted(client: httpx.Client) -> None:
    sent = gzip.compress(json.dumps(json_request(json_span())).encode())
    headers = {"content-type": "application/json; charset=utf-8", "content-encoding": "gzip"}
    assert client.post("/v1/traces", content=sent, headers=headers).status_code == 200


def test_rejected_spans_are_reported_in_json(client: httpx.Client) -> None:
    answer = post(client, json_request(json_span(), json_span(traceId="AB")))
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "partialSuccess": {
            "rejectedSpans": "1",
            "errorMessage": "1 span(s) rejected: trace id of 2 hex digits, not 32",
        }
    }


@pytest.mark.parametrize(
    "document", [[], {"resourceSpans": 7}, json_request(json_span(kind="SPAN_KIND_CLIENT"))]
)
def test_invalid_otlp_json_is_refused_with_a_json_status(
    client: httpx.Client, database: Database, document: object
) -> None:
    answer = post(client, document)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json()["code"] == 3
    assert "not an OTLP/JSON" in answer.json()["message"]
    assert DuckDBReader(database).contents().spans == 0
