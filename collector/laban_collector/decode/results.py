"""What a decoder gives back: one batch, and what became of each request in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.errors import CollectorError, UndecodableRequest


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request of which all or some spans are in the batch.

    Attributes:
        spans: how many are.
        rejected: how many are not.
        message: why, for the sender; empty when there is nothing to say.
    """

    spans: int
    rejected: int = 0
    message: str = ""


Outcome = Accepted | CollectorError
"""What became of a request."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Many requests as one batch.

    Attributes:
        batch: all spans that were accepted.
        outcomes: one a request, in their order.
    """

    batch: SpanBatch
    outcomes: tuple[Accepted | UndecodableRequest, ...]


class JsonBody(bytes):
    """The body of a request in OTLP/JSON; any other is protobuf."""


Decoder = Callable[[Sequence[bytes]], Decoded]
"""Bodies of requests to one batch. A body that cannot be decoded fails alone."""
