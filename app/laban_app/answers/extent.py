"""When the stored spans began: the first, and the last."""

from laban_app.answers.closure import Window
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import ALL_STARTS, plausible_starts


def extent_of(reader: SpanReader, now: int) -> Window | None:
    """The first and the last start, ns; implausible ones count only if there are no others. None: no span."""
    return reader.extent(*plausible_starts(now)) or reader.extent(*ALL_STARTS)
