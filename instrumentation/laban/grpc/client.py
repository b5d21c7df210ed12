"""Clients of sync gRPC: who was called, how it failed, and server streams that stay what gRPC returned.

Stock names no peer, sets no `error.type`, and replaces a server stream by a bare generator that cannot be
cancelled and keeps its span current in the caller's code.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, cast

import grpc
from opentelemetry import trace
from opentelemetry.instrumentation import grpc as stock
from opentelemetry.instrumentation.grpc._client import OpenTelemetryClientInterceptor
from opentelemetry.instrumentation.grpc.grpcext import intercept_channel
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.propagate import inject
from opentelemetry.propagators.textmap import Setter
from opentelemetry.trace import Span, SpanKind, StatusCode

from laban import vocabulary
from laban.client_spans import note_timeout
from laban.fail_open import fail_open, failing_open
from laban.grpc.streaming import note_streaming
from laban.peer_address import peer_attributes

Metadata = tuple[tuple[str, str | bytes], ...] | None
Invoker = Callable[[object, Metadata], Any]


class LabanGrpcClient(stock.GrpcInstrumentorClient):
    """Stock's instrumentor for sync channels, with our interceptor."""

    _instance = None
    _provider: trace.TracerProvider | None = None

    def _instrument(self, **kwargs: Any) -> None:
        self._provider = kwargs.get("tracer_provider")  # stock forgets it
        super()._instrument(**kwargs)  # type: ignore[no-untyped-call]  # stock has no types

    def wrapper_fn(
        self,
        original_func: Callable[..., Any],
        instance: object,  # noqa: ARG002 - stock's signature
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Wrap `grpc.insecure_channel` and `grpc.secure_channel`."""
        channel = original_func(*args, **kwargs)
        target = str(args[0] if args else kwargs.get("target", ""))
        interceptor = ClientInterceptor(
            trace.get_tracer(__name__, tracer_provider=self._provider),
            target,
            filter_=self._filter,
            request_hook=self._request_hook,
            response_hook=self._response_hook,
        )
        return intercept_channel(channel, interceptor)  # type: ignore[no-untyped-call]  # stock has no types


class ClientInterceptor(OpenTelemetryClientInterceptor):
    """The stock interceptor of sync channels, mended."""

    def __init__(self, tracer: trace.Tracer, target: str, **options: Any) -> None:
        super().__init__(tracer, **options)  # type: ignore[no-untyped-call]  # stock has no types
        self._tracer = PeerTracer(tracer, target)

    def intercept_stream(
        self, request_or_iterator: object, metadata: Metadata, client_info: Any, invoker: Invoker
    ) -> Any:
        """Intercept the three kinds of streaming calls."""
        # Stock takes a stream in both directions for a call with one answer.
        traced = is_instrumentation_enabled() and (self._filter is None or self._filter(client_info))
        if traced and client_info.is_server_stream:
            return self._intercept_server_stream(request_or_iterator, metadata, client_info, invoker)
        return super().intercept_stream(request_or_iterator, metadata, client_info, invoker)  # type: ignore[no-untyped-call]  # no types

    def _intercept(self, request: object, metadata: Metadata, client_info: Any, invoker: Invoker) -> Any:
        noting = _noting_errors(client_info, invoker)
        return super()._intercept(request, metadata, client_info, noting)  # type: ignore[no-untyped-call]  # no types

    def _intercept_server_stream(
        self, request_or_iterator: object, metadata: Metadata, client_info: Any, invoker: Invoker
    ) -> Any:
        span = self._tracer.start_span(client_info.full_method)
        _note_call(span, client_info)
        carrier: dict[str, Any] = dict(metadata or ())
        inject(carrier, context=trace.set_span_in_context(span), setter=_LowerCase())
        try:
            stream = invoker(request_or_iterator, tuple(carrier.items()))
        except Exception as error:
            _fail(span, type(error).__qualname__, str(error))
            span.end()
            raise
        _end_with(stream, span)
        return stream


class PeerTracer:
    """A tracer whose client spans say who is called, and who streams where one kind is served."""

    def __init__(self, tracer: trace.Tracer, target: str, streaming: str | None = None) -> None:
        self._tracer = tracer
        self._peer = peer_attributes(target)
        if streaming is not None:
            self._peer[vocabulary.LABAN_RPC_STREAMING] = streaming

    def start_as_current_span(
        self, name: str, *, kind: SpanKind, attributes: dict[str, Any], **options: Any
    ) -> AbstractContextManager[Span]:
        """As `Tracer.start_as_current_span`."""
        return self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes | self._peer, **options
        )

    def start_span(self, full_method: str) -> Span:
        """The client span of a call; it is not made current."""
        service, _, method = full_method.lstrip("/").partition("/")
        attributes: dict[str, Any] = {
            vocabulary.RPC_SYSTEM: "grpc",
            vocabulary.RPC_SERVICE: service,
            vocabulary.RPC_METHOD: method,
        }
        return self._tracer.start_span(full_method, kind=SpanKind.CLIENT, attributes=attributes | self._peer)


@failing_open("cannot record gRPC client errors")
def note_code(span: Span, code: grpc.StatusCode) -> None:
    """Say by `error.type` how a call failed, if it did."""
    if code is not grpc.StatusCode.OK:
        span.set_attribute(vocabulary.ERROR_TYPE, code.name)


class _LowerCase(Setter[dict[str, Any]]):
    """gRPC refuses metadata keys with upper case."""

    def set(self, carrier: dict[str, Any], key: str, value: str) -> None:
        carrier[key.lower()] = value


@failing_open("cannot describe gRPC calls")
def _note_call(span: Span, client_info: Any) -> None:
    note_timeout(span, client_info.timeout)
    note_streaming(
        span, getattr(client_info, "is_client_stream", False), getattr(client_info, "is_server_stream", False)
    )


def _noting_errors(client_info: Any, invoker: Invoker) -> Invoker:
    def noting(request: object, metadata: Metadata) -> Any:
        span = trace.get_current_span()
        _note_call(span, client_info)

        def done(call: Any) -> None:
            note_code(span, call.code())

        try:
            result = invoker(request, metadata)
        except grpc.RpcError as error:
            note_code(span, cast("grpc.Call", error).code())
            raise
        if isinstance(result, grpc.Future):
            result.add_done_callback(done)  # before stock adds the one that ends the span
        return result

    return noting


def note_end_of_stream(span: Span, code: grpc.StatusCode, details: str | None) -> None:
    """Say how a stream ended."""
    span.set_attribute(vocabulary.RPC_GRPC_STATUS_CODE, code.value[0])
    # A stream that its own client cancels has done its work: no error.
    if code not in (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED):
        _fail(span, code.name, details or "")


def _end_with(stream: Any, span: Span) -> None:
    """End the span when the stream ends, however that comes about."""

    @failing_open("cannot end spans of gRPC streams")
    def done(call: Any) -> None:
        note_end_of_stream(span, call.code(), call.details())
        span.end()

    with fail_open("cannot follow gRPC streams"):
        if isinstance(stream, grpc.Future):
            stream.add_done_callback(done)
        else:  # the experimental single-threaded stream
            stream.add_callback(lambda: done(stream))


def _fail(span: Span, error_type: str, description: str) -> None:
    span.set_attribute(vocabulary.ERROR_TYPE, error_type)
    span.set_status(StatusCode.ERROR, f"{error_type}: {description}")
