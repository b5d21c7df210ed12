"""What OTLP answers, whatever carries it.

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
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from laban_collector.decode.results import Accepted, JsonBody, Outcome
from laban_collector.errors import (
    CollectorError,
    NotAccepting,
    Overloaded,
    RequestTooLarge,
    StoreError,
    UndecodableRequest,
    UploadTooSlow,
)

Submit = Callable[[bytes, Callable[[Outcome], object]], None]
"""Hands the body of a request on; see `Pipeline.submit`."""

TRACES_PATH: Final = "/v1/traces"
"""Where traces are sent to over HTTP."""
TRACES_ONLY: Final = "laban stores traces only: send logs and metrics somewhere else"

_UPLOAD_RETRY: Final = 1.0
_STORE_RETRY: Final = 5.0
"""Seconds; a full disk or the like takes longer to mend than a queue to drain."""


class Refusal(NamedTuple):
    """Why a request was not stored, for both protocols.

    Attributes:
        code: the gRPC status.
        http: the HTTP status.
        message: for the sender.
        retry_after: seconds; None when the sender must not repeat the request.
    """

    code: grpc.StatusCode
    http: int
    message: str
    retry_after: float | None = None

    def headers(self) -> list[tuple[bytes, bytes]]:
        """What HTTP says of it beside its status."""
        if self.retry_after is None:
            return []
        return [(b"retry-after", str(math.ceil(self.retry_after)).encode())]

    def status(self) -> bytes:
        """A google.rpc.Status, which both protocols carry."""
        return bytes(self.as_message().SerializeToString())

    def as_message(self) -> Message:
        """The google.rpc.Status, not written yet."""
        status = Status(code=int(self.code.value[0]), message=self.message)
        if self.retry_after is not None:
            delay = Duration()
            delay.FromMilliseconds(round(self.retry_after * 1000))
            detail = AnyMessage()
            detail.Pack(RetryInfo(retry_delay=delay))
            status.details.append(detail)
        message: Message = status
        return message


TOKEN_NEEDED: Final = Refusal(
    grpc.StatusCode.UNAUTHENTICATED,
    401,
    "This collector needs a token: send `Authorization: Bearer …`; with an OpenTelemetry SDK set "
    "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN.",
)
"""The answer to a sender without the token."""


class Encoding(NamedTuple):
    """How messages are written in a request, and so in its response.

    Attributes:
        content_type: its name in HTTP.
        body: the bytes of a request, as the decoder takes them.
        write: a message to bytes.
    """

    content_type: str
    body: Callable[[bytes], bytes]
    write: Callable[[Message], bytes]


def acknowledge(accepted: Accepted) -> ExportTraceServiceResponse:
    """The response; `partial_success` is unset when there is nothing to say."""
    if not accepted.rejected and not accepted.message:
        return ExportTraceServiceResponse()
    partial = ExportTracePartialSuccess(rejected_spans=accepted.rejected, error_message=accepted.message)
    return ExportTraceServiceResponse(partial_success=partial)


def _to_protobuf(message: Message) -> bytes:
    return message.SerializeToString()


def _to_json(message: Message) -> bytes:
    # Ids are hex in OTLP/JSON and base64 here, but no response holds any.
    return json_format.MessageToJson(message, indent=None, ensure_ascii=False).encode()


PROTOBUF: Final = Encoding("application/x-protobuf", bytes, _to_protobuf)
JSON: Final = Encoding("application/json", JsonBody, _to_json)
ENCODINGS: Final = {encoding.content_type: encoding for encoding in (PROTOBUF, JSON)}


def refuse(error: CollectorError) -> Refusal:
    """What an error means to the sender: repeat the request later, or never."""
    match error:
        case UndecodableRequest():
            return Refusal(grpc.StatusCode.INVALID_ARGUMENT, 400, str(error))
        case RequestTooLarge():
            return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, 413, str(error))
        case UploadTooSlow():
            return Refusal(grpc.StatusCode.UNAVAILABLE, 503, str(error), _UPLOAD_RETRY)
        case Overloaded():
            return Refusal(grpc.StatusCode.UNAVAILABLE, 503, str(error), error.retry_after)
        case NotAccepting():
            return Refusal(grpc.StatusCode.UNAVAILABLE, 503, str(error), _STORE_RETRY)
        case StoreError():
            message = "The store failed, and nothing of this request was kept; the collector's log says why."
            return Refusal(grpc.StatusCode.UNAVAILABLE, 503, message, _STORE_RETRY)
        case _:
            message = "The collector failed on this request; its log says why."
            return Refusal(grpc.StatusCode.INTERNAL, 500, message)
