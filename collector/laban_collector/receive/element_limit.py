"""A limit on the elements of a request, checked before the request is decoded.

A span of two bytes takes 172 bytes in memory, so a small body can become a large tree. The count goes level
by
level: the messages of one level, concatenated, are one message with the children of all of them (protobuf
merges repeated fields), so one call of the library parses a whole level. Most bodies are too short to exceed
the limit and are not counted.

Source: "Last One Wins" and merging in protobuf's encoding guide; opentelemetry-proto 1.x for the numbers.
"""

from typing import Any, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from laban_collector.errors import UndecodableRequest

_PACKAGE: Final = "laban.elements"
_SMALLEST: Final = 2
"""Bytes of an empty nested message: its tag and its length."""
_SMALLEST_JSON: Final = 3
"""Bytes of an empty object in a list, with its comma."""

_CHILDREN: Final[dict[str, dict[int, str]]] = {
    "Request": {1: "ResourceSpans"},
    "ResourceSpans": {1: "Resource", 2: "ScopeSpans"},
    "Resource": {1: "KeyValue", 3: "EntityRef"},
    "EntityRef": {3: "Text", 4: "Text"},
    "ScopeSpans": {1: "Scope", 2: "Span"},
    "Scope": {3: "KeyValue"},
    "Span": {9: "KeyValue", 11: "Event", 13: "Link"},
    "Event": {3: "KeyValue"},
    "Link": {4: "KeyValue"},
    "KeyValue": {2: "AnyValue"},
    "AnyValue": {5: "ArrayValue", 6: "KeyValueList"},
    "ArrayValue": {1: "AnyValue"},
    "KeyValueList": {1: "KeyValue"},
    "Text": {},
    "LogsRequest": {1: "ResourceLogs"},
    "ResourceLogs": {1: "Resource", 2: "ScopeLogs"},
    "ScopeLogs": {1: "Scope", 2: "LogRecord"},
    "LogRecord": {5: "AnyValue", 6: "KeyValue"},
}
"""The fields of each message that are repeated or lead to repeated fields: number and type."""


TRACES: Final = "Request"
LOGS: Final = "LogsRequest"
_NAMES: Final = {TRACES: "ExportTraceServiceRequest", LOGS: "ExportLogsServiceRequest"}


def too_many_elements(body: bytes, limit: int, request: str = TRACES) -> bool:
    """Whether a request contains more than `limit` messages.

    Args:
        body: of the request.
        limit: of its messages.
        request: TRACES or LOGS.

    Raises:
        UndecodableRequest: the body is not such a request.
    """
    try:
        return _too_many(body, limit, request)
    except DecodeError as error:
        raise UndecodableRequest(f"The body is not an OTLP {_NAMES[request]}: {error}") from error


def _too_many(body: bytes, limit: int, request: str) -> bool:
    remaining = limit
    level = {request: body}
    while sum(map(len, level.values())) // _SMALLEST > remaining:
        below: dict[str, list[bytes]] = {}
        for name, messages in level.items():
            remaining -= _collect_children(name, messages, remaining, below)
            if remaining < 0:
                return True
        level = {name: b"".join(messages) for name, messages in below.items() if name != "Text"}
    return False


def too_many_json_elements(body: bytes, limit: int) -> bool:
    """Whether a JSON text contains more than `limit` objects and lists; braces in strings count as well."""
    return len(body) // _SMALLEST_JSON > limit and body.count(b"{") + body.count(b"[") > limit


def _collect_children(name: str, messages: bytes, remaining: int, below: dict[str, list[bytes]]) -> int:
    """Add the children of these messages to `below`; returns their number, or a number above `remaining`."""
    merged = _MESSAGES[name].FromString(messages)
    found = 0
    for number, child in _CHILDREN[name].items():
        children = getattr(merged, _field(number))
        found += len(children)
        if found > remaining:
            break
        below.setdefault(child, []).extend(children)
    return found


def _field(number: int) -> str:
    return f"field_{number}"


def _message_classes() -> dict[str, Any]:
    """Return a class for each message, with its children as bytes."""
    file = FileDescriptorProto(name="laban/elements.proto", package=_PACKAGE, syntax="proto3")
    for name, children in _CHILDREN.items():
        message = file.message_type.add(name=name)
        for number in children:
            message.field.add(
                name=_field(number), number=number, type=Field.TYPE_BYTES, label=Field.LABEL_REPEATED
            )
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _CHILDREN}


_MESSAGES: Final = _message_classes()
