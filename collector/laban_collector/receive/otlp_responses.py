"""OTLP responses for gRPC and HTTP: success, partial success and errors.

Source: the OTLP specification 1.x, sections "OTLP/gRPC Response" and "OTLP/HTTP Response".
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import grpc
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from laban_collector.decode.results import AcceptedRequest, JsonBody
from laban_collector.errors import (
    CollectorError,
    NotAccepting,
    Overloaded,
    RequestTooLarge,
    StoreError,
    UndecodableRequest,
    UploadTooSlow,
)

TRACES_PATH: Final = "/v1/traces"
"""The path of trace exports over HTTP."""
LOGS_PATH: Final = "/v1/logs"
TRACES_ONLY: Final = "laban stores traces only; send logs and metrics to another backend"
LOGS_OFF: Final = f"{TRACES_ONLY}. LABAN_LOGS=true makes it store the logs of traces"
TRACES_AND_LOGS_ONLY: Final = "laban stores traces and their logs only; send metrics to another backend"

_UPLOAD_RETRY: Final = 1.0
_STORE_RETRY: Final = 5.0
"""Seconds. Fixing a full disk takes longer than draining a queue."""


class ErrorResponse(NamedTuple):
    """An error response for either protocol.

    Attributes:
        grpc_status: the gRPC status code.
        http_status: the HTTP status code.
        message: the error message for the sender.
        retry_after: seconds; None if the sender must not retry.
    """

    grpc_status: grpc.StatusCode
    http_status: int
    message: str
    retry_after: float | None = None

    def http_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the HTTP headers of this error."""
        if self.retry_after is None:
            return []
        return [(b"retry-after", str(math.ceil(self.retry_after)).encode())]

    def status_bytes(self) -> bytes:
        """Return the google.rpc.Status of this error, serialized."""
        return bytes(self.status_message().SerializeToString())

    def status_message(self) -> Message:
        """Return the google.rpc.Status of this error; both protocols carry one."""
        status = Status(code=int(self.grpc_status.value[0]), message=self.message)
        if self.retry_after is not None:
            delay = Duration()
            delay.FromMilliseconds(round(self.retry_after * 1000))
            detail = AnyMessage()
            detail.Pack(RetryInfo(retry_delay=delay))
            status.details.append(detail)
        message: Message = status
        return message


TOKEN_REQUIRED: Final = ErrorResponse(
    grpc.StatusCode.UNAUTHENTICATED,
    401,
    "This collector requires a token. Send `Authorization: Bearer TOKEN`; with an OpenTelemetry SDK, set "
    "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN.",
)
"""The response to a request without the token."""


class Encoding(NamedTuple):
    """An encoding of OTLP/HTTP messages; the response uses the encoding of the request.

    Attributes:
        content_type: the media type.
        body: wraps the bytes of a request for the decoder.
        serialize: serializes a response message.
    """

    content_type: str
    body: Callable[[bytes], bytes]
    serialize: Callable[[Message], bytes]


def export_response(accepted: AcceptedRequest) -> ExportTraceServiceResponse:
    """Return the success response; `partial_success` is unset if there is nothing to report."""
    if not accepted.rejected and not accepted.message:
        return ExportTraceServiceResponse()
    partial = ExportTracePartialSuccess(rejected_spans=accepted.rejected, error_message=accepted.message)
    return ExportTraceServiceResponse(partial_success=partial)


def logs_response(accepted: AcceptedRequest) -> ExportLogsServiceResponse:
    """Return the success response for logs; `AcceptedRequest` counts records where it says spans."""
    if not accepted.rejected and not accepted.message:
        return ExportLogsServiceResponse()
    partial = ExportLogsPartialSuccess(rejected_log_records=accepted.rejected, error_message=accepted.message)
    return ExportLogsServiceResponse(partial_success=partial)


def _to_protobuf(message: Message) -> bytes:
    return message.SerializeToString()


def _to_json(message: Message) -> bytes:
    # OTLP/JSON writes ids as hex, and this function as base64; no response contains an id.
    return json_format.MessageToJson(message, indent=None, ensure_ascii=False).encode()


PROTOBUF: Final = Encoding("application/x-protobuf", bytes, _to_protobuf)
JSON: Final = Encoding("application/json", JsonBody, _to_json)
ENCODINGS: Final = {encoding.content_type: encoding for encoding in (PROTOBUF, JSON)}


def error_response(error: CollectorError) -> ErrorResponse:
    """Return the response for an error: whether the sender must retry, and when."""
    match error:
        case UndecodableRequest():
            return ErrorResponse(grpc.StatusCode.INVALID_ARGUMENT, 400, str(error))
        case RequestTooLarge():
            return ErrorResponse(grpc.StatusCode.RESOURCE_EXHAUSTED, 413, str(error))
        case UploadTooSlow():
            return ErrorResponse(grpc.StatusCode.UNAVAILABLE, 503, str(error), _UPLOAD_RETRY)
        case Overloaded():
            return ErrorResponse(grpc.StatusCode.UNAVAILABLE, 503, str(error), error.retry_after)
        case NotAccepting():
            return ErrorResponse(grpc.StatusCode.UNAVAILABLE, 503, str(error), _STORE_RETRY)
        case StoreError():
            message = "The collector could not store this request; see its log. Nothing of it was stored."
            return ErrorResponse(grpc.StatusCode.UNAVAILABLE, 503, message, _STORE_RETRY)
        case _:
            message = "The collector failed to process this request; see its log."
            return ErrorResponse(grpc.StatusCode.INTERNAL, 500, message)
