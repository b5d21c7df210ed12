"""Protobuf messages to Arrow arrays, with `ptars`, and their validation with the protobuf library.

Attributes stay serialized KeyValues in both steps: they are most of a request, most of them repeat from span
to span, and each distinct one is parsed once. This takes half the time of parsing whole requests. `ptars`
accepts bytes that the protobuf library refuses (text that is not UTF-8, attributes that are not KeyValues),
so it must only get bytes that the library has accepted. Fields that are not declared here are skipped.

Source: opentelemetry-proto 1.x, `trace/v1/trace.proto` and `common/v1/common.proto`.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from ptars import HandlerPool

from laban_collector.decode import otlp_protobuf

_PACKAGE: Final = "laban.wire"
_ONEOF: Final = {"string_value", "bool_value", "int_value"}


class _Handler(Protocol):
    """The ptars handler of a message type; ptars ships no types."""

    def list_to_record_batch(self, messages: list[bytes]) -> pa.RecordBatch: ...


class _FieldType(NamedTuple):
    """The type of a field; `message` is the name of a nested message."""

    type: Field.Type.ValueType
    repeated: bool = False
    message: str = ""


_BYTES: Final = _FieldType(Field.TYPE_BYTES)
_TEXT: Final = _FieldType(Field.TYPE_STRING)
_INT32: Final = _FieldType(Field.TYPE_INT32)
_UINT32: Final = _FieldType(Field.TYPE_UINT32)
_FIXED32: Final = _FieldType(Field.TYPE_FIXED32)
_FIXED64: Final = _FieldType(Field.TYPE_FIXED64)
_KEY_VALUES: Final = _FieldType(Field.TYPE_BYTES, repeated=True)


def _one(message: str) -> _FieldType:
    return _FieldType(Field.TYPE_MESSAGE, message=message)


def _many(message: str) -> _FieldType:
    return _FieldType(Field.TYPE_MESSAGE, repeated=True, message=message)


_MESSAGES: Final[dict[str, dict[str, tuple[int, _FieldType]]]] = {
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
        "attributes": (9, _KEY_VALUES),
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
        "attributes": (3, _KEY_VALUES),
        "dropped_attributes": (4, _UINT32),
    },
    "Link": {
        "trace_id": (1, _BYTES),
        "span_id": (2, _BYTES),
        "trace_state": (3, _TEXT),
        "attributes": (4, _KEY_VALUES),
        "dropped_attributes": (5, _UINT32),
        "flags": (6, _FIXED32),
    },
    "KeyValue": {"key": (1, _TEXT), "value": (2, _one("AnyValue"))},
    "AnyValue": {
        "string_value": (1, _TEXT),
        "bool_value": (2, _FieldType(Field.TYPE_BOOL)),
        "int_value": (3, _FieldType(Field.TYPE_INT64)),
    },
}


def parse_without_attributes(body: bytes) -> ExportTraceServiceRequest | trace_pb2.TracesData:
    """Parse the body of a request; attributes of spans, events and links stay bytes and are not validated.

    Raises:
        UndecodableRequest: the body is not an ExportTraceServiceRequest.
    """
    try:
        request: trace_pb2.TracesData = _SHALLOW.FromString(body)
    except DecodeError:
        return otlp_protobuf.parse(body)  # raises the error with the reason
    return request


def are_key_values(sent: Iterable[bytes]) -> bool:
    """Whether the protobuf library accepts all of these as attributes, at any place in a request."""
    deepest = _SHALLOW()  # an event has the deepest attributes, and the library limits nesting
    event = deepest.resource_spans.add().scope_spans.add().spans.add().events.add()
    event.attributes.extend(sent)
    try:
        trace_pb2.TracesData.FromString(deepest.SerializeToString())
    except DecodeError:
        return False
    return True


def read_spans(payloads: Sequence[bytes]) -> pa.StructArray:
    """Return all spans of these ExportTraceServiceRequests, in their order, with the fields declared above.

    Raises:
        ValueError: `ptars` cannot read them. Of what the protobuf library accepts, it refuses groups only.
    """
    requests = _read(_REQUESTS, list(payloads))
    scopes = requests.column("resource_spans").flatten().field("scope_spans").flatten()
    return scopes.field("spans").flatten()


def read_key_values(serialized: list[bytes]) -> tuple[pa.StringArray, dict[str, pa.Array]]:
    """Return the keys of serialized KeyValues, and one array per value type, null for values of another type.

    Raises:
        ValueError: `ptars` cannot read them.
    """
    read = _read(_KEY_VALUE, serialized)
    value = read.column("value")
    return read.column("key"), {name: pc.struct_field(value, name) for name in _ONEOF}


def _read(handler: _Handler, messages: list[bytes]) -> pa.RecordBatch:
    try:
        return handler.list_to_record_batch(messages)
    except BaseException as error:
        # A Rust panic is a BaseException, and would end the thread.
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


def _shallow() -> Any:
    """Return a class for TracesData, the same as the request on the wire, with attributes as bytes."""
    file = FileDescriptorProto()
    trace_pb2.DESCRIPTOR.CopyToProto(file)
    [span] = [message for message in file.message_type if message.name == "Span"]
    for message in (span, *span.nested_type):
        for field in message.field:
            if field.name == "attributes":
                field.type = Field.TYPE_BYTES
                field.ClearField("type_name")
    pool = DescriptorPool()
    for needed in (common_pb2.DESCRIPTOR, resource_pb2.DESCRIPTOR):
        pool.AddSerializedFile(needed.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(trace_pb2.TracesData.DESCRIPTOR.full_name))


_POOL: Final = DescriptorPool()
_HANDLERS: Final = _handlers()
_REQUESTS: Final[_Handler] = _HANDLERS.get_for_message(_POOL.FindMessageTypeByName(f"{_PACKAGE}.Request"))
_KEY_VALUE: Final[_Handler] = _HANDLERS.get_for_message(_POOL.FindMessageTypeByName(f"{_PACKAGE}.KeyValue"))
_SHALLOW: Final = _shallow()
