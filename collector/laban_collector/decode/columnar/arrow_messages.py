"""Bytes to Arrow by `ptars`, on a part of OTLP's messages that reads the same bytes.

What is not declared is skipped. An attribute stays the bytes of its KeyValue: most are the same in every
span, and each distinct one has to be read only once. `ptars` accepts bytes that the protobuf library refuses
(text that is no UTF-8, attributes that are no KeyValue): give it only what that library has accepted.

Source: opentelemetry-proto 1.x, `trace/v1/trace.proto` and `common/v1/common.proto`.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its arrays are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from ptars import HandlerPool

_PACKAGE: Final = "laban.wire"
_ONEOF: Final = {"string_value", "bool_value", "int_value"}


class _Handler(Protocol):
    """What ptars makes for a message: Rust code, without types."""

    def list_to_record_batch(self, messages: list[bytes]) -> pa.RecordBatch: ...


class _Is(NamedTuple):
    """The type of a field; `message` names that of a nested one."""

    type: Field.Type.ValueType
    repeated: bool = False
    message: str = ""


_BYTES: Final = _Is(Field.TYPE_BYTES)
_TEXT: Final = _Is(Field.TYPE_STRING)
_INT32: Final = _Is(Field.TYPE_INT32)
_UINT32: Final = _Is(Field.TYPE_UINT32)
_FIXED32: Final = _Is(Field.TYPE_FIXED32)
_FIXED64: Final = _Is(Field.TYPE_FIXED64)
_PAIRS: Final = _Is(Field.TYPE_BYTES, repeated=True)


def _one(message: str) -> _Is:
    return _Is(Field.TYPE_MESSAGE, message=message)


def _many(message: str) -> _Is:
    return _Is(Field.TYPE_MESSAGE, repeated=True, message=message)


_MESSAGES: Final[dict[str, dict[str, tuple[int, _Is]]]] = {
    "Request": {"resource_spans": (1, _many("ResourceSpans"))},
    "ResourceSpans": {"scope_spans": (2, _many("ScopeSpans"))},
    "ScopeSpans": {"spans": (2, _many("Span"))},
    "Span": {
        "trace_id": (1, _BYTES),
        "span_id": (2, _BYTES),
        "trace_state": (3, _TEXT),
        "parent_id": (4, _BYTES),
        "name": (5, _TEXT),
        "kind": (6, _INT32),
        "start": (7, _FIXED64),
        "end": (8, _FIXED64),
        "attributes": (9, _PAIRS),
        "dropped_attributes": (10, _UINT32),
        "events": (11, _many("Event")),
        "dropped_events": (12, _UINT32),
        "links": (13, _many("Link")),
        "dropped_links": (14, _UINT32),
        "status": (15, _one("Status")),
        "flags": (16, _FIXED32),
    },
    "Status": {"message": (2, _TEXT), "code": (3, _INT32)},
    "Event": {
        "time": (1, _FIXED64),
        "name": (2, _TEXT),
        "attributes": (3, _PAIRS),
        "dropped_attributes": (4, _UINT32),
    },
    "Link": {
        "trace_id": (1, _BYTES),
        "span_id": (2, _BYTES),
        "trace_state": (3, _TEXT),
        "attributes": (4, _PAIRS),
        "dropped_attributes": (5, _UINT32),
        "flags": (6, _FIXED32),
    },
    "KeyValue": {"key": (1, _TEXT), "value": (2, _one("AnyValue"))},
    "AnyValue": {
        "string_value": (1, _TEXT),
        "bool_value": (2, _Is(Field.TYPE_BOOL)),
        "int_value": (3, _Is(Field.TYPE_INT64)),
    },
}


def read_spans(payloads: Sequence[bytes]) -> pa.StructArray:
    """All spans of these ExportTraceServiceRequests, in their order; fields as declared above.

    Raises:
        ValueError: `ptars` cannot read them. It refuses little that the protobuf library accepts (groups).
    """
    requests = _read(_REQUESTS, list(payloads))
    scopes = requests.column("resource_spans").flatten().field("scope_spans").flatten()
    return scopes.field("spans").flatten()


def read_pairs(pairs: list[bytes]) -> tuple[pa.StringArray, dict[str, pa.Array]]:
    """The keys of serialised KeyValues, and per type of value an array, null where it is of another type.

    Raises:
        ValueError: `ptars` cannot read them.
    """
    read = _read(_PAIR, pairs)
    value = read.column("value")
    return read.column("key"), {name: pc.struct_field(value, name) for name in _ONEOF}


def _read(handler: _Handler, messages: list[bytes]) -> pa.RecordBatch:
    try:
        return handler.list_to_record_batch(messages)
    except BaseException as error:
        # A panic of Rust code is no Exception, and would end the thread.
        if type(error).__name__ == "PanicException":
            raise ValueError(f"ptars failed: {error}") from error
        raise


def _handlers() -> HandlerPool:
    file = FileDescriptorProto(name="laban/wire.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            field = message.field.add(name=field_name, number=number, type=kind.type)
            field.label = Field.LABEL_REPEATED if kind.repeated else Field.LABEL_OPTIONAL
            if kind.message:
                field.type_name = f".{_PACKAGE}.{kind.message}"
            if field_name in _ONEOF:
                field.oneof_index = 0
    any_value = next(message for message in file.message_type if message.name == "AnyValue")
    any_value.oneof_decl.add(name="value")
    _POOL.AddSerializedFile(file.SerializeToString())
    return HandlerPool([_POOL.FindFileByName(file.name)])


_POOL: Final = DescriptorPool()
_HANDLERS: Final = _handlers()
_REQUESTS: Final[_Handler] = _HANDLERS.get_for_message(_POOL.FindMessageTypeByName(f"{_PACKAGE}.Request"))
_PAIR: Final[_Handler] = _HANDLERS.get_for_message(_POOL.FindMessageTypeByName(f"{_PACKAGE}.KeyValue"))
