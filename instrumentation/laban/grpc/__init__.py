"""gRPC: patches for the instrumentations of its servers and of its sync and asyncio clients."""

from opentelemetry.trace import Span

from laban import vocabulary


def set_streaming(span: Span, by_client: object, by_server: object) -> None:
    """Record on the span of an RPC which side streams; does nothing for a unary call.

    A stream of prices lasts as long as somebody watches it, so its duration says nothing about latency.
    """
    if by_client or by_server:
        side = ("bidi" if by_server else "client") if by_client else "server"
        span.set_attribute(vocabulary.LABAN_RPC_STREAMING, side)
