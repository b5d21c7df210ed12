"""A second store, which keeps span ids in memory: the minimum that implements `Store`."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.errors import StoreError
from laban_collector.store.base import (
    DEFAULT_NAMES,
    BatchLoader,
    Deleted,
    LedgerCheck,
    NameLimits,
    Profiler,
    RetentionLimits,
    SpanReader,
    Store,
    StoreHealth,
    Written,
)
from laban_collector.store.damage import Verification
from laban_collector.store.rows import LagRow


class MemoryStore(Store, BatchLoader):
    """Keeps the identities of its spans, and cannot be queried.

    Attributes:
        spans: (trace_hi, trace_lo, span_id, kind) of each span.
        full: whether the store refuses spans.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sequence = 0
        self.spans: set[tuple[int, ...]] = set()
        self.full = False

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        return cls(path)

    @property
    def path(self) -> Path:
        return self._path

    @property
    def sequence(self) -> int:
        return self._sequence

    def writer(self) -> BatchLoader:
        return self

    def write(self, batch: SpanBatch) -> Written:
        return self.load([batch], self._sequence + 1)[0]

    def load(self, batches: Iterable[SpanBatch], sequence: int, *, awaited: bool = False) -> list[Written]:
        self.probe(write=True)
        self._sequence = sequence
        return [self._load(batch) for batch in batches]

    def write_lag(self, rows: Sequence[LagRow]) -> None:
        raise self._unsupported("lag")

    def reader(self, *, staleness: float = 0.0) -> SpanReader:
        raise self._unsupported("reader")

    def health(self) -> StoreHealth:
        return StoreHealth(file=0, used=0, wal=0, uncounted=0, quarantined=(), verification=Verification())

    def probe(self, *, write: bool) -> None:
        if self.full:
            raise StoreError("full")

    def check_ledger(self) -> LedgerCheck:
        return LedgerCheck(self._sequence, self._sequence, different=0, lacking=0, surplus=0)

    def start(
        self,
        retention: RetentionLimits,
        deleted: Callable[[Deleted], None],
        names: NameLimits = DEFAULT_NAMES,
        profiler: Profiler | None = None,
        series: int = 0,
    ) -> None:
        if retention != RetentionLimits():
            raise self._unsupported("retention")

    def stop(self) -> None:
        pass

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _load(self, batch: SpanBatch) -> Written:
        columns = ("trace_hi", "trace_lo", "span_id", "kind")
        identities = list(zip(*(batch.spans[name].to_pylist() for name in columns), strict=True))
        new = set(identities) - self.spans
        self.spans |= new
        return Written(len(new), len(identities) - len(new))
