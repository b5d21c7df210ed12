"""OTLP log requests, protobuf and JSON."""

import json
from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from .requests import SPAN_ID, START, TRACE_ID, any_value, key_values


def record(
    body: object = "hello", attributes: Mapping[str, object] | None = None, **fields: Any
) -> LogRecord:
    """Return a log record of the span that `requests.span` makes first."""
    defaults: dict[str, Any] = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "time_unix_nano": START + 1_000_000,
        "severity_number": 9,
        "severity_text": "INFO",
    }
    return LogRecord(body=any_value(body), attributes=key_values(attributes or {}), **(defaults | fields))


def log_body(*records: LogRecord, resource: Mapping[str, object] | None = None) -> bytes:
    """Return a request with these records in one resource and scope."""
    built = ExportLogsServiceRequest()
    resource_logs = built.resource_logs.add()
    resource_logs.resource.attributes.extend(key_values(resource or {"service.name": "order"}))
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "order.payments"
    scope_logs.log_records.extend(records)
    return built.SerializeToString()


def json_record(**fields: object) -> dict[str, Any]:
    """Return the record of `record` in OTLP/JSON."""
    return {
        "traceId": TRACE_ID.hex(),
        "spanId": SPAN_ID.hex(),
        "timeUnixNano": str(START + 1_000_000),
        "severityNumber": 9,
        "severityText": "INFO",
        "body": {"stringValue": "hello"},
    } | fields


def json_log_body(*records: dict[str, Any]) -> bytes:
    """Return a request with these records in OTLP/JSON."""
    service = {"key": "service.name", "value": {"stringValue": "order"}}
    scope_logs = [{"scope": {"name": "order.payments"}, "logRecords": list(records)}]
    return json.dumps(
        {"resourceLogs": [{"resource": {"attributes": [service]}, "scopeLogs": scope_logs}]}
    ).encode()
