"""Results of decoding: the batch, the outcome of each request, and the reasons for rejected spans."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.errors import CollectorError, UndecodableRequest

_MAX_REASONS: Final = 5
_MAX_FIELDS: Final = 50
"""Distinct unknown fields that are named; their names come from outside."""
_FIELD_SHOWN: Final = 60
"""Characters of the name of an unknown field."""
_Sent = TypeVar("_Sent")
_Row = TypeVar("_Row")


class JsonBody(bytes):
    """The body of a request in OTLP/JSON; a plain `bytes` body is protobuf."""


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """A request of which all or some spans are in the batch.

    Attributes:
        spans: number of accepted spans.
        rejected: number of rejected spans.
        message: the reasons, for the sender; empty if there is nothing to report.
    """

    spans: int
    rejected: int = 0
    message: str = ""


RequestOutcome = AcceptedRequest | CollectorError
"""The outcome of a request."""


@dataclass(frozen=True, slots=True)
class DecodedRequests:
    """Many requests as one batch.

    Attributes:
        batch: all accepted spans.
        outcomes: one for each request, in their order.
    """

    batch: SpanBatch
    outcomes: tuple[AcceptedRequest | UndecodableRequest, ...]


Decoder = Callable[[Sequence[bytes]], DecodedRequests]
"""Decodes request bodies into one batch. A body that cannot be decoded does not affect the others."""


class MalformedError(Exception):
    """A span, an event or a link cannot be stored; the text is the reason."""


@dataclass(slots=True)
class Problems:
    """Rejected spans, dropped events and links, and the reasons.

    Attributes:
        rejected: number of rejected spans.
        reasons: number of occurrences of each reason, for spans, events and links.
        notes: what else happened to data that was read, with the number of occurrences.
        unknown: fields that the format does not have; they are not stored.
    """

    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter[str])
    notes: Counter[str] = field(default_factory=Counter[str])
    unknown: Counter[str] = field(default_factory=Counter[str])

    def reject(self, reason: object, spans: int = 1) -> None:
        """Count rejected spans."""
        self.rejected += spans
        self.reasons[f"span(s) rejected: {reason}"] += spans

    def well_formed(self, read: Callable[[_Sent], _Row], sent: Iterable[_Sent], what: str) -> list[_Row]:
        """Return the rows of well-formed elements; malformed ones are dropped and counted."""
        rows: list[_Row] = []
        for one in sent:
            try:
                rows.append(read(one))
            except MalformedError as reason:
                self.reasons[f"{what}(s) dropped: {reason}"] += 1
        return rows

    def count_unknown(self, names: Iterable[str], where: str) -> None:
        """Count fields that the format does not have.

        Args:
            names: of the fields.
            where: the object that has them, and its format.
        """
        for name in names:
            shown = f"{name[:_FIELD_SHOWN]} of {where}"
            is_named = shown in self.unknown or len(self.unknown) < _MAX_FIELDS
            self.unknown[shown if is_named else f"other fields of {where}"] += 1

    def explain(self) -> str:
        """Return the most frequent reasons, for the sender; '' if there are none."""
        return "; ".join(f"{count} {reason}" for reason, count in self.reasons.most_common(_MAX_REASONS))
