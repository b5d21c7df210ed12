import socket
import threading
from collections.abc import Generator
from concurrent.futures import Future

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from laban_collector.address import Address
from laban_collector.decode.results import AcceptedRequest
from laban_collector.errors import AddressInUse, Overloaded, StoreError, UndecodableRequest
from laban_collector.receive.access import Access
from laban_collector.receive.grpc import GrpcReceiver

from ..receivers import LIMIT, Inbox, started

SERVICE = "/opentelemetry.proto.collector.{}.v1.{}Service/Export"
TRACES = SERVICE.format("trace", "Trace")


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def channel(inbox: Inbox) -> Generator[grpc.Channel, None, None]:
    receiver = GrpcReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())
    with started(receiver) as address, grpc.insecure_channel(str(address)) as connected:
        yield connected


def call(channel: grpc.Channel, body: bytes, method: str = TRACES, *, compressed: bool = False) -> bytes:
    compression = grpc.Compression.Gzip if compressed else grpc.Compression.NoCompression
    send: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    return bytes(send(body, timeout=10, compression=compression))


def refused(channel: grpc.Channel, body: bytes, *, compressed: bool = False) -> grpc.Call:
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, body, compressed=compressed)
    assert isinstance(caught.value, grpc.Call)
    return caught.value


def details(error: grpc.Call) -> Status:
    trailers = dict(error.trailing_metadata() or ())
    sent = trailers["grpc-status-details-bin"]
    assert isinstance(sent, bytes)
    return Status.FromString(sent)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_body_reaches_the_pipeline_unchanged(
    channel: grpc.Channel, inbox: Inbox, *, compressed: bool
) -> None:
    assert call(channel, b"abc" * 500, compressed=compressed) == b""
    assert inbox.bodies == [b"abc" * 500]


def test_rejected_spans_are_a_partial_success(channel: grpc.Channel, inbox: Inbox) -> None:
    inbox.answer = AcceptedRequest(1, 2, "why")
    partial = ExportTraceServiceResponse.FromString(call(channel, b"")).partial_success
    assert (partial.rejected_spans, partial.error_message) == (2, "why")


def test_an_undecodable_body_is_refused_without_a_retry(channel: grpc.Channel, inbox: Inbox) -> None:
    inbox.answer = UndecodableRequest("no OTLP")
    error = refused(channel, b"\xff")
    assert (error.code(), error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "no OTLP")
    assert not details(error).details


def test_an_overloaded_collector_says_when_to_retry(channel: grpc.Channel, inbox: Inbox) -> None:
    inbox.refusal = Overloaded("full", 1.5)
    error = refused(channel, b"")
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    retry = RetryInfo()
    assert details(error).details[0].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1500


def test_a_failed_store_asks_for_a_retry(channel: grpc.Channel, inbox: Inbox) -> None:
    inbox.answer = StoreError("/secret/place: disk full")
    error = refused(channel, b"")
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    assert details(error).details
    assert "/secret/place" not in (error.details() or "")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_body_over_the_limit_is_refused_compressed_or_not(
    channel: grpc.Channel, inbox: Inbox, *, compressed: bool
) -> None:
    error = refused(channel, bytes(LIMIT + 1), compressed=compressed)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not inbox.bodies


@pytest.mark.parametrize(("package", "name"), [("logs", "Logs"), ("metrics", "Metrics")])
def test_logs_and_metrics_are_refused_with_a_clear_message(
    channel: grpc.Channel, package: str, name: str
) -> None:
    with pytest.raises(grpc.RpcError, match="laban stores traces only") as caught:
        call(channel, b"", SERVICE.format(package, name))
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_call_in_progress_is_answered_before_the_receiver_stops(inbox: Inbox) -> None:
    inbox.pending = Future()
    receiver = GrpcReceiver(Address("127.0.0.1", 0), inbox.intake(), Access())
    with (
        inbox.answering(receiver) as (address, stop),
        grpc.insecure_channel(str(address)) as channel,
    ):
        sent = inbox.in_background(lambda: call(channel, b"x"))
        inbox.arrived.acquire()
        stop()
        inbox.pending.set_result(AcceptedRequest(1))
        assert sent.result(10) == b""


def test_an_address_in_use_is_named_with_the_setting_to_change(inbox: Inbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(*taken.getsockname())
        with (
            pytest.raises(AddressInUse, match=rf"cannot listen at {address}.*--otlp-grpc"),
            started(GrpcReceiver(address, inbox.intake(), Access())),
        ):
            pass


def test_only_the_token_is_accepted(inbox: Inbox) -> None:
    receiver = GrpcReceiver(Address("127.0.0.1", 0), inbox.intake(), Access("correct-horse"))
    with started(receiver) as address, grpc.insecure_channel(str(address)) as channel:
        error = refused(channel, b"x")
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED
        assert details(error).code == 16
        assert not inbox.bodies
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(TRACES)
        assert export(b"x", metadata=(("authorization", "Bearer correct-horse"),), timeout=10) == b""


def test_a_message_that_times_out_may_be_retried(inbox: Inbox) -> None:
    receiver = GrpcReceiver(Address("127.0.0.1", 0), inbox.intake(upload_timeout=0.1), Access())
    never = threading.Event()
    with started(receiver) as address, grpc.insecure_channel(str(address)) as channel:
        send: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(TRACES)
        with pytest.raises(grpc.RpcError, match=r"longer than 0\.1 s") as caught:
            send((b"" for _ in iter(never.wait, True)), timeout=10)
        never.set()
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_call_without_a_message_is_refused(channel: grpc.Channel, inbox: Inbox) -> None:
    send: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(TRACES)
    with pytest.raises(grpc.RpcError, match="contains no message") as caught:
        send(iter(()), timeout=10)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert not inbox.bodies
