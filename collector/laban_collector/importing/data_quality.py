"""Counts of imported spans with an impossible date or without the name of their service."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

import numpy as np
import pyarrow.compute as pc

from laban.vocabulary import UNKNOWN_SERVICE
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.store.rows import DatedSpans, plausible_starts


class DataQuality:
    """Counts while batches are imported.

    Args:
        now: ns since the epoch.

    Attributes:
        unnamed: the number of spans without `service.name`.
    """

    def __init__(self, now: int) -> None:
        self._since, self._until = plausible_starts(now)
        self._outside: dict[tuple[bool, int], DatedSpans] = {}
        self.unnamed = 0

    @property
    def outside(self) -> list[DatedSpans]:
        """The spans with an impossible start, by the number of its digits, as from `SpanReader`."""
        return sorted(self._outside.values(), key=lambda dated: dated.first)

    def add(self, batch: SpanBatch) -> None:
        """Count the spans of a batch."""
        services = batch.resources["service"]
        unknown = pc.or_(
            pc.equal(services, UNKNOWN_SERVICE), pc.starts_with(services, pattern=f"{UNKNOWN_SERVICE}:")
        )
        ids = batch.resources["resource_id"].filter(unknown)
        if len(ids):
            found = pc.is_in(batch.spans["resource_id"], value_set=ids.combine_chunks())
            self.unnamed += pc.sum(found, min_count=0).as_py()
        starts = batch.spans["start"].to_numpy().view(np.int64)
        for start in starts[(starts < self._since) | (starts >= self._until)].tolist():
            self._add_start(start)

    def _add_start(self, start: int) -> None:
        group = (start >= self._until, len(str(start)))
        known = self._outside.get(group, DatedSpans(0, start, start))
        self._outside[group] = DatedSpans(known.spans + 1, min(known.first, start), max(known.last, start))
