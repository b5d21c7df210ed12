"""The duties of a server in the OTLP specification, tested on a collector with its database.

Source: the OTLP specification 1.x; the sections are named in the rows.
"""

import gzip
import json
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import grpc
import httpx
import pytest
import zstandard
from google.protobuf import json_format
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_app.server.collector import Endpoints
from laban_collector.address import Address
from laban_collector.errors import CollectorError, NotAccepting, Overloaded, StoreError
from laban_collector.receive.access import Access
from laban_collector.receive.grpc import GrpcReceiver
from laban_collector.receive.http import HttpReceiver
from laban_collector.store.duckdb.connection.database import Database

from ..receivers import Inbox, started
from ..requests import body, request, span
from ..running import running_collector

LIMIT = 50_000
ELEMENTS = 2_000
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
# An undefined field before and after the defined ones.
UNKNOWN = b"\xfa\x3f\x03new" + body(span(7)) + b"\xf8\x3f\x01"
MALFORMED = body(span(1), Span(name="no ids"), Span(trace_id=bytes(16), span_id=bytes(8)))
BOMB = request(*[Span()] * (ELEMENTS + 1)).SerializeToString()
JSON_SPAN = {
    "traceId": "f0e1d2c3b4a5968778695a4b3c2d1e0f",
    "spanId": "fedcba9876543210",
    "name": "span",
    "startTimeUnixNano": "1795000000000000000",
    "endTimeUnixNano": "1795000000005000000",
}


def in_json(*spans: dict[str, Any], **more: Any) -> bytes:
    document = {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}], **more}
    return json.dumps(document).encode()


class Answer(NamedTuple):
    """An expected response.

    Attributes:
        http: the HTTP status.
        grpc: the gRPC status.
        rejected: spans that were rejected; None: `partial_success` is unset.
    """

    http: int
    grpc: grpc.StatusCode
    rejected: int | None = None


OK = Answer(200, grpc.StatusCode.OK)
UNDECODABLE = Answer(400, grpc.StatusCode.INVALID_ARGUMENT)
TOO_LARGE = Answer(413, grpc.StatusCode.RESOURCE_EXHAUSTED)

BODIES = {
    "full success: partial_success is unset": (body(span()), in_json(JSON_SPAN), OK),
    "partial success: the exact count": (
        MALFORMED,
        in_json(JSON_SPAN, JSON_SPAN | {"traceId": "12"}, JSON_SPAN | {"spanId": "0" * 16}),
        OK._replace(rejected=2),
    ),
    "an empty request is a success": (b"", b"{}", OK),
    "a request without spans is a success": (request().SerializeToString(), in_json(), OK),
    "unknown fields are ignored": (UNKNOWN, in_json(JSON_SPAN | {"new": [1]}, new={"a": 1}), OK),
    "bad data: what cannot be decoded must not be repeated": (b"\xff", b"{", UNDECODABLE),
    "bad data: it ends too early": (body(span())[:-1], in_json(JSON_SPAN)[:-1], UNDECODABLE),
    "the limit of bytes": (bytes(LIMIT + 1), b" " * (LIMIT + 1), TOO_LARGE),
}

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
}

FAILURES = {
    "overload: when to try again": Overloaded("full", 1.5),
    "stopping: try again": NotAccepting("stopping"),
    "a failed store: try again": StoreError("disk full"),
}


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Generator[Endpoints, None, None]:
    limits = {"max_request_bytes": LIMIT, "max_in_flight_bytes": 10 * LIMIT, "max_elements": ELEMENTS}
    with (
        Database.open(tmp_path_factory.mktemp("duties") / "laban.duckdb") as database,
        running_collector(database, **limits) as endpoints,
    ):
        yield endpoints


def post(address: object, content: bytes, content_type: str, **headers: str) -> httpx.Response:
    headers |= {"content-type": content_type}
    return httpx.post(f"http://{address}/v1/traces", content=content, headers=headers, trust_env=False)


def export(address: object, content: bytes) -> ExportTraceServiceResponse:
    with grpc.insecure_channel(str(address)) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
        return ExportTraceServiceResponse.FromString(bytes(call(content, timeout=10)))


def refusal(address: object, content: bytes) -> tuple[grpc.StatusCode, Status]:
    with pytest.raises(grpc.RpcError) as caught:
        export(address, content)
    assert isinstance(caught.value, grpc.Call)
    return caught.value.code(), status_of(caught.value)


def status_of(error: grpc.Call) -> Status:
    """Return the status in the trailers; grpcio itself refuses large messages without one."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    assert isinstance(details, bytes)
    return Status.FromString(details)


def message_of(answer: httpx.Response, kind: Any) -> Any:
    """Parse the body as a message, by its content type."""
    if answer.headers["content-type"] == PROTOBUF:
        return kind.FromString(answer.content)
    return json_format.Parse(answer.content, kind())


def retry_delays(status: Status) -> list[float]:
    delays = []
    for detail in status.details:
        retry = RetryInfo()
        assert detail.Unpack(retry)
        delays.append(retry.retry_delay.ToTimedelta().total_seconds())
    return delays


def check_success(response: ExportTraceServiceResponse, expected: Answer) -> None:
    assert response.HasField("partial_success") == (expected.rejected is not None)
    assert response.partial_success.rejected_spans == (expected.rejected or 0)
    assert bool(response.partial_success.error_message) == bool(expected.rejected)


@pytest.mark.parametrize("content_encoding", COMPRESS)
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("duty", BODIES)
def test_http(collector: Endpoints, duty: str, content_type: str, content_encoding: str) -> None:
    in_protobuf, as_json, expected = BODIES[duty]
    content = in_protobuf if content_type == PROTOBUF else as_json
    sent = COMPRESS[content_encoding](content)
    answer = post(collector.http, sent, content_type, **{"content-encoding": content_encoding})
    assert answer.status_code == expected.http
    assert answer.headers["content-type"] == content_type
    assert "retry-after" not in answer.headers
    if expected.http == 200:
        check_success(message_of(answer, ExportTraceServiceResponse), expected)
    else:
        status = message_of(answer, Status)
        assert (status.code, bool(status.message)) == (expected.grpc.value[0], True)
        assert retry_delays(status) == []


@pytest.mark.parametrize("duty", BODIES)
def test_grpc(collector: Endpoints, duty: str) -> None:
    content, _, expected = BODIES[duty]
    if expected.http == 200:
        check_success(export(collector.grpc, content), expected)
        return
    code, status = refusal(collector.grpc, content)
    assert code == expected.grpc
    assert retry_delays(status) == []


def test_more_elements_than_the_limit_are_too_large(collector: Endpoints) -> None:
    assert len(BOMB) < LIMIT
    assert post(collector.http, BOMB, PROTOBUF).status_code == 413
    assert refusal(collector.grpc, BOMB)[0] == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("duty", FAILURES)
def test_http_temporary_failures(duty: str, content_type: str) -> None:
    inbox = failing(FAILURES[duty])
    with started(HttpReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())) as address:
        answer = post(address, b"", content_type)
    assert (answer.status_code, answer.headers["content-type"]) == (503, content_type)
    assert int(answer.headers["retry-after"]) >= 1
    status = message_of(answer, Status)
    assert status.code == grpc.StatusCode.UNAVAILABLE.value[0]
    assert retry_delays(status)[0] > 0


@pytest.mark.parametrize("duty", FAILURES)
def test_grpc_temporary_failures(duty: str) -> None:
    inbox = failing(FAILURES[duty])
    with started(GrpcReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())) as address:
        code, status = refusal(address, b"")
    assert code == grpc.StatusCode.UNAVAILABLE
    assert retry_delays(status)[0] > 0


def failing(error: CollectorError) -> Inbox:
    inbox = Inbox()
    inbox.refusal = error
    return inbox


@pytest.mark.parametrize(
    ("method", "path", "content_type", "status"),
    [
        ("GET", "/v1/traces", PROTOBUF, 405),
        ("PUT", "/v1/traces", JSON, 405),
        ("POST", "/v1/traces", "text/plain", 415),
        ("POST", "/v1/logs", PROTOBUF, 404),
        ("POST", "/v1/metrics", JSON, 404),
        ("POST", "/elsewhere", PROTOBUF, 404),
    ],
)
def test_other_requests_get_an_error_status(
    collector: Endpoints, method: str, path: str, content_type: str, status: int
) -> None:
    answer = httpx.request(method, f"http://{collector.http}{path}", headers={"content-type": content_type})
    assert answer.status_code == status
    assert answer.headers["content-type"] == (content_type if content_type == PROTOBUF else JSON)
    assert message_of(answer, Status).message


@pytest.mark.parametrize("signal", ["logs.v1.LogsService", "metrics.v1.MetricsService"])
def test_other_signals_are_unimplemented(collector: Endpoints, signal: str) -> None:
    with grpc.insecure_channel(collector.grpc) as channel:
        method = f"/opentelemetry.proto.collector.{signal}/Export"
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        with pytest.raises(grpc.RpcError, match="laban stores traces only") as caught:
            call(b"", timeout=10)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
