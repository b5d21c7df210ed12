"""The batch builder: spans as Python values, with the storage rules that all formats share, to one SpanBatch.

It takes several microseconds of Python per span. Large requests take the columnar way (`decode.columnar`),
which follows the same rules.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: pyright does not know its tables in signatures.

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from laban.vocabulary import (
    HTTP_ROUTE,
    LABAN_END_TIME,
    MESSAGING_DESTINATION_NAME,
    MESSAGING_KAFKA_MESSAGE_KEY,
    PROMOTED,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    SERVICE_VERSION,
    TAG_SPAN_KIND,
    UNKNOWN_SERVICE,
)
from laban_collector.batch import span_batch
from laban_collector.batch.attributes import Value, to_json
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.business_keys import Correlation, KeyFinder
from laban_collector.decode.promotion import Columns, promote
from laban_collector.decode.results import MalformedError
from laban_collector.decode.span_kind import UNSPECIFIED, kind_of_tag
from laban_collector.protect.protection import Protection

_MAX_TIME: Final = 2**63 - 2
"""The largest timestamp of DuckDB means infinity, which is no number of ns."""
_MAX_COUNT: Final = 2**32 - 1
_COLUMN: Final = {promoted.keys[0]: promoted.column for promoted in PROMOTED}


class EventRow(NamedTuple):
    """One event, without the columns of its span. Times in ns."""

    time: int
    name: str
    dropped_attributes: int
    attributes: str | None


class LinkRow(NamedTuple):
    """One link, without the columns of its span."""

    linked_trace_hi: int
    linked_trace_lo: int
    linked_span_id: int
    flags: int
    dropped_attributes: int
    trace_state: str | None
    attributes: str | None


class ResourceRow(NamedTuple):
    """One row of `resources`."""

    resource_id: int
    service: str
    attributes: str
    namespace: str | None
    version: str | None
    instance: str | None


class ScopeRow(NamedTuple):
    """One row of `scopes`."""

    scope_id: int
    name: str
    attributes: str
    version: str | None


class SentSpan(NamedTuple):
    """One span in OTLP's terms. Times in ns since the epoch; ids as integers, 0 for no parent."""

    trace_id: tuple[int, int]
    span_id: int
    parent_id: int
    start: int
    end: int
    kind: int
    status: int
    name: str
    resource: ResourceRow
    scope: ScopeRow
    attributes: dict[str, Value]
    events: list[EventRow]
    links: list[LinkRow]
    flags: int = 0
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0
    status_message: str | None = None
    trace_state: str | None = None


class _SpanRow(NamedTuple):
    """One row of `spans` without the promoted columns, in the order of `span_batch.SPANS`. Times in ns."""

    trace_hi: int
    trace_lo: int
    span_id: int
    parent_id: int
    start: int
    duration: int
    kind: int
    status: int
    name: str
    resource_id: int
    scope_id: int
    flags: int
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    status_message: str | None
    trace_state: str | None
    attributes: str | None


_PROMOTED_COLUMNS: Final = span_batch.SPANS.names[len(_SpanRow._fields) :]


class BatchBuilder:
    """Collects spans and builds one batch of them.

    Args:
        finder: finds the business keys of each span.
    """

    def __init__(self, finder: KeyFinder) -> None:
        self._finder = finder
        self._spans: list[tuple[object, ...]] = []
        self._events: list[tuple[object, ...]] = []
        self._links: list[tuple[object, ...]] = []
        self._resources: dict[int, ResourceRow] = {}
        self._scopes: dict[int, ScopeRow] = {}
        self._correlations: dict[tuple[str, str, int, int], tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, sent: SentSpan) -> None:
        """Add one span. A kind or a status code that OTLP does not define is stored as unspecified.

        An unspecified kind comes from the tag `span.kind`, if there is one.
        """
        kind = sent.kind if 0 <= sent.kind < 6 else UNSPECIFIED
        kind = kind or kind_of_tag(sent.attributes.get(TAG_SPAN_KIND))
        if sent.end < sent.start:
            sent.attributes[LABAN_END_TIME] = sent.end
        columns, attributes = promote(sent.attributes, kind, sent.name)
        span = _span_row(sent, kind, attributes)
        row, ids = len(self._spans), span[:3]
        self._spans.append((*span, *map(columns.get, _PROMOTED_COLUMNS)))
        self._events.extend((row, *ids, *event) for event in sent.events)
        self._links.extend((row, *ids, *link) for link in sent.links)
        self._resources.setdefault(sent.resource.resource_id, sent.resource)
        self._scopes.setdefault(sent.scope.scope_id, sent.scope)
        self._correlate(span, self._business_keys(sent, columns))

    def to_batch(self) -> SpanBatch:
        """Return all spans so far as one batch."""
        correlations = [(*name, *times) for name, times in self._correlations.items()]
        return SpanBatch(
            spans=table(span_batch.SPANS, self._spans),
            resources=table(span_batch.RESOURCES, list(self._resources.values())),
            scopes=table(span_batch.SCOPES, list(self._scopes.values())),
            events=table(span_batch.EVENTS, self._events),
            links=table(span_batch.LINKS, self._links),
            correlations=table(span_batch.CORRELATIONS, correlations),
        )

    def _correlate(self, span: _SpanRow, business_keys: Iterable[Correlation]) -> None:
        end = span.start + span.duration
        for key, value in business_keys:
            name = (key, value, span.trace_hi, span.trace_lo)
            first, last = self._correlations.get(name, (span.start, end))
            self._correlations[name] = (min(first, span.start), max(last, end))

    def _business_keys(self, sent: SentSpan, columns: Columns) -> set[Correlation]:
        def column(key: str) -> str | None:
            value = columns.get(_COLUMN[key])
            return value if isinstance(value, str) else None

        found = self._finder.find(
            sent.attributes,
            route=column(HTTP_ROUTE),
            topic=column(MESSAGING_DESTINATION_NAME),
            message_key=column(MESSAGING_KAFKA_MESSAGE_KEY),
        )
        found.update(self._finder.of_origin(sent.resource.attributes))
        found.update(self._finder.of_origin(sent.scope.attributes))
        found.update(self._finder.of_children(event.attributes for event in sent.events))
        found.update(self._finder.of_children(link.attributes for link in sent.links))
        return found


def _span_row(sent: SentSpan, kind: int, attributes: Mapping[str, Value]) -> _SpanRow:
    return _SpanRow(
        trace_hi=sent.trace_id[0],
        trace_lo=sent.trace_id[1],
        span_id=sent.span_id,
        parent_id=sent.parent_id,
        start=sent.start,
        duration=max(sent.end - sent.start, 0),
        kind=kind,
        status=sent.status if 0 <= sent.status < 3 else 0,
        name=sent.name,
        resource_id=sent.resource.resource_id,
        scope_id=sent.scope.scope_id,
        flags=sent.flags,
        dropped_attributes=min(sent.dropped_attributes, _MAX_COUNT),
        dropped_events=min(sent.dropped_events, _MAX_COUNT),
        dropped_links=min(sent.dropped_links, _MAX_COUNT),
        status_message=sent.status_message,
        trace_state=sent.trace_state,
        attributes=json_or_none(attributes),
    )


def table(schema: pa.Schema, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    """Return rows, with values in the order of the schema, as a table."""
    if not rows:
        return schema.empty_table()
    arrays = [
        pa.array(values, column.type) for column, values in zip(schema, zip(*rows, strict=True), strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def resource_row(attributes: Mapping[str, Value], protection: Protection | None = None) -> ResourceRow:
    """Return the row of a resource, protected. The order of the attributes does not matter for its id."""
    attributes = dict(sorted(attributes.items()))
    text = to_json(attributes)
    names = (
        _scalar_text(attributes.get(SERVICE_NAME)) or UNKNOWN_SERVICE,
        _scalar_text(attributes.get(SERVICE_NAMESPACE)),
        _scalar_text(attributes.get(SERVICE_VERSION)),
        _scalar_text(attributes.get(SERVICE_INSTANCE_ID)),
    )
    service, *others = names if protection is None else map(protection.protect_name, names)
    return ResourceRow(_hash(text), service or "", _protected(attributes, text, protection), *others)


def scope_row(
    name: str, version: str, attributes: Mapping[str, Value], protection: Protection | None = None
) -> ScopeRow:
    """Return the row of an instrumentation scope, protected."""
    attributes = dict(sorted(attributes.items()))
    text = to_json(attributes)
    scope_id = _hash(to_json({"name": name, "version": version, "attributes": text}))
    safe, safe_version = (
        (name, version) if protection is None else map(protection.protect_name, (name, version))
    )
    return ScopeRow(scope_id, safe or "", _protected(attributes, text, protection), safe_version or None)


def _protected(attributes: Mapping[str, Value], text: str, protection: Protection | None) -> str:
    """Return attributes as JSON, protected; `text` is the JSON of the attributes as sent."""
    safe = attributes if protection is None else protection.protect_attributes(attributes)
    return text if safe is attributes else to_json(safe)


def json_or_none(attributes: Mapping[str, Value]) -> str | None:
    """Return attributes as JSON text, or None if there are none."""
    return to_json(attributes) if attributes else None


def checked_time(sent: int) -> int:
    """Return a time in ns since the epoch, if it fits into a timestamp column.

    Raises:
        MalformedError: the time is too late.
    """
    if sent > _MAX_TIME:
        raise MalformedError("a time after the year 2262")
    return sent


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _scalar_text(value: Value) -> str | None:
    """Return a scalar as text; None for an empty or missing value, a list or a map."""
    return str(value) if isinstance(value, (str, int, float)) and value != "" else None
