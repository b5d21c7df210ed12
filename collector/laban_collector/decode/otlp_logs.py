"""OTLP log requests, protobuf or JSON, to one protected batch of the records that have a trace id.

Records without one are rejected: laban shows logs at the steps of a story, and is no place for others.
Whatever a record contains, its size in the store is bounded.
Source: opentelemetry-proto 1.x, `logs/v1/logs.proto`.
"""

# pyright: reportUnknownParameterType=false, reportUnknownMemberType=false
# pyarrow ships no types: pyright does not know its tables in signatures.

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Self

import xxhash
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from laban.vocabulary import K8S_NAMESPACE_NAME
from laban_collector.batch.attributes import Value, to_json, value_to_json, values
from laban_collector.batch.log_batch import LOGS, LogBatch
from laban_collector.decode import otlp_logs_json
from laban_collector.decode.batch_builder import checked_time, resource_row, table
from laban_collector.decode.results import AcceptedRequest, JsonBody, MalformedError, Problems
from laban_collector.errors import UndecodableRequest
from laban_collector.protect.limits import AttributeLimits, truncate_text
from laban_collector.protect.protection import Protection
from laban_collector.protect.redaction import Redactor
from laban_collector.settings import Settings

NO_TRACE: Final = "no trace id: laban stores only the logs of traces"
_REJECTED: Final = "log record(s) rejected: "
_BODY: Final = "body"
_HIGHEST_SEVERITY: Final = 24
_ATTRIBUTES: Final = 4
"""All attributes of a record have at most this many times the characters of a body, as JSON."""
_TRACES: Final = 100_000
"""Traces whose records are counted; the count of one that has had none for long begins anew."""


class LogLimits(NamedTuple):
    """Limits on log records.

    Attributes:
        attributes: number per record.
        length: characters of the body, and of each text in the attributes.
        per_trace: records of one trace.
    """

    attributes: int
    length: int
    per_trace: int


class DecodedLogs(NamedTuple):
    """Many requests as one batch.

    Attributes:
        batch: all accepted records.
        outcomes: one for each request, in their order.
    """

    batch: LogBatch
    outcomes: tuple[AcceptedRequest | UndecodableRequest, ...]


class _Origin(NamedTuple):
    """Where records come from: service, namespace and logger, protected."""

    service: str
    namespace: str | None
    logger: str | None


class LogRow(NamedTuple):
    """One row of a batch, in the order of `LOGS`."""

    trace_hi: int
    trace_lo: int
    span_id: int
    time: int
    severity: int
    service: str
    content: int
    dropped_attributes: int
    namespace: str | None
    severity_text: str | None
    logger: str | None
    event_name: str | None
    body: str | None
    attributes: str | None


class LogDecoder:
    """Decodes bodies of ExportLogsServiceRequest into batches.

    Args:
        redactor: finds and replaces secrets, as in spans.
        limits: limits on records.
        k8s_namespaces: whether services without a namespace have that of Kubernetes.
        clock: ns since the epoch; the time of a record that has none.
    """

    def __init__(
        self,
        redactor: Redactor,
        limits: LogLimits,
        *,
        k8s_namespaces: bool = False,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._protection = Protection(redactor, AttributeLimits(limits.attributes, limits.length))
        self._limits = limits
        self._k8s_namespaces = k8s_namespaces
        self._clock = clock
        self._counts: OrderedDict[tuple[int, int], int] = OrderedDict()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the decoder that the settings define."""
        limits = LogLimits(settings.max_log_attributes, settings.max_log_length, settings.max_logs_per_trace)
        redactor = Redactor(settings.redacted_keys, settings.kept_keys)
        return cls(redactor, limits, k8s_namespaces=settings.k8s_namespaces)

    def decode(self, payloads: Sequence[bytes]) -> DecodedLogs:
        """Decode bodies, protobuf or `JsonBody`, into one batch.

        The outcome of a body that cannot be decoded is an `UndecodableRequest`; the other bodies are not
        affected. Records without a trace id, malformed ones, and those over the limit are left out and
        counted.
        """
        rows: list[LogRow] = []
        outcomes = tuple(self._decode_one(payload, rows) for payload in payloads)
        return DecodedLogs(LogBatch(table(LOGS, rows)), outcomes)

    def _decode_one(self, payload: bytes, rows: list[LogRow]) -> AcceptedRequest | UndecodableRequest:
        before, problems = len(rows), Problems()
        try:
            request = _parsed(payload, problems)
        except UndecodableRequest as error:
            return error
        for resource_logs in request.resource_logs:
            service, namespace = self._service(resource_logs.resource)
            for scope_logs in resource_logs.scope_logs:
                logger = self._protection.protect_name(scope_logs.scope.name)
                origin = _Origin(service, namespace, logger or None)
                for record in scope_logs.log_records:
                    try:
                        rows.append(self._row(record, origin))
                    except MalformedError as reason:
                        problems.rejected += 1
                        problems.reasons[f"{_REJECTED}{reason}"] += 1
        return AcceptedRequest(len(rows) - before, problems.rejected, problems.explain())

    def _service(self, resource: Resource) -> tuple[str, str | None]:
        attributes = values(resource.attributes)
        row = resource_row(attributes, self._protection)
        namespace = row.namespace
        if namespace is None and self._k8s_namespaces:
            of_kubernetes = attributes.get(K8S_NAMESPACE_NAME)
            if isinstance(of_kubernetes, str):
                namespace = self._protection.protect_name(of_kubernetes) or None
        return row.service, namespace

    def _row(self, record: LogRecord, origin: _Origin) -> LogRow:
        """Return the row of a record; raises MalformedError."""
        trace_hi, trace_lo = _trace_id(record.trace_id)
        span_id = _span_id(record.span_id)
        at = checked_time(record.time_unix_nano or record.observed_time_unix_nano or self._clock())
        self._count((trace_hi, trace_lo))
        body = self._body(record.body)
        attributes, dropped = self._attributes(values(record.attributes))
        text = self._protection.protect_name
        severity = record.severity_number if 0 <= record.severity_number <= _HIGHEST_SEVERITY else 0
        kept = (origin, severity, record.event_name, body, attributes)
        content = xxhash.xxh3_64_intdigest(
            to_json({"of": [trace_hi, trace_lo, span_id, at], "is": list(map(str, kept))}).encode()
        )
        return LogRow(
            trace_hi=trace_hi,
            trace_lo=trace_lo,
            span_id=span_id,
            time=at,
            severity=severity,
            service=origin.service,
            content=content,
            dropped_attributes=min(dropped + record.dropped_attributes_count, 2**32 - 1),
            namespace=origin.namespace,
            severity_text=text(record.severity_text) or None,
            logger=origin.logger,
            event_name=text(record.event_name) or None,
            body=body,
            attributes=attributes,
        )

    def _count(self, trace: tuple[int, int]) -> None:
        """Count a record of a trace; raises MalformedError above the limit."""
        count = self._counts.pop(trace, 0) + 1
        self._counts[trace] = count
        if len(self._counts) > _TRACES:
            self._counts.popitem(last=False)
        if count > self._limits.per_trace:
            raise MalformedError(f"more than {self._limits.per_trace} of one trace (max_logs_per_trace)")

    def _body(self, sent: AnyValue) -> str | None:
        """Return a body as text, protected; one that is no text as JSON."""
        value: Value = values([KeyValue(key=_BODY, value=sent)])[_BODY]
        if value is None or value == "":
            return None
        safe = self._protection.protect_value(_BODY, value)
        text = safe if isinstance(safe, str) else value_to_json(safe)
        return truncate_text(text, self._limits.length + _MARKED)

    def _attributes(self, sent: dict[str, Value]) -> tuple[str | None, int]:
        """Return attributes as JSON, protected, and the number of those that were dropped."""
        if not sent:
            return None, 0
        safe = self._protection.protect_attributes(sent)
        text = to_json(safe)
        if len(text) > self._limits.length * _ATTRIBUTES:
            safe = self._within_length(safe)
            text = to_json(safe)
        return text, len(sent) - len(safe)

    def _within_length(self, attributes: Mapping[str, Value]) -> dict[str, Value]:
        """Return the attributes that fit together, in their order: lists and maps may be of any length."""
        room = self._limits.length * _ATTRIBUTES
        kept: dict[str, Value] = {}
        for key, value in attributes.items():
            size = len(to_json({key: value}))
            if size <= room:
                kept[key] = value
                room -= size
        return kept


_MARKED: Final = 64
"""Characters of the mark of a truncated text, which must not be cut again."""


def _parsed(payload: bytes, problems: Problems) -> ExportLogsServiceRequest:
    if isinstance(payload, JsonBody):
        payload = otlp_logs_json.convert_body(payload, problems)
    try:
        return ExportLogsServiceRequest.FromString(payload)
    except DecodeError as error:
        raise UndecodableRequest(f"The body is not an OTLP ExportLogsServiceRequest: {error}") from error


def _trace_id(sent: bytes) -> tuple[int, int]:
    if not any(sent):
        raise MalformedError(NO_TRACE)
    if len(sent) != 16:
        raise MalformedError(f"trace id of {len(sent)} bytes, not 16")
    return int.from_bytes(sent[:8]), int.from_bytes(sent[8:])


def _span_id(sent: bytes) -> int:
    """Return 0 for a record that belongs to a trace, but to no span."""
    if len(sent) not in (0, 8):
        raise MalformedError(f"span id of {len(sent)} bytes, not 8 or none")
    return int.from_bytes(sent)
