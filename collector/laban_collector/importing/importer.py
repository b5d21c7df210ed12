"""Files into the store: decoded in as many processes as there are processors, where that pays."""

import collections
import contextlib
import gc
import itertools
import multiprocessing
import os
import signal
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Final, NamedTuple

from laban.business_keys.keys import parse_rules
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.batch.splitter import join
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.columnar import decoder as columnar
from laban_collector.decode.span_builder import BatchBuilder, Problems, SentSpan
from laban_collector.importing.formats import Content, contents, looks_whole
from laban_collector.importing.reading import Chunk, Kind, chunks
from laban_collector.store.base import SpanWriter

PARALLEL_FROM: Final = 32 << 20
"""Bytes to import from which other processes help: each takes half a second to start."""

_MAX_SPANS: Final = 20_000
"""Spans in one commit."""

_EMPTY: Final = "file(s) skipped: empty"


class Piece(NamedTuple):
    """Some spans, ready to be stored, and how often what was left out on the way."""

    batch: SpanBatch
    refused: Counter[str]


@dataclass(slots=True)
class Report:
    """What an import did.

    Attributes:
        files: how many were read.
        stored: spans that are new in the store.
        duplicates: spans that it had, or that came twice.
        refused: what was left out and why, with how often.
    """

    files: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])

    @property
    def spans(self) -> int:
        """Spans that were read, and are in the store now."""
        return self.stored + self.duplicates


class Importer:
    """Imports one file after the other.

    Args:
        writer: where the spans go.
        rules: the business key rules, as in the settings.
        executor: other processes that decode; None: this one does.
    """

    def __init__(self, writer: SpanWriter, rules: str = "", executor: Executor | None = None) -> None:
        self.report = Report()
        self._writer = writer
        self._rules = rules
        self._executor = executor

    def add(self, file: BufferedReader, advanced: Callable[[], None] = lambda: None) -> None:
        """Import one file; what cannot be read of it is left out, and counted in the report.

        Args:
            file: open, at its beginning.
            advanced: called whenever more of it is stored.

        Raises:
            StoreError: the store refused; what was stored before stays.
        """
        self.report.files += 1
        empty = True
        before = self.report.refused.total()
        for piece in self._pieces(self._chunks(file)):
            empty = False
            written = self._writer.write(piece.batch)
            self.report.stored += written.spans
            self.report.duplicates += written.duplicates
            self.report.refused.update(piece.refused)
            advanced()
        if empty and self.report.refused.total() == before:
            self.report.refused[_EMPTY] += 1

    def _chunks(self, file: BufferedReader) -> Iterator[Chunk]:
        """The chunks up to where the file is broken."""
        try:
            yield from chunks(file, looks_whole)
        except (OSError, EOFError, zlib.error) as error:
            self.report.refused[f"file(s) cut short: {error}"] += 1

    def _pieces(self, found: Iterator[Chunk]) -> Iterator[Piece]:
        """In the order of the file; one chunk more is decoded or waits than there are processes."""
        executor = self._executor
        if executor is None:
            yield from itertools.chain.from_iterable(pieces(chunk, self._rules) for chunk in found)
            return
        waiting: collections.deque[Future[list[Piece]]] = collections.deque()
        for chunk in found:
            if chunk.kind is Kind.DOCUMENT:  # too large to hand over, and cut into pieces as it is read
                yield from pieces(chunk, self._rules)
                continue
            waiting.append(executor.submit(_all_pieces, chunk, self._rules))
            if len(waiting) > _processors():
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def pieces(chunk: Chunk, rules: str) -> Iterator[Piece]:
    """A chunk decoded, cut where a commit would become too large; at least one piece."""
    finder = KeyFinder(parse_rules(rules))
    problems, gathered = Problems(), _Gathered(finder)
    with _no_collections():
        for content in contents(chunk, problems):
            gathered.add(content)
            if gathered.spans >= _MAX_SPANS:
                yield Piece(gathered.to_batch(), Counter())
                gathered = _Gathered(finder)
        yield Piece(gathered.to_batch(), problems.reasons)


@contextlib.contextmanager
def _no_collections() -> Generator[None, None, None]:
    """Without searches for cycles: decoding makes none, but so many objects that searching takes as long."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Gathered:
    """Spans for one commit."""

    def __init__(self, finder: KeyFinder) -> None:
        self.spans = 0
        self._finder = finder
        self._builder = BatchBuilder(finder)
        self._requests: list[bytes] = []

    def add(self, content: Content) -> None:
        if isinstance(content, SentSpan):
            self._builder.add(content)
            self.spans += 1
        else:
            self._requests.append(content.body)
            self.spans += content.spans

    def to_batch(self) -> SpanBatch:
        others = self._builder.to_batch()
        if not self._requests:
            return others
        # All of them are accepted: what is malformed was left out when they were made.
        requests = columnar.decode(self._requests, self._finder).batch
        return join([requests, others]) if others.spans.num_rows else requests


@contextlib.contextmanager
def helpers(size: int) -> Generator[Executor | None, None, None]:
    """Processes that decode, if there is enough to do; they have ended when the block ends.

    Args:
        size: of all files, bytes.
    """
    if size < PARALLEL_FROM or _processors() < 2:
        yield None
        return
    # Not forked: this process has threads (DuckDB's, the progress bar's), which do not survive that.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_processors(), context, initializer=_ignore_interrupts) as executor:
        yield executor


def _all_pieces(chunk: Chunk, rules: str) -> list[Piece]:
    return list(pieces(chunk, rules))


def _ignore_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal; the first one ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
