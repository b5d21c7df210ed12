"""The rows of the resources and scopes of requests: nearly all are known; many new ones are made at once."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: pyright does not know its tables in signatures.

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from laban_collector.batch.attributes import values
from laban_collector.decode.batch_builder import ResourceRow, ScopeRow, resource_row, scope_row
from laban_collector.protect.protection import Protection

_CACHED_ROWS: Final = 4096
"""Cached rows of resources, and of scopes. They are few, and every request repeats them."""
_FEW: Final = 100
"""Rows. Fewer are protected faster one by one: a search takes about a millisecond for any number."""

Row = TypeVar("Row", bound=ResourceRow | ScopeRow)


class Origin(NamedTuple):
    """The resource and the scope of a number of consecutive spans."""

    resource: ResourceRow
    scope: ScopeRow
    spans: int


class OriginReader:
    """Reads the resources and scopes of requests.

    Args:
        protection: redacts secrets and cuts attributes; None to keep everything as sent.
    """

    def __init__(self, protection: Protection | None) -> None:
        self._resources: _Rows[ResourceRow] = _Rows(_resource, protection)
        self._scopes: _Rows[ScopeRow] = _Rows(_scope, protection)

    def read(self, request: ExportTraceServiceRequest | TracesData) -> list[Origin]:
        """Return the origins of the spans of a request, in their order."""
        resources = self._resources.of([one.resource.SerializeToString() for one in request.resource_spans])
        groups = [
            (resource, group)
            for resource, sent in zip(resources, request.resource_spans, strict=True)
            for group in sent.scope_spans
            if group.spans
        ]
        scopes = self._scopes.of([group.scope.SerializeToString() for _, group in groups])
        return [
            Origin(resource, scope, len(group.spans))
            for (resource, group), scope in zip(groups, scopes, strict=True)
        ]


class _Rows(Generic[Row]):
    """Makes rows of serialized messages, and keeps some of them.

    Args:
        make: makes a row of one message.
        protection: see `OriginReader`.
    """

    def __init__(
        self, make: Callable[[bytes, Protection | None], Row], protection: Protection | None
    ) -> None:
        self._make: Callable[[bytes, Protection | None], Row] = make
        self._protection = protection
        self._known: dict[bytes, Row] = {}

    def of(self, sent: Sequence[bytes]) -> list[Row]:
        """Return the rows of these messages."""
        unknown = [one for one in dict.fromkeys(sent) if one not in self._known]
        if not unknown:
            return [self._known[one] for one in sent]
        new = dict(zip(unknown, self._made(unknown), strict=True))
        rows = [new[one] if one in new else self._known[one] for one in sent]
        if len(self._known) + len(new) > _CACHED_ROWS:
            self._known.clear()
        if len(new) <= _CACHED_ROWS:
            self._known |= new
        return rows

    def _made(self, sent: Sequence[bytes]) -> Iterator[Row]:
        protection = self._protection
        if protection is None or len(sent) < _FEW:
            return (self._make(one, protection) for one in sent)
        rows = [self._make(one, None) for one in sent]
        texts = [[text for text in row if isinstance(text, str)] for row in rows]
        owners = [number for number, own in enumerate(texts) for _ in own]
        suspects = protection.find_unusual(pa.array([text for own in texts for text in own], pa.string()))
        for number in {owners[position] for position in suspects.tolist()}:
            rows[number] = self._make(sent[number], protection)
        return iter(rows)


def _resource(sent: bytes, protection: Protection | None) -> ResourceRow:
    return resource_row(values(Resource.FromString(sent).attributes), protection)


def _scope(sent: bytes, protection: Protection | None) -> ScopeRow:
    scope = InstrumentationScope.FromString(sent)
    return scope_row(scope.name, scope.version, values(scope.attributes), protection)
