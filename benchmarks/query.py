"""How long answers take: the story of an order, the graph of the last 15 minutes, also while spans come in.

`./run bench query [--spans N] [--quick] [--publish]`: N spans (a million, or 10, or 50), 1,000 of them
a second, in a file that is made first (some 10 s a million).
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file: its helpers are in a package

from benchmarks.workload import report
from benchmarks.workload.shop import Template, templates
from laban_collector.correlations import KeyFinder
from laban_collector.decode.columnar.decoder import decode
from laban_collector.store.duckdb.database import Database
from laban_collector.store.duckdb.reader import DuckDBReader
from laban_collector.store.duckdb.writer import DuckDBWriter
from laban_mapper.local import LocalAnswers
from laban_mapper.times import moment

_REQUEST: Final = 512
_GROUP: Final = 20
_A_SECOND: Final = 1_000
_INCOMING: Final = 50_000
"""Spans a second while the graph is drawn."""
_SAMPLE: Final = """
SELECT value FROM correlations WHERE key = 'order.id' USING SAMPLE reservoir(60 ROWS) REPEATABLE (7)
"""


class Filler:
    """Writes spans, a group after the other, for ever new."""

    def __init__(self, database: Database) -> None:
        self._templates, _ = templates(_GROUP * 4, _REQUEST)
        self._period = len(self._templates) * _REQUEST * 1_000_000_000 // _A_SECOND
        self._writer = DuckDBWriter(database)
        self._finder = KeyFinder()
        self._groups = 0

    def write(self) -> int:
        """One more commit; returns its spans."""
        begin = self._groups * _GROUP % len(self._templates)
        number = self._groups * _GROUP // len(self._templates)
        group: Sequence[Template] = self._templates[begin : begin + _GROUP]
        bodies = [template.fresh(number, self._period) for template in group]
        self._groups += 1
        return self._writer.write(decode(bodies, self._finder).batch).spans

    @contextmanager
    def coming_in(self) -> Generator[None, None, None]:
        """Spans come in at a steady rate, or as near to it as the machine can, until the block ends."""
        over = threading.Event()

        def run() -> None:
            due = time.monotonic()
            while not over.wait(max(due - time.monotonic(), 0)):
                due += self.write() / _INCOMING

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def measure(database: Database, filler: Filler, times: int) -> list[list[str]]:
    """Every question, asked as often as that; warm."""
    answers = LocalAnswers(DuckDBReader(database))
    with database.reading() as cursor:
        orders = [value for (value,) in cursor.execute(_SAMPLE).fetchall()]
    asked = iter(orders * times)

    def story() -> None:
        assert answers.story("order.id", next(asked)).spans

    def graph() -> None:
        assert answers.service_map(_quarter_of_an_hour_ago(database)).edges

    rows = [
        _timed("order id to whole story", story, times * 5),
        _timed("graph of the last 15 min", graph, times),
    ]
    with filler.coming_in():
        rows.append(_timed("the graph while spans come in", graph, times))
        rows.append(_timed("the story while spans come in", story, times))
    return rows


def _quarter_of_an_hour_ago(database: Database) -> datetime:
    last = DuckDBReader(database).contents().last
    assert last is not None
    return moment(last) - timedelta(minutes=15)


def _timed(name: str, ask: Callable[[], None], times: int) -> list[str]:
    ask()  # warm
    taken: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1e3)
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    print(f"{name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms", file=sys.stderr)
    return [name, f"{p50:,.0f}", f"{p95:,.0f}"]


def main() -> None:
    """Fill a store, ask it, print a table, and put it into the documents if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000, help="how many the store holds")
    parser.add_argument("--quick", action="store_true", help="100,000 spans, few questions")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    spans = 100_000 if options.quick else options.spans
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "query.duckdb"
        with Database.open(path) as database:
            filler, held = Filler(database), 0
            while held < spans:
                held += filler.write()
        with Database.open(path) as database:
            rows = measure(database, Filler(database), 3 if options.quick else 20)
    text = f"{report.machine()} {held:,} spans.\n\n{report.table(['warm', 'p50 ms', 'p95 ms'], rows)}"
    print(text)
    if options.publish:
        report.publish("query", text)


if __name__ == "__main__":
    main()
