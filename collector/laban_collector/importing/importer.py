"""The importer of trace files; large imports are decoded in one process per processor."""

import collections
import contextlib
import gc
import itertools
import multiprocessing
import os
import signal
import time
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
from laban_collector.decode.batch_builder import BatchBuilder, SentSpan
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.results import Problems
from laban_collector.importing.chunks import Chunk, Kind, chunks
from laban_collector.importing.data_quality import DataQuality
from laban_collector.importing.documents import contents, is_json_document
from laban_collector.importing.formats.format import Content
from laban_collector.store.base import SpanWriter

PARALLEL_FROM: Final = 32 << 20
"""Bytes. Smaller imports use no other processes: each takes half a second to start."""

_MAX_SPANS: Final = 20_000
"""Spans per commit."""

_MOST_FILES: Final = 20
"""The files that are named with a reason."""
_EMPTY: Final = "file(s) skipped: empty"
_NO_SPANS: Final = "file(s) without spans"


class DecodedPart(NamedTuple):
    """A decoded batch, and what its data had that is not in it, with counts; see `Report`."""

    batch: SpanBatch
    refused: Counter[str]
    notes: Counter[str]
    unknown: Counter[str]


@dataclass(slots=True)
class Report:
    """The results of an import.

    Attributes:
        files: number of files read.
        stored: number of spans that are new in the store.
        duplicates: number of spans that were stored already, or occur twice.
        refused: the reasons for skipped data, with their counts.
        refused_in: the names of the first files with such data, by reason.
        notes: what else happened to data that was read, with counts.
        unknown: the fields that the formats do not have, with counts; they are not stored.
        quality: the spans that are stored, but look wrong.
    """

    files: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    refused_in: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    notes: Counter[str] = field(default_factory=Counter[str])
    unknown: Counter[str] = field(default_factory=Counter[str])
    quality: DataQuality = field(default_factory=lambda: DataQuality(time.time_ns()))

    @property
    def spans(self) -> int:
        """The number of spans read, all of which are in the store now."""
        return self.stored + self.duplicates


class Importer:
    """Imports files one after the other.

    Args:
        writer: writes the batches.
        rules: the business key rules, as in the settings.
        executor: decodes in other processes; None to decode in this one.
    """

    def __init__(self, writer: SpanWriter, rules: str = "", executor: Executor | None = None) -> None:
        self.report = Report()
        self._writer = writer
        self._rules = rules
        self._executor = executor

    def add(
        self, file: BufferedReader, advanced: Callable[[], None] = lambda: None, name: str | None = None
    ) -> None:
        """Import one file; unreadable parts are skipped and counted in the report.

        Args:
            file: an open file, at its beginning.
            advanced: called after each stored batch.
            name: of the file, for the report.

        Raises:
            StoreError: the store failed; batches stored before are kept.
        """
        self.report.files += 1
        empty = True
        before, spans = self.report.refused.copy(), self.report.spans
        for part in self._parts(self._chunks(file)):
            empty = False
            written = self._writer.write(part.batch)
            self.report.stored += written.spans
            self.report.duplicates += written.duplicates
            self.report.refused.update(part.refused)
            self.report.notes.update(part.notes)
            self.report.unknown.update(part.unknown)
            self.report.quality.add(part.batch)
            advanced()
        if (before, spans) == (self.report.refused, self.report.spans):
            self.report.refused[_EMPTY if empty else _NO_SPANS] += 1
        for reason in self.report.refused - before:
            files = self.report.refused_in.setdefault(reason, [])
            if name is not None and len(files) < _MOST_FILES:
                files.append(name)

    def _chunks(self, file: BufferedReader) -> Iterator[Chunk]:
        """Yield the chunks up to the damaged position of a file."""
        try:
            yield from chunks(file, is_json_document)
        except (OSError, EOFError, zlib.error) as error:
            self.report.refused[f"file(s) cut short: {error}"] += 1

    def _parts(self, found: Iterator[Chunk]) -> Iterator[DecodedPart]:
        """Decode in the order of the file; at any time, one more chunk than processes is submitted."""
        executor = self._executor
        if executor is None:
            yield from itertools.chain.from_iterable(decode_chunk(chunk, self._rules) for chunk in found)
            return
        waiting: collections.deque[Future[list[DecodedPart]]] = collections.deque()
        for chunk in found:
            if chunk.kind is Kind.DOCUMENT:  # too large to send to another process
                yield from decode_chunk(chunk, self._rules)
                continue
            waiting.append(executor.submit(_decode_whole_chunk, chunk, self._rules))
            if len(waiting) > _processors():
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def decode_chunk(chunk: Chunk, rules: str) -> Iterator[DecodedPart]:
    """Decode a chunk into one or more parts, each for one commit."""
    finder = KeyFinder(parse_rules(rules))
    problems, commit = Problems(), _Commit(finder)
    with _no_garbage_collection():
        for content in contents(chunk, problems):
            commit.add(content)
            if commit.spans >= _MAX_SPANS:
                yield DecodedPart(commit.to_batch(), Counter(), Counter(), Counter())
                commit = _Commit(finder)
        yield DecodedPart(commit.to_batch(), problems.reasons, problems.notes, problems.unknown)


@contextlib.contextmanager
def _no_garbage_collection() -> Generator[None, None, None]:
    """Disable cyclic garbage collection: decoding makes no cycles, and a search takes as long as it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Commit:
    """Collects the spans of one commit."""

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
        # All are accepted: malformed elements were left out in the conversion.
        requests = OtlpDecoder(self._finder).decode(self._requests).batch
        return join([requests, others]) if others.spans.num_rows else requests


@contextlib.contextmanager
def decoding_processes(size: int) -> Generator[Executor | None, None, None]:
    """Start processes for decoding if the import is large, and end them after the block.

    Args:
        size: of all files, in bytes.
    """
    if size < PARALLEL_FROM or _processors() < 2:
        yield None
        return
    # Not fork: the threads of this process (DuckDB, the progress bar) would not survive it.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_processors(), context, initializer=_ignore_interrupts) as executor:
        yield executor


def _decode_whole_chunk(chunk: Chunk, rules: str) -> list[DecodedPart]:
    return list(decode_chunk(chunk, rules))


def _ignore_interrupts() -> None:
    """Ignore Ctrl-C, which a terminal sends to all processes; the main process ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
