"""Streaming RPCs: a stream of prices lasts as long as somebody watches, which says nothing about latency."""

from opentelemetry.trace import Span

from laban import vocabulary


def note_streaming(span: Span, by_client: object, by_server: object) -> None:
    """Say on the span of an RPC who streams; nothing for one request and one answer."""
    if by_client or by_server:
        who = ("bidi" if by_server else "client") if by_client else "server"
        span.set_attribute(vocabulary.LABAN_RPC_STREAMING, who)
