"""Messaging operations: create, send, receive, process and settle, from all their names."""

from typing import Final

from laban.vocabulary import CONSUMER, PRODUCER

CREATE: Final = "create"
SEND: Final = "send"
RECEIVE: Final = "receive"
PROCESS: Final = "process"
SETTLE: Final = "settle"

_TYPES: Final = {
    **dict.fromkeys(("create",), CREATE),
    **dict.fromkeys(("send", "publish", "produce", "enqueue", "basic.publish"), SEND),
    **dict.fromkeys(
        ("receive", "recv", "poll", "pull", "fetch", "peek", "dequeue", "basic.get"),
        RECEIVE,
    ),
    **dict.fromkeys(("process", "deliver", "consume", "handle", "basic.deliver"), PROCESS),
    **dict.fromkeys(
        (
            *("settle", "commit", "ack", "nack", "modack", "reject", "requeue", "delete"),
            *("complete", "abandon", "defer", "dead_letter", "basic.ack", "basic.nack", "basic.reject"),
        ),
        SETTLE,
    ),
}
"""Operation names of the conventions, of brokers and of libraries → operation types."""
_IN_SPAN_NAMES: Final = frozenset(
    (
        *("create", "send", "publish", "receive", "recv", "poll", "process", "deliver", "consume"),
        *("settle", "commit", "ack", "nack"),
    )
)
_CONSUMING: Final = (RECEIVE, PROCESS, SETTLE)


def operation_type(sent: str) -> str:
    """Return the operation type of an operation; an unknown one as sent."""
    return _TYPES.get(sent.lower(), sent)


def known_type(name: str) -> str | None:
    """Return the operation type of a system's own operation name; None if it is unknown."""
    return _TYPES.get(name.lower())


def type_in_span_name(name: str) -> str | None:
    """Return the operation type that a span name says: `orders receive`, `receive orders`; None for none.

    Instrumentations put the operation at the end (conventions before 1.26) or at the beginning.
    """
    for word in (name.rpartition(" ")[2].lower(), name.partition(" ")[0].lower()):
        if word in _IN_SPAN_NAMES:
            return _TYPES[word]
    return None


def normalize_operation(sent: str | None, kind: int, *, messaging: bool, name: str = "") -> str | None:
    """Return the messaging operation in the terms of the current conventions.

    Args:
        sent: the operation in any dialect, or None.
        kind: the OTLP SpanKind. A PRODUCER span sends, even if its operation is `receive`.
        messaging: whether the span has a destination or a messaging system. Without them and without an
            operation, the result is None.
        name: the name of the span, which may say what no attribute does.
    """
    if sent is None and not messaging:
        return None
    operation = type_in_span_name(name) if sent is None else operation_type(sent)
    if kind == PRODUCER and (sent is None or operation != CREATE):
        return SEND
    if kind == CONSUMER and operation not in (RECEIVE, SETTLE):
        return PROCESS
    return operation


def consumes(sent: str | None, kind: int) -> bool:
    """Whether a span with this operation and OTLP SpanKind consumes messages."""
    if kind == CONSUMER:
        return True
    return kind != PRODUCER and sent is not None and operation_type(sent) in _CONSUMING
