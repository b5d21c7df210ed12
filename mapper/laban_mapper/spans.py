"""Readings of a span: its kind, its protocol, its operation and its error."""

from typing import Final

from laban.vocabulary import (
    CELERY_TASK_NAME,
    EXCEPTION_EVENT,
    EXCEPTION_MESSAGE,
    EXCEPTION_TYPE,
    RPC_STATUS_DIALECTS,
    URL_FULL_DIALECTS,
    URL_PATH_DIALECTS,
)
from laban_collector.store.rows import Span

UNSPECIFIED: Final = 0
INTERNAL: Final = 1
SERVER: Final = 2
CLIENT: Final = 3
PRODUCER: Final = 4
CONSUMER: Final = 5
ERROR: Final = 2

KIND_NAMES: Final = {0: "unspecified", 1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
STATUS_NAMES: Final = {0: "unset", 1: "ok", 2: "error"}

NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000

_SENDING: Final = frozenset({"send", "publish"})
_RECEIVING: Final = frozenset({"receive", "poll"})
_SETTLING: Final = frozenset({"settle", "commit", "ack"})

_CANCELLED: Final = frozenset({"1", "4", "CANCELLED", "DEADLINE_EXCEEDED"})
_CANCEL_MARKS: Final = (
    "cancellederror",
    "clientdisconnect",
    "context canceled",
    "request cancel",
    "call cancel",
)
_CLIENT_CLOSED: Final = 499
"""The status with which proxies log a request whose client did not wait."""

TIMEOUT_MARKS: Final = ("timeout", "timed out", "deadline")


def operation_of(span: Span) -> str:
    """What the span did, in the terms of its protocol: `GET /users/{id}`, `publish orders`.

    A Celery queue serves many tasks, so the name of the task is added.
    """
    if span.topic is not None:
        verb = _verb_of(span)
        task = span.attributes.get(CELERY_TASK_NAME)
        return f"{verb} {span.topic} ({task})" if task else f"{verb} {span.topic}"
    if span.rpc_method is not None:
        return f"{span.rpc_service}/{span.rpc_method}" if span.rpc_service else span.rpc_method
    if span.http_method is not None:
        where = span.http_route or _path_of(span)
        return f"{span.http_method} {where}" if where else span.name
    return span.name


def is_create(span: Span) -> bool:
    """Whether the span creates a message that another span sends."""
    return span.kind == PRODUCER and span.messaging_operation == "create"


def is_publishing(span: Span) -> bool:
    """Whether the span publishes messages: a PRODUCER, or the `send` of a client or a span without a kind."""
    return span.kind == PRODUCER or (
        span.messaging_operation in _SENDING and span.kind not in {SERVER, CONSUMER}
    )


def is_receiving(span: Span) -> bool:
    """Whether the span fetched messages, but did not process them."""
    return span.kind in {CLIENT, CONSUMER} and span.messaging_operation in _RECEIVING


def is_settling(span: Span) -> bool:
    """Whether the span only acknowledged messages."""
    return span.messaging_operation in _SETTLING


def is_consuming(span: Span) -> bool:
    """Whether the span consumes messages by its own word: a CONSUMER, or a client that received.

    Some libraries process messages in a span of another kind.
    """
    if span.kind == CONSUMER:
        return not is_settling(span)
    return is_receiving(span) or (span.kind != PRODUCER and span.messaging_operation == "process")


def protocol_of(span: Span) -> str:
    """The protocol of the span: `http`, `grpc`, `kafka`, a database system; empty if unknown."""
    return (
        span.messaging_system
        or span.db_system
        or span.rpc_system
        or ("http" if span.http_method is not None or span.http_status is not None else "")
    )


def failed(span: Span) -> bool:
    """Whether the span ended in an error: by its status, or by an HTTP status of 500 or above."""
    return span.status == ERROR or (span.http_status or 0) >= 500


def error_of(span: Span) -> str | None:
    """The error in one line: the exception's type and message, the status message, or the HTTP status."""
    if not failed(span):
        return None
    for event in reversed(span.events):
        if event.name == EXCEPTION_EVENT:
            kind = str(event.attributes.get(EXCEPTION_TYPE, "")).rsplit(".", 1)[-1]
            message = str(event.attributes.get(EXCEPTION_MESSAGE, ""))
            return _one_line(": ".join(part for part in (kind, message) if part))
    if span.status_message:
        return _one_line(span.status_message)
    if span.http_status is not None:
        return f"HTTP {span.http_status}"
    return span.error_type or "error"


def rpc_status_of(span: Span) -> str | None:
    """The status code of an RPC, as a number or a name; None if the span has none."""
    found = next((span.attributes[key] for key in RPC_STATUS_DIALECTS if key in span.attributes), None)
    return None if found is None else str(found)


def error_kinds_of(span: Span) -> str:
    """The types of the errors that a span recorded; empty if it recorded none."""
    exceptions = [event.attributes for event in span.events if event.name == EXCEPTION_EVENT]
    kinds = [span.error_type or "", *(str(found.get(EXCEPTION_TYPE, "")) for found in exceptions)]
    return " ".join(kind for kind in kinds if kind)


def is_cancelled(span: Span) -> bool:
    """Whether a span failed because its caller no longer waited."""
    if not failed(span):
        return False
    code = rpc_status_of(span)
    if code is not None:
        return code.upper() in _CANCELLED
    words = f"{error_kinds_of(span)} {span.status_message or ''}".lower()
    return span.http_status == _CLIENT_CLOSED or any(mark in words for mark in _CANCEL_MARKS)


def timed_out(span: Span) -> bool:
    """Whether the span failed with a timeout."""
    if not failed(span):
        return False
    words = f"{span.error_type or ''} {error_of(span) or ''}".lower()
    return any(mark in words for mark in TIMEOUT_MARKS)


def _verb_of(span: Span) -> str:
    """What a messaging span did. A client that only received is not said to have processed."""
    operation = span.messaging_operation
    if span.kind == PRODUCER:
        return "create" if operation == "create" else "publish"
    if span.kind == CONSUMER:
        return operation if operation in {*_RECEIVING, *_SETTLING} else "process"
    return operation or "use"


def _path_of(span: Span) -> str | None:
    for key in (*URL_PATH_DIALECTS, *URL_FULL_DIALECTS):
        text = span.attributes.get(key)
        if isinstance(text, str):
            path = text.split("?", 1)[0]
            return "/" + path.split("://", 1)[1].partition("/")[2] if "://" in path else path
    return None


def _one_line(text: str, limit: int = 300) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
