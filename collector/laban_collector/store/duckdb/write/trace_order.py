"""The order in which rows of a commit lie in the file."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import numpy as np
import pyarrow as pa


class TraceOrder:
    """Trace by trace, in the order in which the traces began.

    Who reads a trace then unpacks few pieces of each column, and not one a span; and times that lie side by
    side are near each other, which packs them smaller.

    Args:
        spans: of the commit.
    """

    def __init__(self, spans: pa.Table) -> None:
        self._traces, places = np.unique(spans["trace_lo"].to_numpy(), return_inverse=True)
        self._began = np.full(len(self._traces), np.iinfo(np.int64).max)
        np.minimum.at(self._began, places, spans["start"].to_numpy().view(np.int64))

    def sort(self, rows: pa.Table) -> pa.Table:
        """Rows with a `trace_lo` of one of the traces, in this order."""
        began = self._began[np.searchsorted(self._traces, rows["trace_lo"].to_numpy())]
        return rows.take(pa.array(np.argsort(began, kind="stable")))
