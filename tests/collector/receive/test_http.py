import gzip
import socket
from collections.abc import Callable, Generator
from concurrent.futures import Future

import httpx
import pytest
import zstandard
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from laban_collector.address import Address
from laban_collector.decode.results import AcceptedRequest
from laban_collector.errors import AddressInUse, Overloaded, StoreError, UndecodableRequest
from laban_collector.receive.access import Access
from laban_collector.receive.http import HttpReceiver

from ..receivers import LIMIT, Inbox, started

PROTOBUF = {"content-type": "application/x-protobuf"}
GZIP = PROTOBUF | {"content-encoding": "gzip"}
ZSTD = PROTOBUF | {"content-encoding": "zstd"}


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def client(inbox: Inbox) -> Generator[httpx.Client, None, None]:
    receiver = HttpReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())
    with started(receiver) as address, httpx.Client(base_url=f"http://{address}") as connected:
        yield connected


def status_of(answer: httpx.Response) -> Status:
    assert answer.headers["content-type"] == PROTOBUF["content-type"]
    return Status.FromString(answer.content)


def test_a_body_reaches_the_pipeline_unchanged(client: httpx.Client, inbox: Inbox) -> None:
    answer = client.post("/v1/traces", content=b"bytes", headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == PROTOBUF["content-type"]
    assert inbox.bodies == [b"bytes"]


def test_parameters_and_case_of_the_content_type_do_not_matter(client: httpx.Client) -> None:
    headers = {"content-type": "Application/X-Protobuf; charset=binary"}
    assert client.post("/v1/traces", content=b"", headers=headers).status_code == 200


def test_rejected_spans_are_a_partial_success(client: httpx.Client, inbox: Inbox) -> None:
    inbox.answer = AcceptedRequest(1, 2, "2 span(s) rejected: trace id of zeros")
    answer = client.post("/v1/traces", content=b"", headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert answer.status_code == 200
    assert (partial.rejected_spans, partial.error_message) == (2, "2 span(s) rejected: trace id of zeros")


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize(("compress", "headers"), [(gzip.compress, GZIP), (zstandard.compress, ZSTD)])
def test_a_body_is_decompressed_with_one_or_more_members(
    client: httpx.Client,
    inbox: Inbox,
    compress: Callable[[bytes], bytes],
    headers: dict[str, str],
    parts: int,
) -> None:
    sent = [bytes([65 + number]) * 500 for number in range(parts)]
    content = b"".join(map(compress, sent))
    assert client.post("/v1/traces", content=content, headers=headers).status_code == 200
    assert inbox.bodies == [b"".join(sent)]


@pytest.mark.parametrize(
    ("content", "headers", "reason"),
    [
        (b"no gzip", GZIP, "The body is not gzip"),
        (gzip.compress(b"abc", mtime=0)[:-1], GZIP, "The body is not gzip"),
        (b"", GZIP, "The body is not gzip"),
        (b"no zstd", ZSTD, "The body is not zstd"),
        (zstandard.compress(b"abc")[:-1], ZSTD, "The body is not zstd"),
        (b"", ZSTD, "The body is not zstd"),
    ],
)
def test_an_invalid_compressed_body_is_refused(
    client: httpx.Client, inbox: Inbox, content: bytes, headers: dict[str, str], reason: str
) -> None:
    answer = client.post("/v1/traces", content=content, headers=headers)
    assert answer.status_code == 400
    assert status_of(answer).code == 3
    assert reason in status_of(answer).message
    assert not inbox.bodies


def test_a_chunked_body_is_joined(client: httpx.Client, inbox: Inbox) -> None:
    compressed = gzip.compress(b"abc" * 1000, mtime=0)
    chunks = (compressed[at : at + 1] for at in range(len(compressed)))
    assert client.post("/v1/traces", content=chunks, headers=GZIP).status_code == 200
    assert inbox.bodies == [b"abc" * 1000]


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (bytes(LIMIT + 1), PROTOBUF),
        (gzip.compress(bytes(LIMIT + 1), mtime=0), GZIP),
        (gzip.compress(bytes(50_000_000), mtime=0), GZIP),
        (zstandard.compress(bytes(50_000_000)), ZSTD),
    ],
)
def test_a_body_over_the_limit_is_refused_compressed_or_not(
    client: httpx.Client, inbox: Inbox, content: bytes, headers: dict[str, str]
) -> None:
    answer = client.post("/v1/traces", content=content, headers=headers)
    assert answer.status_code == 413
    assert status_of(answer).code == 8
    assert f"{LIMIT} bytes" in status_of(answer).message
    assert not status_of(answer).details
    assert not inbox.bodies


def test_a_body_of_exactly_the_limit_is_accepted(client: httpx.Client) -> None:
    assert client.post("/v1/traces", content=bytes(LIMIT), headers=PROTOBUF).status_code == 200
    content = gzip.compress(bytes(LIMIT), mtime=0)
    assert client.post("/v1/traces", content=content, headers=GZIP).status_code == 200


def test_an_undecodable_body_is_refused_without_a_retry(client: httpx.Client, inbox: Inbox) -> None:
    inbox.answer = UndecodableRequest("no OTLP")
    answer = client.post("/v1/traces", content=b"\xff", headers=PROTOBUF)
    assert answer.status_code == 400
    assert (status_of(answer).code, status_of(answer).message) == (3, "no OTLP")
    assert "retry-after" not in answer.headers


def test_an_overloaded_collector_says_when_to_retry(client: httpx.Client, inbox: Inbox) -> None:
    inbox.refusal = Overloaded("full", 1.5)
    answer = client.post("/v1/traces", content=b"", headers=PROTOBUF)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert status_of(answer).code == 14


def test_a_failed_store_asks_for_a_retry_and_reveals_no_path(client: httpx.Client, inbox: Inbox) -> None:
    inbox.answer = StoreError("/secret/place: disk full")
    answer = client.post("/v1/traces", content=b"", headers=PROTOBUF)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert "/secret/place" not in status_of(answer).message


@pytest.mark.parametrize("content_type", ["text/plain", ""])
def test_other_content_types_are_refused_by_name(client: httpx.Client, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = client.post("/v1/traces", content=b"{}", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/json")
    assert answer.headers["accept"] == "application/x-protobuf, application/json"
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in answer.json()["message"]


def test_other_content_encodings_are_refused_by_name(client: httpx.Client) -> None:
    answer = client.post("/v1/traces", content=b"", headers=PROTOBUF | {"content-encoding": "br"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip, zstd, identity")
    assert status_of(answer).message == "Unsupported content encoding br. Use one of gzip, zstd, identity."


def test_other_methods_are_refused(client: httpx.Client) -> None:
    answer = client.get("/v1/traces")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/metrics"])
def test_logs_and_metrics_are_refused_with_a_clear_message(client: httpx.Client, path: str) -> None:
    answer = client.post(path, content=b"", headers=PROTOBUF)
    assert answer.status_code == 404
    assert "laban stores traces only" in answer.text


def test_other_paths_say_where_traces_go(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 404
    assert "POST /v1/traces" in answer.text


def test_a_sender_that_disconnects_during_a_body_does_not_affect_others(
    client: httpx.Client, inbox: Inbox
) -> None:
    host, port = client.base_url.host, client.base_url.port
    with socket.create_connection((host, port or 0)) as connection:
        head = b"POST /v1/traces HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-protobuf\r\n"
        connection.sendall(head + b"content-length: 100\r\n\r\nhalf")
    assert client.post("/v1/traces", content=b"whole", headers=PROTOBUF).status_code == 200
    assert inbox.bodies == [b"whole"]


def test_a_request_in_progress_is_answered_before_the_receiver_stops(inbox: Inbox) -> None:
    inbox.pending = Future()
    receiver = HttpReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())
    with inbox.answering(receiver) as (address, stop):
        sent = inbox.in_background(
            lambda: httpx.post(f"http://{address}/v1/traces", content=b"x", headers=PROTOBUF).status_code
        )
        inbox.arrived.acquire()
        stop()
        inbox.pending.set_result(AcceptedRequest(1))
        assert sent.result(10) == 200


def test_an_address_in_use_is_named_with_the_setting_to_change(inbox: Inbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(*taken.getsockname())
        with (
            pytest.raises(
                AddressInUse, match=rf"cannot listen at {address}: Address already in use.*--otlp-http"
            ),
            started(HttpReceiver(address, inbox.intake(), Access())),
        ):
            pass
