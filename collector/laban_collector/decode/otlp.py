"""The OTLP decoder: many requests, protobuf or JSON, to one protected SpanBatch.

JSON bodies are converted to protobuf first. The protobuf library accepts or refuses each request, and Arrow
kernels decode the plain ones together. A request with anything unusual (a malformed id, an end before its
start, a repeated attribute) is decoded span by span by `otlp_protobuf`. Both ways follow the rules of
`otlp_protobuf` and give the same result.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: pyright does not know its tables in signatures.

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from laban_collector.batch.splitter import join
from laban_collector.decode import otlp_json, otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.columnar.arrow_messages import parse_without_attributes, read_spans
from laban_collector.decode.columnar.batch_assembly import BatchAssembler, SpanColumns
from laban_collector.decode.origins import Origin, OriginReader
from laban_collector.decode.results import AcceptedRequest, DecodedRequests, JsonBody, Problems
from laban_collector.errors import UndecodableRequest
from laban_collector.protect.protection import Protection

_Outcome = AcceptedRequest | UndecodableRequest


class _Request(NamedTuple):
    """A request that the protobuf library accepts, apart from its attributes, which are not parsed yet.

    Attributes:
        number: its position among the bodies.
        body: protobuf.
        origins: the resource and scope of its spans, in their order.
        spans: the number of its spans.
        problems: spans that the conversion from JSON left out.
    """

    number: int
    body: bytes
    origins: list[Origin]
    spans: int
    problems: Problems | None


class OtlpDecoder:
    """Decodes bodies of ExportTraceServiceRequest into batches.

    Args:
        finder: finds business keys.
        protection: redacts secrets and cuts attributes; None to store everything as sent.
    """

    def __init__(self, finder: KeyFinder, protection: Protection | None = None) -> None:
        self._finder = finder
        self._protection = protection
        self._assembler = BatchAssembler(finder, protection)
        self._origins = OriginReader(protection)

    def decode(self, payloads: Sequence[bytes]) -> DecodedRequests:
        """Decode bodies, protobuf or `JsonBody`, into one batch.

        The outcome of a body that cannot be decoded is an `UndecodableRequest`; the other bodies are not
        affected. Spans, events and links with malformed ids or impossible times are left out and counted.
        """
        outcomes: dict[int, _Outcome] = {}
        requests: list[_Request] = []
        for number, body in enumerate(payloads):
            try:
                requests.append(self._parsed(number, body))
            except UndecodableRequest as error:
                outcomes[number] = error
        plain, unusual, spans = self._read(requests)
        batch = self._assembler.assemble(spans, [origin for request in plain for origin in request.origins])
        outcomes |= {request.number: _accepted(request) for request in plain}
        if unusual:
            others = self._decode_by_span(unusual, outcomes)
            return DecodedRequests(join([batch, others.batch]), others.outcomes)
        return DecodedRequests(batch, _in_order(outcomes))

    def _parsed(self, number: int, body: bytes) -> _Request:
        problems = None
        if isinstance(body, JsonBody):
            problems = Problems()
            body = otlp_json.convert_body(body, problems)
        origins = self._origins.read(parse_without_attributes(body))
        return _Request(number, body, origins, sum(origin.spans for origin in origins), problems)

    def _decode_by_span(self, requests: Sequence[_Request], outcomes: dict[int, _Outcome]) -> DecodedRequests:
        """Decode these requests span by span; the result contains the other outcomes as well."""
        decoded = otlp_protobuf.decode([request.body for request in requests], self._finder)
        found = {
            request.number: _with_problems(request.problems, outcome)
            for request, outcome in zip(requests, decoded.outcomes, strict=True)
        }
        batch = decoded.batch if self._protection is None else self._protection.protect(decoded.batch)
        return DecodedRequests(batch, _in_order(outcomes | found))

    def _read(self, requests: list[_Request]) -> tuple[list[_Request], list[_Request], SpanColumns]:
        """Return the plain requests, the unusual ones, and the spans of the plain ones."""
        spans = self._read_all(requests)
        if spans is None:
            readable = [_is_valid(request.body) for request in requests]
            if all(readable):  # rare, so it may try each request alone
                readable = [self._read_all([request]) is not None for request in requests]
            return self._read_some(requests, readable)
        unusual = spans.unusual()
        if not len(unusual):
            return requests, [], spans
        ends = np.cumsum([request.spans for request in requests])
        affected = set(np.searchsorted(ends, unusual, side="right").tolist())
        readable = [position not in affected for position in range(len(requests))]
        return self._read_some(requests, readable)

    def _read_some(
        self, requests: list[_Request], readable: list[bool]
    ) -> tuple[list[_Request], list[_Request], SpanColumns]:
        """Read again, without the requests that are not readable."""
        kept = [request for request, good in zip(requests, readable, strict=True) if good]
        left = [request for request, good in zip(requests, readable, strict=True) if not good]
        plain, unusual, spans = self._read(kept)
        return plain, left + unusual, spans

    def _read_all(self, requests: Sequence[_Request]) -> SpanColumns | None:
        """Return the spans of these requests; None if some are invalid, or `ptars` cannot read them."""
        try:
            spans = self._assembler.read(read_spans([request.body for request in requests]))
        except ValueError:
            return None
        return spans if len(spans) == sum(request.spans for request in requests) else None


def _accepted(request: _Request) -> AcceptedRequest:
    """Return the outcome of a request whose spans in protobuf are all accepted."""
    problems = request.problems
    if problems is None:
        return AcceptedRequest(request.spans)
    return AcceptedRequest(request.spans, problems.rejected, problems.explain())


def _with_problems(problems: Problems | None, outcome: _Outcome) -> _Outcome:
    """Add the spans that the conversion from JSON left out."""
    if problems is None or not isinstance(outcome, AcceptedRequest):
        return outcome
    message = "; ".join(filter(None, (problems.explain(), outcome.message)))
    return AcceptedRequest(outcome.spans, outcome.rejected + problems.rejected, message)


def _in_order(outcomes: Mapping[int, _Outcome]) -> tuple[_Outcome, ...]:
    return tuple(outcomes[number] for number in sorted(outcomes))


def _is_valid(body: bytes) -> bool:
    """Whether the protobuf library accepts a request, with its attributes."""
    try:
        otlp_protobuf.parse(body)
    except UndecodableRequest:
        return False
    return True
