"""From a span as it was sent to its rows: the rules that all decoders share.

Which ids and times are legal, what a resource's id is, which attributes get a column, where business keys are
found: decided here, once, so that a span is stored the same whatever format brought it.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

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
)
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.attributes import Value, to_json
from laban_collector.decode.batch_builder import EventRow, LinkRow, ResourceRow, Rows, ScopeRow, SpanRow
from laban_collector.decode.business_keys import Correlation, KeyFinder
from laban_collector.decode.promotion import Columns, promote

UNKNOWN_SERVICE: Final = "unknown_service"
"""The service of a resource without `service.name`."""

_MAX_TIME: Final = 2**63 - 1
_MAX_COUNT: Final = 2**32 - 1
_MAX_REASONS: Final = 5
_COLUMN: Final = {promoted.keys[0]: promoted.column for promoted in PROMOTED}
_Sent = TypeVar("_Sent")
_Row = TypeVar("_Row")


class MalformedError(Exception):
    """A span, an event or a link that cannot be stored as it is; the text says why."""


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


@dataclass(slots=True)
class Problems:
    """What was left out, and why.

    Attributes:
        rejected: spans that were not taken.
        reasons: how often each reason occurred, for spans, events and links.
    """

    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter[str])

    def reject(self, reason: object, spans: int = 1) -> None:
        """Count spans that are not taken."""
        self.rejected += spans
        self.reasons[f"span(s) rejected: {reason}"] += spans

    def gather(self, read: Callable[[_Sent], _Row], sent: Iterable[_Sent], what: str) -> list[_Row]:
        """The rows of what can be read; a malformed one is dropped and counted, and the span is kept."""
        rows: list[_Row] = []
        for one in sent:
            try:
                rows.append(read(one))
            except MalformedError as reason:
                self.reasons[f"{what}(s) dropped: {reason}"] += 1
        return rows

    def explain(self) -> str:
        """The reasons, the most frequent first, for the sender; '' for none."""
        return "; ".join(f"{count} {reason}" for reason, count in self.reasons.most_common(_MAX_REASONS))


class BatchBuilder:
    """Gathers spans into one batch."""

    def __init__(self, finder: KeyFinder) -> None:
        self._finder = finder
        self._rows = Rows()

    def __len__(self) -> int:
        return len(self._rows.spans)

    def add(self, sent: SentSpan) -> None:
        """Take one span. A kind or a status code that OTLP does not know (yet) is stored as unspecified."""
        kind = sent.kind if 0 <= sent.kind < 6 else 0
        if sent.end < sent.start:
            sent.attributes[LABAN_END_TIME] = sent.end
        columns, attributes = promote(sent.attributes, kind)
        rows = self._rows
        rows.resources.setdefault(sent.resource.resource_id, sent.resource)
        rows.scopes.setdefault(sent.scope.scope_id, sent.scope)
        row = SpanRow(
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
        rows.add(row, columns, sent.events, sent.links, self._correlations(sent.attributes, columns))

    def to_batch(self) -> SpanBatch:
        """Everything taken."""
        return self._rows.to_batch()

    def _correlations(self, sent: Mapping[str, Value], columns: Columns) -> set[Correlation]:
        def column(key: str) -> str | None:
            value = columns.get(_COLUMN[key])
            return value if isinstance(value, str) else None

        return self._finder.find(
            sent,
            route=column(HTTP_ROUTE),
            topic=column(MESSAGING_DESTINATION_NAME),
            message_key=column(MESSAGING_KAFKA_MESSAGE_KEY),
        )


def resource_row(attributes: Mapping[str, Value]) -> ResourceRow:
    """The row of a resource: the same attributes in another order are the same resource."""
    attributes = dict(sorted(attributes.items()))
    text = to_json(attributes)
    return ResourceRow(
        _hash(text),
        _text(attributes.get(SERVICE_NAME)) or UNKNOWN_SERVICE,
        text,
        _text(attributes.get(SERVICE_NAMESPACE)),
        _text(attributes.get(SERVICE_VERSION)),
        _text(attributes.get(SERVICE_INSTANCE_ID)),
    )


def scope_row(name: str, version: str, attributes: Mapping[str, Value]) -> ScopeRow:
    """The row of an instrumentation scope."""
    text = to_json(dict(sorted(attributes.items())))
    scope_id = _hash(to_json({"name": name, "version": version, "attributes": text}))
    return ScopeRow(scope_id, name, text, version or None)


def json_or_none(attributes: Mapping[str, Value]) -> str | None:
    """Attributes as JSON text, None for none."""
    return to_json(attributes) if attributes else None


def checked_time(sent: int) -> int:
    """A time, ns since the epoch, that the store can hold.

    Raises:
        MalformedError: it cannot.
    """
    if sent > _MAX_TIME:
        raise MalformedError("a time after the year 2262")
    return sent


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _text(value: Value) -> str | None:
    """A scalar as text, None for nothing and for what is not a scalar."""
    return str(value) if isinstance(value, (str, int, float)) and value != "" else None
