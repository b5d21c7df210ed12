"""Random requests through the decoder, compared with the protobuf library: `count` requests.

Each is accepted if and only if the library parses it, alone and in a group with others. What the columnar way
reads of the accepted ones equals what the library reads span by span.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from laban_collector.decode import otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.results import AcceptedRequest

from ...collector.batches import assert_same
from ..drills import chances
from . import Held, Size
from ._mutations import mutated, valid

_GROUP: Final = 25
"""Requests that are decoded together."""


def drill(folder: Path, size: Size) -> Held:
    """Run the drill."""
    del folder
    chance, accepted, spans = chances(size.seed), 0, 0
    finder = KeyFinder()
    decoder = OtlpDecoder(finder)
    for first in range(0, size.count, _GROUP):
        numbers = range(first, min(first + _GROUP, size.count))
        whole = [valid(chance, number) for number in numbers]
        sent = [one if chance.random() < 0.3 else mutated(chance, one, chance.choice(whole)) for one in whole]
        good, stored = _compare(decoder, finder, sent)
        accepted += good
        spans += stored
    return Held(
        f"{size.count:,} requests",
        f"{accepted:,} accepted, {size.count - accepted:,} refused, {spans:,} spans: all as the library",
    )


def _compare(decoder: OtlpDecoder, finder: KeyFinder, sent: Sequence[bytes]) -> tuple[int, int]:
    """Return the numbers of accepted requests and of stored spans."""
    decoded, expected = decoder.decode(sent), [is_accepted(one) for one in sent]
    found = [isinstance(outcome, AcceptedRequest) for outcome in decoded.outcomes]
    wrong = [one.hex() for number, one in enumerate(sent) if found[number] != expected[number]]
    assert not wrong, wrong
    assert_same(decoded, otlp_protobuf.decode(sent, finder))
    return sum(found), decoded.batch.spans.num_rows


def is_accepted(sent: bytes) -> bool:
    """Whether the protobuf library parses a request."""
    try:
        ExportTraceServiceRequest.FromString(sent)
    except DecodeError:
        return False
    return True
