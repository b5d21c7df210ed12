"""Sync gRPC clients: adds peer and error type to client spans, and keeps server streams as gRPC returns them.

Upstream sets neither a peer nor `error.type`. It replaces a server stream with a plain generator, which
cannot be cancelled and keeps its span current in the caller's code.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, cast

import grpc
from opentelemetry import trace
from opentelemetry.instrumentation import grpc as upstream
from opentelemetry.instrumentation.grpc._client import OpenTelemetryClientInterceptor
from opentelemetry.instrumentation.grpc.grpcext import intercept_channel
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.propagate import inject
from opentelemetry.propagators.textmap import Setter
from opentelemetry.trace import Span, SpanKind, StatusCode

from laban import vocabulary
from laban.client_spans import set_timeout
from laban.fail_open import fail_open, failing_open
from laban.grpc import set_streaming
from laban.peer_address import peer_attributes

Metadata = tuple[tuple[str, str | bytes], ...] | None
Invoker = Callable[[object, Metadata], Any]


class LabanGrpcClient(upstream.GrpcInstrumentorClient):
    """Upstream's instrumentor for sync channels, with laban's interceptor."""

    _instance = None
    _provider: trace.TracerProvider | None = None

    def _instrument(self, **kwargs: Any) -> None:
        self._provider = kwargs.get("tracer_provider")  # upstream drops it
        super()._instrument(**kwargs)  # type: ignore[no-untyped-call]  # upstream has no types

    def wrapper_fn(
        self,
        original_func: Callable[..., Any],
        instance: object,  # noqa: ARG002 - upstream's signature
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Wrap `grpc.insecure_channel` and `grpc.secure_channel`."""
        channel = original_func(*args, **kwargs)
        target = str(args[0] if args else kwargs.get("target", ""))
        interceptor = ClientInterceptor(
            trace.get_tracer(vocabulary.SCOPE_GRPC, tracer_provider=self._provider),
            target,
            filter_=self._filter,
            request_hook=self._request_hook,
            response_hook=self._response_hook,
        )
        return intercept_channel(channel, interceptor)  # type: ignore[no-untyped-call]  # upstream has no types


class ClientInterceptor(OpenTelemetryClientInterceptor):
    """Upstream's interceptor for sync channels, patched."""

    def __init__(self, tracer: trace.Tracer, target: str, **options: Any) -> None:
        super().__init__(tracer, **options)  # type: ignore[no-untyped-call]  # upstream has no types
        self._tracer = PeerTracer(tracer, target)

    def intercept_stream(
        self, request_or_iterator: object, metadata: Metadata, client_info: Any, invoker: Invoker
    ) -> Any:
        """Intercept the three kinds of streaming calls."""
        # Upstream treats a bidirectional stream as a call with a single response.
        traced = is_instrumentation_enabled() and (self._filter is None or self._filter(client_info))
        if traced and client_info.is_server_stream:
            return self._intercept_server_stream(request_or_iterator, metadata, client_info, invoker)
        return super().intercept_stream(request_or_iterator, metadata, client_info, invoker)  # type: ignore[no-untyped-call]  # no types

    def _intercept(self, request: object, metadata: Metadata, client_info: Any, invoker: Invoker) -> Any:
        recording = _recording_errors(client_info, invoker)
        return super()._intercept(request, metadata, client_info, recording)  # type: ignore[no-untyped-call]  # no types

    def _intercept_server_stream(
        self, request_or_iterator: object, metadata: Metadata, client_info: Any, invoker: Invoker
    ) -> Any:
        span = self._tracer.start_span(client_info.full_method)
        _describe_call(span, client_info)
        carrier: dict[str, Any] = dict(metadata or ())
        inject(carrier, context=trace.set_span_in_context(span), setter=_LowerCaseSetter())
        try:
            stream = invoker(request_or_iterator, tuple(carrier.items()))
        except Exception as error:
            _fail(span, type(error).__qualname__, str(error))
            span.end()
            raise
        _end_span_with_stream(stream, span)
        return stream


class PeerTracer:
    """A tracer that adds the peer to client spans, and the streaming side if it is fixed."""

    def __init__(self, tracer: trace.Tracer, target: str, streaming: str | None = None) -> None:
        self._tracer = tracer
        self._peer = peer_attributes(target)
        if streaming is not None:
            self._peer[vocabulary.LABAN_RPC_STREAMING] = streaming

    def start_as_current_span(
        self, name: str, *, kind: SpanKind, attributes: dict[str, Any], **options: Any
    ) -> AbstractContextManager[Span]:
        """Like `Tracer.start_as_current_span`."""
        return self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes | self._peer, **options
        )

    def start_span(self, full_method: str) -> Span:
        """Start the client span of a call, without making it current."""
        service, _, method = full_method.lstrip("/").partition("/")
        attributes: dict[str, Any] = {
            vocabulary.RPC_SYSTEM: "grpc",
            vocabulary.RPC_SERVICE: service,
            vocabulary.RPC_METHOD: method,
        }
        return self._tracer.start_span(full_method, kind=SpanKind.CLIENT, attributes=attributes | self._peer)


@failing_open("cannot record gRPC client errors")
def record_code(span: Span, code: grpc.StatusCode) -> None:
    """Set `error.type` to the status code of a failed call."""
    if code is not grpc.StatusCode.OK:
        span.set_attribute(vocabulary.ERROR_TYPE, code.name)


class _LowerCaseSetter(Setter[dict[str, Any]]):
    """Writes lower-case keys; gRPC rejects upper case in metadata keys."""

    def set(self, carrier: dict[str, Any], key: str, value: str) -> None:
        carrier[key.lower()] = value


@failing_open("cannot describe gRPC calls")
def _describe_call(span: Span, client_info: Any) -> None:
    set_timeout(span, client_info.timeout, vocabulary.TIMEOUT_OF_CALL)
    set_streaming(
        span, getattr(client_info, "is_client_stream", False), getattr(client_info, "is_server_stream", False)
    )


def _recording_errors(client_info: Any, invoker: Invoker) -> Invoker:
    def invoke(request: object, metadata: Metadata) -> Any:
        span = trace.get_current_span()
        _describe_call(span, client_info)

        def done(call: Any) -> None:
            record_code(span, call.code())

        try:
            result = invoker(request, metadata)
        except grpc.RpcError as error:
            record_code(span, cast("grpc.Call", error).code())
            raise
        if isinstance(result, grpc.Future):
            result.add_done_callback(done)  # before upstream adds the callback that ends the span
        return result

    return invoke


def record_stream_end(span: Span, code: grpc.StatusCode, details: str | None) -> None:
    """Record the status of a stream that has ended."""
    span.set_attribute(vocabulary.RPC_GRPC_STATUS_CODE, code.value[0])
    # Cancelling a stream is the normal way for its client to end it, so it is not an error.
    if code not in (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED):
        _fail(span, code.name, details or "")


def _end_span_with_stream(stream: Any, span: Span) -> None:
    """End the span when the stream ends for any reason."""

    @failing_open("cannot end spans of gRPC streams")
    def done(call: Any) -> None:
        record_stream_end(span, call.code(), call.details())
        span.end()

    with fail_open("cannot trace gRPC streams"):
        if isinstance(stream, grpc.Future):
            stream.add_done_callback(done)
        else:  # gRPC's experimental single-threaded stream
            stream.add_callback(lambda: done(stream))


def _fail(span: Span, error_type: str, description: str) -> None:
    span.set_attribute(vocabulary.ERROR_TYPE, error_type)
    span.set_status(StatusCode.ERROR, f"{error_type}: {description}")
