"""Whether the protobuf library accepts requests, told for half of what it costs to parse them.

Attributes are most of a request, and most came in other spans too. So the library parses requests whose
attributes stay bytes, and then each distinct attribute once.
"""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from laban_collector.decode import otlp_protobuf


def parse(body: bytes) -> ExportTraceServiceRequest | trace_pb2.TracesData:
    """The request in a body; the attributes of spans, events and links are bytes, and not looked at.

    Raises:
        UndecodableRequest: it is no ExportTraceServiceRequest, whatever its attributes are.
    """
    try:
        request: trace_pb2.TracesData = _SHALLOW.FromString(body)
    except DecodeError:
        return otlp_protobuf.parse(body)  # says why
    return request


def are_attributes(sent: Iterable[bytes]) -> bool:
    """Whether the library accepts all of these as attributes, wherever in a request they stand."""
    deepest = _SHALLOW()  # the library limits how deep messages are nested
    event = deepest.resource_spans.add().scope_spans.add().spans.add().events.add()
    event.attributes.extend(sent)
    try:
        trace_pb2.TracesData.FromString(deepest.SerializeToString())
    except DecodeError:
        return False
    return True


def _shallow() -> Any:
    """TracesData, which on the wire is the same as an ExportTraceServiceRequest, with attributes as bytes."""
    file = FileDescriptorProto()
    trace_pb2.DESCRIPTOR.CopyToProto(file)
    [span] = [message for message in file.message_type if message.name == "Span"]
    for message in (span, *span.nested_type):
        for field in message.field:
            if field.name == "attributes":
                field.type = FieldDescriptorProto.TYPE_BYTES
                field.ClearField("type_name")
    pool = DescriptorPool()
    for needed in (common_pb2.DESCRIPTOR, resource_pb2.DESCRIPTOR):
        pool.AddSerializedFile(needed.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(trace_pb2.TracesData.DESCRIPTOR.full_name))


_SHALLOW: Final = _shallow()
