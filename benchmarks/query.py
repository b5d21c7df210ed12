"""Measures the latency of stories, traces and the graph of the last 15 minutes, also while spans arrive.

`./run bench query [--spans 1M,10M,50M] [--rate N] [--keep DIR] [--quick] [--publish]` fills a store of each
size at 1,000 spans per second of shop time. `--keep` keeps the stores for the next run. Each question is
measured warm and cold; cold means that the database is reopened and the file is dropped from the system's
cache. Every answer is checked.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload import report
from benchmarks.workload.filling import INCOMING, LATEST, Filler
from benchmarks.workload.shop import HOT_ORDERS, order_of_round
from laban_app.answers.arriving import ArrivingAnswers
from laban_app.answers.local import LocalAnswers
from laban_app.answers.profiling import profile_traces
from laban_app.server.start import STALE_S
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.profiles.counter import ProfileCounter
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.rows import ALL_STARTS
from laban_mapper.orders import OrdersQuestion
from laban_mapper.times import utc_time

_UNITS: Final = {"K": 1_000, "M": 1_000_000}
_WINDOW: Final = timedelta(minutes=15)
_HOW: Final = (
    "The store has 1,000 spans per second, so the last 15 minutes hold 900,000. Cold: before each\n"
    "question, the benchmark reopens the database and drops the file from the system's cache\n"
    "(posix_fadvise). Spans arriving: the same process decodes, journals, loads and counts {rate:,} spans\n"
    "per second; as in a collector, a story or a trace waits for spans that belong to it. The benchmark\n"
    "checks that each story within the limits has the spans made for it. The store has the profiles of its\n"
    "traces (decision 0019), and stories are compared with them."
)
_MORE: Final = 500_000
"""Spans to add and count on top of the stored ones."""


class Figures(NamedTuple):
    """Latencies, in milliseconds."""

    p50: float
    p95: float


class Asked(NamedTuple):
    """A question, and how many times to ask it."""

    name: str
    ask: Callable[[LocalAnswers], None]
    times: int


class Questions:
    """The questions to one store, with checks of the answers.

    Args:
        filler: the filler that wrote the store.
        last: the start of the newest span, ns since the epoch.
        traces: the ids of some traces.
        times: how many times to ask the expensive questions.
    """

    def __init__(self, filler: Filler, last: int, traces: Sequence[str], times: int) -> None:
        self._traces = traces
        self._day = filler.day
        # Late spans of the last rounds are still to come; in a small store, this applies to all rounds.
        self._complete = filler.rounds > LATEST
        self._rounds = filler.rounds - LATEST if self._complete else 1
        self._until = utc_time(last)
        self._random = random.Random(7)
        self._times = times
        self._ordinary = [order for order in self._day.orders if order != self._day.watched]

    def quiet(self) -> Iterator[Asked]:
        """Yield the questions to ask while no spans arrive."""
        yield Asked("story of an order", self._order, self._times * 5)
        yield Asked("story of an order in about 50 traces", self._watched, self._times)
        yield Asked("story of an order beyond the limits", self._hot, self._times)
        yield Asked("newest 50 orders", self._newest, self._times)
        yield Asked("graph of the last 15 min", self._graph, self._times)
        yield Asked("one trace, whole", self._trace, self._times * 5)

    def busy(self) -> Iterator[Asked]:
        """Yield the questions to ask while spans arrive."""
        yield Asked("story of an order, spans arriving", self._order, self._times * 5)
        yield Asked("graph of the last 15 min, spans arriving", self._graph, self._times)
        yield Asked("one trace, whole, spans arriving", self._trace, self._times * 5)

    def _order(self, answers: LocalAnswers) -> None:
        self._story(answers, self._random.choice(self._ordinary))

    def _watched(self, answers: LocalAnswers) -> None:
        self._story(answers, self._day.watched)

    def _story(self, answers: LocalAnswers, order: str) -> None:
        """Ask for a story and check that it has exactly the spans that were made for the order."""
        value = order_of_round(order, self._random.randrange(self._rounds))
        found, expected = answers.story("order.id", value).spans, self._day.orders[order]
        assert found == expected or (found < expected and not self._complete), (
            f"order {value}: {found} of {expected} spans"
        )

    def _trace(self, answers: LocalAnswers) -> None:
        assert b"".join(answers.trace_json(self._random.choice(self._traces)))

    def _hot(self, answers: LocalAnswers) -> None:
        assert answers.story("order.id", HOT_ORDERS[0]).spans > 0

    def _newest(self, answers: LocalAnswers) -> None:
        """List the newest orders; a test compares the lines with the stories."""
        assert len(answers.orders().orders) == OrdersQuestion().limit

    def _graph(self, answers: LocalAnswers) -> None:
        drawn = answers.service_map(self._until - _WINDOW, self._until)
        services = sum(node.kind == "service" for node in drawn.nodes)
        assert services > 40, f"{services} services in the graph"


def measure(path: Path, spans: int, times: int, rate: int) -> dict[str, Figures]:
    """Measure all questions to a store of this many spans: warm, cold, and on a copy while spans arrive."""
    with Database.open(path) as database:
        filler = filled(database, spans)
        questions = Questions(filler, _last(database), _traces(database), times)
    figures: dict[str, Figures] = {}
    with Database.open(path, read_only=True) as database:
        answers = LocalAnswers(DuckDBReader(database))
        for asked in questions.quiet():
            figures[asked.name] = _timed(asked, lambda: nullcontext(answers))
    for asked in questions.quiet():
        few = asked._replace(name=f"{asked.name}, cold", times=max(asked.times // 4, 3))
        figures[few.name] = _timed(few, lambda: _cold(path))
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        copy = Path(shutil.copy(path, name))
        os.sync()  # do not measure the write-back of gigabytes
        figures |= _measure_busy(copy, spans, times, rate)
    return figures


def counting(path: Path, spans: int) -> float:
    """Return the µs of processor time to count one span in a copy of a store of this many spans."""
    with (
        tempfile.TemporaryDirectory(dir=path.parent) as name,
        Database.open(Path(shutil.copy(path, name))) as database,
    ):
        more = filled(database, spans).fill(_MORE)
        began = time.process_time()
        _count(database)
        return (time.process_time() - began) * 1e6 / more


def filled(database: Database, spans: int) -> Filler:
    """Fill a store to at least this many spans; digest, count and profile them; return the filler."""
    with database.reading() as cursor:
        [(held,)] = cursor.execute("SELECT coalesce(sum(spans), 0)::BIGINT FROM ledger").fetchall()
    filler = Filler(database, held)
    if held < spans:
        print(f"filling: the store has {held:,} of {spans:,} spans", file=sys.stderr)
        filler.fill(spans - held)
    Digester(database).catch_up()
    _count(database)
    _profile(database)
    return filler


def _count(database: Database) -> None:
    counter = EdgeCounter(database, CommitRanges(database))
    while counter.count_next() is not None:
        pass
    counter.compact()


def _profile(database: Database) -> None:
    counter = ProfileCounter(database, CommitRanges(database), profile_traces)
    while counter.count_next(delay=0):
        pass
    counter.compact()


def _measure_busy(path: Path, spans: int, times: int, rate: int) -> dict[str, Figures]:
    """Measure as in a collector: load or count all accepted spans before each answer."""
    with Database.open(path) as database:
        filler = filled(database, spans)
        questions, storage = (
            Questions(filler, _last(database), _traces(database), times),
            StorageService(DuckDBStore(database), RetentionLimits()),
        )
        storage.start()
        answers = ArrivingAnswers(storage, STALE_S)
        try:
            with filler.arriving(storage.take, rate):
                while not storage.store.flooded:  # measure the steady state, not the start
                    time.sleep(0.1)
                return {asked.name: _timed(asked, lambda: nullcontext(answers)) for asked in questions.busy()}
        finally:
            storage.stop()


def _last(database: Database) -> int:
    extent = DuckDBReader(database).extent(*ALL_STARTS)
    assert extent is not None, "a filled store has spans"
    return extent[1]


def _traces(database: Database) -> list[str]:
    """Return the ids of some traces, spread over the store."""
    with database.reading() as cursor:
        found = cursor.execute(
            "SELECT trace_hi, trace_lo FROM spans USING SAMPLE reservoir(500 ROWS) REPEATABLE (7)"
        ).fetchall()
    return [f"{high:016x}{low:016x}" for high, low in found]


@contextmanager
def _cold(path: Path) -> Generator[LocalAnswers, None, None]:
    """Answers from a database that was just opened, with none of the file in the system's cache."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with Database.open(path, read_only=True) as database:
        yield LocalAnswers(DuckDBReader(database))


def _timed(asked: Asked, open_answers: Callable[[], AbstractContextManager[LocalAnswers]]) -> Figures:
    taken: list[float] = []
    used: list[float] = []
    for number in range(asked.times + 1):
        with open_answers() as answers:
            began, used_before = time.perf_counter(), time.process_time()
            asked.ask(answers)
            if number:  # the first question warms up
                taken.append((time.perf_counter() - began) * 1e3)
                used.append((time.process_time() - used_before) * 1e3)
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    # On a busy machine, only the processor time tells what a question costs.
    cpu = np.quantile(used, [0.5, 0.95])
    print(
        f"{asked.name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms; processor {cpu[0]:.0f} and {cpu[1]:.0f} ms",
        file=sys.stderr,
    )
    return Figures(float(p50), float(p95))


def table(measured: dict[str, dict[str, Figures]]) -> str:
    """Return a table: a row per question, a column per size, and the growth across the sizes."""
    sizes = list(measured)
    head = ["ms, p50 / p95", *(f"{size} spans" for size in sizes), "p95 growth"]
    rows = [
        [
            question,
            *(f"{measured[size][question].p50:,.0f} / {measured[size][question].p95:,.0f}" for size in sizes),
            f"{measured[sizes[-1]][question].p95 / measured[sizes[0]][question].p95:.1f} ×",
        ]
        for question in measured[sizes[0]]
    ]
    return report.table(head, rows)


def sizes_of(text: str) -> dict[str, int]:
    """Parse `1M,10M` into numbers by name, the smallest first."""
    sizes = {size: int(float(size.rstrip("KM")) * _UNITS[size[-1:]]) for size in text.split(",")}
    return dict(sorted(sizes.items(), key=lambda size: size[1]))


def main() -> None:
    """Fill the stores, measure, print a table, and publish it if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=sizes_of, default="1M", help="sizes of the stores: 1M,10M,50M")
    parser.add_argument("--rate", type=int, default=INCOMING, help="spans per second that arrive")
    parser.add_argument("--keep", type=Path, help="keep the stores in this directory and reuse them")
    parser.add_argument("--quick", action="store_true", help="use 100,000 spans and few questions")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    sizes = {"100K": 100_000} if options.quick else options.spans
    with tempfile.TemporaryDirectory() if options.keep is None else nullcontext(options.keep) as folder:
        measured: dict[str, dict[str, Figures]] = {}
        counted: list[str] = []
        for size, spans in sizes.items():
            print(f"{size} spans", file=sys.stderr)
            path = Path(folder) / f"{size}.duckdb"
            measured[size] = measure(path, spans, 3 if options.quick else 20, options.rate)
            counted.append(f"{counting(path, spans):.1f} µs with {size}")
    counting_cost = f"Counting a span for the graph takes {', '.join(counted)} spans stored (processor time)."
    text = f"{report.machine()}\n\n{table(measured)}\n\n{counting_cost}\n\n{_HOW.format(rate=options.rate)}"
    print(text)
    if options.publish:
        report.publish("query", text)


if __name__ == "__main__":
    main()
