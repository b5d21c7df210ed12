"""Many requests at once: the protobuf library accepts or refuses each, and Arrow kernels read what is plain.

A request with anything out of the ordinary (a malformed id, a time that runs backwards, an attribute twice)
is decoded exactly, a Python object a span, by `laban_collector.decode.otlp_protobuf`, whose rules are the
rules: what this module makes of a request is what that one makes of it.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from laban_collector.batch import span_batch
from laban_collector.batch.splitter import join
from laban_collector.decode import otlp_protobuf
from laban_collector.decode.attributes import values
from laban_collector.decode.batch_builder import ResourceRow, ScopeRow, table
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.columnar.arrow_messages import read_spans
from laban_collector.decode.columnar.batch_assembly import Origin, ReadSpans
from laban_collector.decode.columnar.validation import parse
from laban_collector.decode.results import Accepted, Decoded
from laban_collector.decode.span_builder import resource_row, scope_row
from laban_collector.errors import UndecodableRequest
from laban_collector.protect.protection import Protection

_FEW = 60
"""Spans; fewer are decoded one after the other sooner than by columns, which take some 6 ms for none."""
_KNOWN: Final = 4096
"""Resources, and scopes, whose rows are kept: they are few, and each request repeats them."""


_Outcome = Accepted | UndecodableRequest


class _Request(NamedTuple):
    """A request that the protobuf library accepts, but for its attributes."""

    number: int
    body: bytes
    origins: list[Origin]
    spans: int


def decode(payloads: Sequence[bytes], finder: KeyFinder, protection: Protection | None = None) -> Decoded:
    """Decode bodies of ExportTraceServiceRequest into one batch, protected if asked.

    A body that cannot be decoded becomes an `UndecodableRequest` among the outcomes, and leaves the others
    alone. Spans, events and links with malformed ids or impossible times are left out and counted.
    """
    known = _known(protection)
    outcomes: dict[int, _Outcome] = {}
    requests: list[_Request] = []
    for number, body in enumerate(payloads):
        try:
            origins = list(_origins(parse(body), known))
        except UndecodableRequest as error:
            outcomes[number] = error
        else:
            requests.append(_Request(number, body, origins, sum(origin.spans for origin in origins)))
    if sum(request.spans for request in requests) < _FEW:
        return _exactly(requests, outcomes, finder, protection)
    plain, odd, spans = _read(requests, protection)
    batch = spans.to_batch([origin for request in plain for origin in request.origins], finder)
    outcomes |= {request.number: Accepted(request.spans) for request in plain}
    if odd:
        exact = _exactly(odd, outcomes, finder, protection)
        return Decoded(join([batch, exact.batch]), exact.outcomes)
    return Decoded(batch, _in_order(outcomes))


def _exactly(
    requests: Sequence[_Request],
    outcomes: dict[int, _Outcome],
    finder: KeyFinder,
    protection: Protection | None,
) -> Decoded:
    """The spans of these requests, one after the other; with the outcomes of the others."""
    exact = otlp_protobuf.decode([request.body for request in requests], finder)
    told = outcomes | dict(zip((request.number for request in requests), exact.outcomes, strict=True))
    batch = exact.batch if protection is None else protection.apply(exact.batch)
    return Decoded(batch, _in_order(told))


def _in_order(outcomes: Mapping[int, _Outcome]) -> tuple[_Outcome, ...]:
    return tuple(outcomes[number] for number in sorted(outcomes))


def _origins(request: ExportTraceServiceRequest | TracesData, known: "_Known") -> Iterator[Origin]:
    for resource_spans in request.resource_spans:
        resource = known.resource(resource_spans.resource.SerializeToString())
        for scope_spans in resource_spans.scope_spans:
            spans = len(scope_spans.spans)
            if spans:
                yield Origin(resource, known.scope(scope_spans.scope.SerializeToString()), spans)


class _Known:
    """Rows of resources and scopes by their bytes, as they may be stored."""

    def __init__(self, protection: Protection | None) -> None:
        self._protection = protection
        self.resource = lru_cache(_KNOWN)(self._resource)
        self.scope = lru_cache(_KNOWN)(self._scope)

    def _resource(self, sent: bytes) -> ResourceRow:
        row = resource_row(values(Resource.FromString(sent).attributes))
        return ResourceRow(*self._protected(span_batch.RESOURCES, row))

    def _scope(self, sent: bytes) -> ScopeRow:
        scope = InstrumentationScope.FromString(sent)
        row = scope_row(scope.name, scope.version, values(scope.attributes))
        return ScopeRow(*self._protected(span_batch.SCOPES, row))

    def _protected(self, schema: pa.Schema, row: tuple[object, ...]) -> tuple[Any, ...]:
        if self._protection is None:
            return row
        [safe] = self._protection.rows(table(schema, [row])).to_pylist()
        return tuple(safe.values())


_known = lru_cache(8)(_Known)


def _read(
    requests: list[_Request], protection: Protection | None
) -> tuple[list[_Request], list[_Request], ReadSpans]:
    """The requests that are plain, those that are not, and the spans of the plain ones."""
    spans = _read_all(requests, protection)
    if spans is None:
        readable = [_is_legal(request.body) for request in requests]
        if all(readable):  # rare enough to try each of them
            readable = [_read_all([request], protection) is not None for request in requests]
        return _read_some(requests, readable, protection)
    odd = spans.out_of_the_ordinary()
    if not len(odd):
        return requests, [], spans
    ends = np.cumsum([request.spans for request in requests])
    with_odd = set(np.searchsorted(ends, odd, side="right").tolist())
    readable = [position not in with_odd for position in range(len(requests))]
    return _read_some(requests, readable, protection)


def _is_legal(body: bytes) -> bool:
    """Whether the protobuf library accepts a request, with its attributes."""
    try:
        otlp_protobuf.parse(body)
    except UndecodableRequest:
        return False
    return True


def _read_some(
    requests: list[_Request], readable: list[bool], protection: Protection | None
) -> tuple[list[_Request], list[_Request], ReadSpans]:
    """Try again with those that are readable."""
    kept = [request for request, good in zip(requests, readable, strict=True) if good]
    left = [request for request, good in zip(requests, readable, strict=True) if not good]
    plain, odd, spans = _read(kept, protection)
    return plain, left + odd, spans


def _read_all(requests: Sequence[_Request], protection: Protection | None) -> ReadSpans | None:
    """The spans of these requests; None when some are illegal, or are written as `ptars` cannot read."""
    try:
        spans = ReadSpans(read_spans([request.body for request in requests]), protection)
    except ValueError:
        return None
    return spans if len(spans) == sum(request.spans for request in requests) else None
