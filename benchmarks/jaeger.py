"""Measures the answers of Jaeger's query API: processor time, and the time taken if the machine is idle.

`./run bench jaeger [--spans 1M,10M] [--keep DIR] [--quick] [--publish]` fills a store of each size as
`./run bench query` does, and can share its stores. Each answer contains its JSON, and is checked.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.query import filled, sizes_of
from benchmarks.workload import report
from laban_app.answers.local import LocalAnswers
from laban_app.server.jaeger.parameters import Question
from laban_app.server.jaeger.queries import JaegerQueries
from laban_app.server.jaeger.v1_shapes import trace_json
from laban_app.server.jaeger.v3_shapes import summary_json
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.rows import ALL_STARTS
from laban_collector.store.searches import Tag
from laban_mapper.spans import NS_PER_S

_LIMIT: Final = 20
"""The traces of a search, as in Grafana and in the Jaeger UI."""
_ASKED: Final = Question(None, None, (), 0, None, None, None, _LIMIT)
_VALUES: Final = 300
_DAY: Final = 24 * 3600 * NS_PER_S


class Figures(NamedTuple):
    """Milliseconds, p50 and p95."""

    took: tuple[float, float]
    processor: tuple[float, float]


class Questions:
    """The questions to one store; each returns the number of traces or names in its answer.

    Args:
        database: the filled store.
    """

    def __init__(self, database: Database) -> None:
        reader = DuckDBReader(database)
        self._queries = JaegerQueries(LocalAnswers(reader), reader, lambda: None, KeyFinder())
        extent = reader.extent(*ALL_STARTS)
        assert extent is not None, "a filled store has spans"
        self._until = extent[1]
        self._values = [one.value for one in reader.newest_values("order.id", *ALL_STARTS, _VALUES)]
        self._random = random.Random(7)
        self._service = self._queries.services()[0]

    def all(self) -> dict[str, Callable[[], int]]:
        """Return the questions by name."""
        of_service = replace(_ASKED, service=self._service)
        unknown = replace(_ASKED, tags=(Tag("no.such.tag", "1"),))
        failed = replace(_ASKED, tags=(Tag("error", "true"),))
        both = replace(unknown, service=self._service)
        return {
            'search by `tags={"order.id":…}`, whole traces': lambda: self._whole(self._of_order()),
            "the same, and by a service": lambda: self._whole(self._of_order(self._service), least=0),
            "the same as summaries": lambda: self._summaries(self._of_order()),
            "search by service, 20 whole traces": lambda: self._whole(of_service),
            "search by service, 20 summaries": lambda: self._summaries(of_service),
            "search by `error=true`, 20 summaries": lambda: self._summaries(failed),
            "search by a service and a tag that no span has": lambda: self._summaries(both, least=0),
            "search by a tag that no span has": lambda: self._summaries(unknown, least=0),
            "services": lambda: len(self._queries.services()),
            "operations of a service": lambda: len(self._queries.operations(self._service)),
            "dependencies of a day": lambda: len(self._queries.dependencies(self._until, _DAY)[0]),
        }

    def _of_order(self, service: str | None = None) -> Question:
        return replace(_ASKED, service=service, tags=(Tag("order.id", self._random.choice(self._values)),))

    def _whole(self, question: Question, least: int = 1) -> int:
        found = self._queries.traces(question)
        json.dumps([trace_json(trace, found.warnings) for trace in found.traces])
        assert len(found.traces) >= least
        return len(found.traces)

    def _summaries(self, question: Question, least: int = 1) -> int:
        found, _ = self._queries.summaries(question)
        json.dumps([summary_json(summary) for summary in found])
        assert len(found) >= least
        return len(found)


def measure(path: Path, spans: int, times: int) -> dict[str, Figures]:
    """Measure all questions to a store of this many spans."""
    with Database.open(path) as database:
        filled(database, spans)
    with Database.open(path, read_only=True) as database:
        return {name: _timed(name, ask, times) for name, ask in Questions(database).all().items()}


def _timed(name: str, ask: Callable[[], int], times: int) -> Figures:
    ask()  # warms up
    took: list[float] = []
    used: list[float] = []
    for _ in range(times):
        began, used_before = time.perf_counter(), time.process_time()
        ask()
        took.append((time.perf_counter() - began) * 1e3)
        used.append((time.process_time() - used_before) * 1e3)
    figures = Figures(_quantiles(took), _quantiles(used))
    print(f"{name}: {figures}", file=sys.stderr)
    return figures


def _quantiles(values: Sequence[float]) -> tuple[float, float]:
    p50, p95 = np.quantile(values, [0.5, 0.95])
    return float(p50), float(p95)


def table(measured: dict[str, dict[str, Figures]]) -> str:
    """Return a table: a row for each question; on a busy machine, only with the processor time."""
    shown = Figures._fields[os.getloadavg()[0] > (os.cpu_count() or 1) :]
    head = ["ms, p50 / p95", *(f"{size} spans, {what}" for size in measured for what in shown)]
    rows = [
        [name, *(_pair(getattr(measured[size][name], what)) for size in measured for what in shown)]
        for name in next(iter(measured.values()))
    ]
    return report.table(head, rows)


def _pair(figures: tuple[float, float]) -> str:
    return f"{figures[0]:,.0f} / {figures[1]:,.0f}"


def main() -> None:
    """Fill the stores, measure, print a table, and publish it if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=sizes_of, default="1M", help="sizes of the stores: 1M,10M")
    parser.add_argument("--keep", type=Path, help="keep the stores in this directory and reuse them")
    parser.add_argument("--quick", action="store_true", help="use 100,000 spans and few questions")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    sizes = {"100K": 100_000} if options.quick else options.spans
    with tempfile.TemporaryDirectory() if options.keep is None else nullcontext(options.keep) as folder:
        measured = {
            size: measure(Path(folder) / f"{size}.duckdb", spans, 3 if options.quick else 10)
            for size, spans in sizes.items()
        }
    text = f"{report.machine()}\n\n{table(measured)}"
    print(text)
    if options.publish:
        report.publish("jaeger", text)


if __name__ == "__main__":
    main()
