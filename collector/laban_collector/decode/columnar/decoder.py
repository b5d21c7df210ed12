"""Many requests at once: the protobuf library accepts or refuses each, and Arrow kernels read what is plain.

A request with anything out of the ordinary (a malformed id, a time that runs backwards, an attribute twice)
is decoded exactly, a Python object a span, by `laban_collector.decode.otlp_protobuf`, whose rules are the
rules: what this module makes of a request is what that one makes of it.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from laban_collector.correlations import KeyFinder
from laban_collector.decode import otlp_protobuf
from laban_collector.decode.attributes import values
from laban_collector.decode.building import resource_row, scope_row
from laban_collector.decode.columnar.batch import Origin, ReadSpans
from laban_collector.decode.columnar.wire import read_spans
from laban_collector.decode.decoded import Accepted, Decoded
from laban_collector.decode.otlp_protobuf import parse
from laban_collector.decode.rows import ResourceRow, ScopeRow
from laban_collector.errors import UndecodableRequest
from laban_collector.joining import join

_KNOWN: Final = 4096
"""Resources, and scopes, whose rows are kept: they are few, and each request repeats them."""


class _Request(NamedTuple):
    """A request that the protobuf library accepts."""

    number: int
    body: bytes
    origins: list[Origin]

    @property
    def spans(self) -> int:
        return sum(origin.spans for origin in self.origins)


def decode(payloads: Sequence[bytes], finder: KeyFinder) -> Decoded:
    """Decode bodies of ExportTraceServiceRequest into one batch.

    A body that cannot be decoded becomes an `UndecodableRequest` among the outcomes, and leaves the others
    alone. Spans, events and links with malformed ids or impossible times are left out and counted.
    """
    outcomes: dict[int, Accepted | UndecodableRequest] = {}
    requests: list[_Request] = []
    for number, body in enumerate(payloads):
        try:
            requests.append(_Request(number, body, list(_origins(parse(body)))))
        except UndecodableRequest as error:
            outcomes[number] = error
    plain, odd, spans = _read(requests)
    batch = spans.to_batch([origin for request in plain for origin in request.origins], finder)
    outcomes |= {request.number: Accepted(request.spans) for request in plain}
    if odd:
        exact = otlp_protobuf.decode([request.body for request in odd], finder)
        outcomes |= zip((request.number for request in odd), exact.outcomes, strict=True)
        batch = join([batch, exact.batch])
    return Decoded(batch, tuple(outcomes[number] for number in range(len(payloads))))


def _origins(request: ExportTraceServiceRequest) -> Iterator[Origin]:
    for resource_spans in request.resource_spans:
        resource = _resource(resource_spans.resource.SerializeToString())
        for scope_spans in resource_spans.scope_spans:
            spans = len(scope_spans.spans)
            if spans:
                yield Origin(resource, _scope(scope_spans.scope.SerializeToString()), spans)


@lru_cache(_KNOWN)
def _resource(sent: bytes) -> ResourceRow:
    return resource_row(values(Resource.FromString(sent).attributes))


@lru_cache(_KNOWN)
def _scope(sent: bytes) -> ScopeRow:
    scope = InstrumentationScope.FromString(sent)
    return scope_row(scope.name, scope.version, values(scope.attributes))


def _read(requests: list[_Request]) -> tuple[list[_Request], list[_Request], ReadSpans]:
    """The requests that are plain, those that are not, and the spans of the plain ones."""
    spans = _read_all(requests)
    if spans is None:  # rare enough to try each of them
        return _read_some(requests, [_read_all([request]) is not None for request in requests])
    odd = spans.out_of_the_ordinary()
    if not len(odd):
        return requests, [], spans
    ends = np.cumsum([request.spans for request in requests])
    with_odd = set(np.searchsorted(ends, odd, side="right").tolist())
    return _read_some(requests, [position not in with_odd for position in range(len(requests))])


def _read_some(
    requests: list[_Request], readable: list[bool]
) -> tuple[list[_Request], list[_Request], ReadSpans]:
    """Try again with those that are readable."""
    kept = [request for request, good in zip(requests, readable, strict=True) if good]
    left = [request for request, good in zip(requests, readable, strict=True) if not good]
    plain, odd, spans = _read(kept)
    return plain, left + odd, spans


def _read_all(requests: Sequence[_Request]) -> ReadSpans | None:
    """The spans of these requests; None when they are written in a way that `ptars` does not understand."""
    try:
        spans = ReadSpans(read_spans([request.body for request in requests]))
    except ValueError:
        return None
    return spans if len(spans) == sum(request.spans for request in requests) else None
