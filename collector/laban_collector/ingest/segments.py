"""What is loaded into the tables at once: batches that wait in one file of the journal."""

import time
from collections.abc import Iterable
from typing import Final

from laban_collector.ingest.journal import Journaled

ENOUGH: Final = 122_880
"""Spans that are loaded without waiting for more, and never more than these: DuckDB writes a whole row group
at once to its place. Of what was over it would make a small one, and write all of them anew at the next
checkpoint: as much work again, seconds in which nothing is loaded, and a third of the file left empty.
"""
LONGEST_WAIT: Final = 2.0
"""Seconds that a batch waits at most to be loaded, when nobody asks for it."""
ENOUGH_BYTES: Final = 96 << 20
"""In memory; the same for spans that are large, less exactly."""


class Segment:
    """Numbers and sizes of batches that wait in the journal; in memory they would take 100 MB and more."""

    def __init__(self) -> None:
        self.sequences: list[int] = []
        self.spans = 0
        self._bytes = 0
        self._until: float | None = None

    def add(self, journaled: Journaled) -> None:
        """One more, after the others."""
        if self._until is None:
            self._until = time.monotonic() + LONGEST_WAIT
        self.sequences.append(journaled.sequence)
        self.spans += journaled.batch.spans.num_rows
        self._bytes += journaled.batch.nbytes

    @property
    def is_enough(self) -> bool:
        """Whether they are enough to be loaded."""
        return self.spans >= ENOUGH or self._bytes >= ENOUGH_BYTES

    @property
    def time_left(self) -> float | None:
        """Seconds until they are loaded in any case; None: there are none."""
        return None if self._until is None else max(self._until - time.monotonic(), 0.0)


def first_segment(batches: Iterable[Journaled]) -> list[Journaled]:
    """The first ones, for of those that an earlier process left there may be many."""
    taken: list[Journaled] = []
    spans = size = 0
    for one in batches:
        taken.append(one)
        spans += one.batch.spans.num_rows
        size += one.batch.nbytes
        if spans >= ENOUGH or size >= ENOUGH_BYTES:
            break
    return taken
