"""Conversion of OTLP/JSON log requests to OTLP/protobuf; like `otlp_json`, for the wire only.

Source: the OTLP specification 1.x, "JSON Protobuf Encoding"; opentelemetry-proto 1.x for the numbers.
"""

from typing import Final

from laban_collector.decode.batch_builder import checked_time
from laban_collector.decode.json_attributes import any_value, key_values
from laban_collector.decode.json_documents import (
    INT32,
    UINT32,
    UINT64,
    JsonObject,
    NotJsonError,
    WrongTypeError,
    as_object,
    check_hex,
    integer,
    objects,
    parse,
    text,
)
from laban_collector.decode.protobuf_writer import (
    fixed32,
    fixed32_tag,
    fixed64,
    fixed64_tag,
    length_delimited,
    string_field,
    tag,
    varint_field,
    varint_tag,
)
from laban_collector.decode.results import MalformedError, Problems
from laban_collector.errors import UndecodableRequest

_RESOURCE_LOGS, _RESOURCE, _SCOPE_LOGS, _ATTRIBUTE = tag(1), tag(1), tag(2), tag(1)
_SCOPE, _RECORD, _SCOPE_NAME, _SCOPE_VERSION = tag(1), tag(2), tag(1), tag(2)
_TIME, _OBSERVED, _SEVERITY, _SEVERITY_TEXT = fixed64_tag(1), fixed64_tag(11), varint_tag(2), tag(3)
_BODY, _RECORD_ATTRIBUTE, _DROPPED, _FLAGS = tag(5), tag(6), varint_tag(7), fixed32_tag(8)
_TRACE_ID, _SPAN_ID, _EVENT_NAME = tag(9), tag(10), tag(12)
_IDS: Final = (("traceId", _TRACE_ID, 32, "trace id"), ("spanId", _SPAN_ID, 16, "span id"))


def convert_body(payload: bytes, problems: Problems) -> bytes:
    """Convert the body of a request; malformed records are left out and counted.

    Raises:
        UndecodableRequest: the body is not an ExportLogsServiceRequest.
    """
    try:
        document = as_object(parse(payload), "the document")
        found = [_resource_logs(one, problems) for one in objects(document, "resourceLogs")]
    except (NotJsonError, WrongTypeError) as error:
        message = f"The body is not an OTLP/JSON ExportLogsServiceRequest: {error}"
        raise UndecodableRequest(message) from error
    return b"".join(found)


def _resource_logs(sent: JsonObject, problems: Problems) -> bytes:
    attributes = key_values(_ATTRIBUTE, as_object(sent.get("resource"), "resource"))
    parts = [length_delimited(_RESOURCE, b"".join(attributes))]
    for scope_logs in objects(sent, "scopeLogs"):
        scope = as_object(scope_logs.get("scope"), "scope")
        fields = [
            string_field(_SCOPE_NAME, text(scope, "name")),
            string_field(_SCOPE_VERSION, text(scope, "version")),
        ]
        records = [length_delimited(_SCOPE, b"".join(fields))]
        for record in objects(scope_logs, "logRecords"):
            try:
                records.append(length_delimited(_RECORD, _record(record)))
            except MalformedError as reason:
                problems.rejected += 1
                problems.reasons[f"log record(s) rejected: {reason}"] += 1
        parts.append(length_delimited(_SCOPE_LOGS, b"".join(records)))
    return length_delimited(_RESOURCE_LOGS, b"".join(parts))


def _record(record: JsonObject) -> bytes:
    """Convert one record; raises MalformedError or WrongTypeError."""
    return b"".join(
        [
            _TIME + fixed64(checked_time(integer(record, "timeUnixNano", UINT64))),
            _OBSERVED + fixed64(checked_time(integer(record, "observedTimeUnixNano", UINT64))),
            varint_field(_SEVERITY, integer(record, "severityNumber", INT32)),
            string_field(_SEVERITY_TEXT, text(record, "severityText")),
            length_delimited(_BODY, any_value(record.get("body"))),
            *key_values(_RECORD_ATTRIBUTE, record),
            varint_field(_DROPPED, integer(record, "droppedAttributesCount", UINT32)),
            _FLAGS + fixed32(integer(record, "flags", UINT32)),
            *(_id(record, *of) for of in _IDS),
            string_field(_EVENT_NAME, text(record, "eventName")),
        ]
    )


def _id(record: JsonObject, name: str, field_tag: bytes, digits: int, what: str) -> bytes:
    sent = text(record, name)
    if not sent.strip("0"):
        return b""
    check_hex(sent, digits, what)
    return length_delimited(field_tag, bytes.fromhex(sent))
