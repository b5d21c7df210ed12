"""How long answers take: the story of an order, the graph of the last 15 minutes, also while spans come in.

`./run bench query [--spans 1M,10M,50M] [--keep DIR] [--quick] [--publish]`: for each size a store of so many
spans, 1,000 of them a second, which is made first, or kept from run to run with `--keep`. Warm; and cold, for
which the database is opened anew and the file leaves the system's cache. Every answer is checked.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file: its helpers are in a package

from benchmarks.workload import report
from benchmarks.workload.filling import LATEST, Filler
from benchmarks.workload.shop import HOT_ORDERS, order_of_round
from laban_app.answers.local import LocalAnswers
from laban_app.server.process import STALE_S
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.housekeeping.retention import Limits
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_mapper.times import utc_time

_UNITS: Final = {"K": 1_000, "M": 1_000_000}
_WINDOW: Final = timedelta(minutes=15)
_HOW: Final = (
    "1,000 spans of each second, so that the last 15 minutes are 900,000. Cold: before each question the\n"
    "database is opened anew, and the system's cache of the file dropped (posix_fadvise). Spans coming in:\n"
    "50,000 a second, decoded, journaled, loaded and counted by the same process; in a collector, a story\n"
    "waits until all that was acknowledged is loaded. Each story has the spans made for it."
)
_MORE: Final = 500_000
"""Spans that are counted on top of what is stored."""


class Figures(NamedTuple):
    """Milliseconds."""

    p50: float
    p95: float


class Asked(NamedTuple):
    """A question, and how often it is asked in a row."""

    name: str
    ask: Callable[[LocalAnswers], None]
    times: int


class Questions:
    """What is asked of one store, with what must be answered.

    Args:
        filler: that filled the store.
        last: the start of the newest span, ns.
        times: how often the dearer ones are asked.
    """

    def __init__(self, filler: Filler, last: int, times: int) -> None:
        self._day = filler.day
        # Of the last rounds something is still on its way; of a small store that is true of all.
        self._complete = filler.rounds > LATEST
        self._rounds = filler.rounds - LATEST if self._complete else 1
        self._until = utc_time(last)
        self._random = random.Random(7)
        self._times = times
        self._ordinary = [order for order in self._day.orders if order != self._day.watched]

    def quiet(self) -> Iterator[Asked]:
        """What is asked while nothing comes in."""
        yield Asked("an order's whole story", self._order, self._times * 5)
        yield Asked("story of an order in some 50 traces", self._watched, self._times)
        yield Asked("story of one in too many to tell", self._hot, self._times)
        yield Asked("graph of the last 15 min", self._graph, self._times)

    def busy(self, storage: StorageService) -> Iterator[Asked]:
        """What is asked of a collector while spans come in: with what it does before each answer."""

        def order(answers: LocalAnswers) -> None:
            storage.settle()
            self._order(answers)

        def graph(answers: LocalAnswers) -> None:
            storage.settle_edges()
            self._graph(answers)

        yield Asked("an order's story, spans coming in", order, self._times)
        yield Asked("graph, spans coming in", graph, self._times)

    def _order(self, answers: LocalAnswers) -> None:
        self._tell(answers, self._random.choice(self._ordinary))

    def _watched(self, answers: LocalAnswers) -> None:
        self._tell(answers, self._day.watched)

    def _tell(self, answers: LocalAnswers, order: str) -> None:
        """The story has the spans that were made for the order, and no other ones."""
        value = order_of_round(order, self._random.randrange(self._rounds))
        told, made = answers.story("order.id", value).spans, self._day.orders[order]
        assert told == made or (told < made and not self._complete), f"order {value}: {told} of {made} spans"

    def _hot(self, answers: LocalAnswers) -> None:
        assert answers.story("order.id", HOT_ORDERS[0]).spans > 0

    def _graph(self, answers: LocalAnswers) -> None:
        drawn = answers.service_map(self._until - _WINDOW, self._until)
        services = sum(node.kind == "service" for node in drawn.nodes)
        assert services > 40, f"{services} services in the graph"


def measure(path: Path, spans: int, times: int) -> dict[str, Figures]:
    """All questions of a store of so many spans: warm, cold, and of a copy while spans come in."""
    with Database.open(path) as database:
        filler = filled(database, spans)
        questions = Questions(filler, _last(database), times)
    figures: dict[str, Figures] = {}
    with Database.open(path, read_only=True) as database:
        answers = LocalAnswers(DuckDBReader(database))
        for asked in questions.quiet():
            figures[asked.name] = _timed(asked, lambda: nullcontext(answers))
    for asked in questions.quiet():
        few = asked._replace(name=f"{asked.name}; cold", times=max(asked.times // 4, 3))
        figures[few.name] = _timed(few, lambda: _cold(path))
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        copy = Path(shutil.copy(path, name))
        os.sync()  # to write gigabytes back is not what is measured
        figures |= _measure_busy(copy, spans, times)
    return figures


def counting(path: Path, spans: int) -> float:
    """Microseconds of processor time that it takes to count a span, on top of so many; of a copy."""
    with (
        tempfile.TemporaryDirectory(dir=path.parent) as name,
        Database.open(Path(shutil.copy(path, name))) as database,
    ):
        more = filled(database, spans).fill(_MORE)
        began = time.process_time()
        _count(database)
        return (time.process_time() - began) * 1e6 / more


def filled(database: Database, spans: int) -> Filler:
    """Who filled a store with at least so many spans, all of them digested and counted."""
    with database.reading() as cursor:
        [(held,)] = cursor.execute("SELECT coalesce(sum(spans), 0)::BIGINT FROM ledger").fetchall()
    filler = Filler(database, held)
    if held < spans:
        print(f"filling: {held:,} of {spans:,} spans are there", file=sys.stderr)
        filler.fill(spans - held)
    Digester(database).catch_up()
    _count(database)
    return filler


def _count(database: Database) -> None:
    counter = EdgeCounter(database, CommitRanges(database))
    while counter.count_next() is not None:
        pass
    counter.compact()


def _measure_busy(path: Path, spans: int, times: int) -> dict[str, Figures]:
    """As a collector does it: what was taken is loaded, or counted, before the answer."""
    with Database.open(path) as database:
        filler = filled(database, spans)
        questions, storage = Questions(filler, _last(database), times), StorageService(database, Limits())
        answers = LocalAnswers(DuckDBReader(database, stale=STALE_S))
        storage.start()
        try:
            with filler.coming_in(storage.take):
                while not storage.flooded:  # what is steady is measured, not how it begins
                    time.sleep(0.1)
                return {
                    asked.name: _timed(asked, lambda: nullcontext(answers))
                    for asked in questions.busy(storage)
                }
        finally:
            storage.stop()


def _last(database: Database) -> int:
    extent = DuckDBReader(database).extent()
    assert extent is not None, "a filled store has spans"
    return extent[1]


@contextmanager
def _cold(path: Path) -> Generator[LocalAnswers, None, None]:
    """Answers of a database that was just opened, and of which the system has nothing in its cache."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with Database.open(path, read_only=True) as database:
        yield LocalAnswers(DuckDBReader(database))


def _timed(asked: Asked, open_answers: Callable[[], AbstractContextManager[LocalAnswers]]) -> Figures:
    taken: list[float] = []
    for number in range(asked.times + 1):
        with open_answers() as answers:
            began = time.perf_counter()
            asked.ask(answers)
            if number:  # the first one warms up
                taken.append((time.perf_counter() - began) * 1e3)
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    print(f"{asked.name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms", file=sys.stderr)
    return Figures(float(p50), float(p95))


def table(measured: dict[str, dict[str, Figures]]) -> str:
    """A row a question, a column a size, and how much longer the largest size takes than the smallest."""
    sizes = list(measured)
    head = ["ms, p50 / p95", *(f"{size} spans" for size in sizes), "growth of p95"]
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
    """`1M,10M` as numbers, by how they are written, the smallest first."""
    sizes = {size: int(float(size.rstrip("KM")) * _UNITS[size[-1:]]) for size in text.split(",")}
    return dict(sorted(sizes.items(), key=lambda size: size[1]))


def main() -> None:
    """Fill stores, ask them, print a table, and put it into the documents if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=sizes_of, default="1M", help="how many each store holds: 1M,10M,50M")
    parser.add_argument("--keep", type=Path, help="directory of the stores, which are used again")
    parser.add_argument("--quick", action="store_true", help="100,000 spans, few questions")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    sizes = {"100K": 100_000} if options.quick else options.spans
    with tempfile.TemporaryDirectory() if options.keep is None else nullcontext(options.keep) as folder:
        measured: dict[str, dict[str, Figures]] = {}
        counted: list[str] = []
        for size, spans in sizes.items():
            print(f"{size} spans", file=sys.stderr)
            path = Path(folder) / f"{size}.duckdb"
            measured[size] = measure(path, spans, 3 if options.quick else 20)
            counted.append(f"{counting(path, spans):.1f} µs with {size}")
    told = f"To count a span for the graph takes {', '.join(counted)} spans stored (processor time)."
    text = f"{report.machine()}\n\n{table(measured)}\n\n{told}\n\n{_HOW}"
    print(text)
    if options.publish:
        report.publish("query", text)


if __name__ == "__main__":
    main()
