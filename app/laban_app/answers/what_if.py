"""What would happen if: reads a sample of traces, and lets the mapper replay them."""

from typing import Final

from laban_app.answers.closure import Window
from laban_app.answers.sample import SampleSize, sample
from laban_collector.store.base import SpanReader
from laban_mapper.model import LookedAt
from laban_mapper.model_whatif import WhatIf
from laban_mapper.times import utc_time
from laban_mapper.whatif.answering import what_if
from laban_mapper.whatif.changes import ChangeTexts

SIZE: Final = SampleSize(entries=50, each=100, spans=10_000)
"""A 95th percentile needs more examples than a finding."""


def what_if_of(
    reader: SpanReader, texts: ChangeTexts, window: Window, size: SampleSize = SIZE, *, now: int = 0
) -> WhatIf:
    """Replay some traces of a time range with changes.

    Args:
        reader: of the store.
        texts: the changes.
        window: in which the traces begin, ns.
        size: how much is read at most.
        now: the time, ns.
    """
    found = sample(reader, window, size, now=now)
    looked_at = LookedAt(
        traces=sum(len(entry.traces) for entry in found.entries),
        of=sum(entry.seen for entry in found.entries),
        spans=found.spans,
        entries=len(found.entries),
    )
    answer = what_if(found.entries, texts, looked_at)
    notes = list(answer.assumptions)
    if found.too_large:
        notes.append(f"{found.too_large:,} traces are too large to be replayed, and are left out.")
    if not found.complete:
        notes.append("Not all that follows from the traces was read: later steps are missing.")
    return answer.model_copy(
        update={"assumptions": notes, "since": utc_time(window[0]), "until": utc_time(window[1])}
    )
