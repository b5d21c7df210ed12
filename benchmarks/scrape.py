"""Measures a scrape of `/metrics` with very many edges, and what it costs to keep their totals.

`./run bench scrape [--services 500] [--spans 400K] [--publish]` makes each service call three others, and
scrapes after all totals have changed. Then it counts the spans of a simulated shop, in turns with and
without totals.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload import report
from benchmarks.workload.filling import Filler
from laban_app.server.metrics.edges import EdgeMetrics
from laban_app.server.metrics.text import Form
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.totals.counter import TotalsCounter
from laban_collector.store.edge_totals import (
    BOUNDS,
    DEFAULT_SERIES,
    EdgeTotal,
    EdgeTotals,
    Exemplar,
    SeriesKey,
    Times,
)

_CALLEES: Final = 3
_SCRAPES: Final = 20
_TURNS: Final = (False, True, True, False, False, True)
"""Whether totals are kept, so that neither side has the larger files."""
_UNITS: Final = {"K": 1_000, "M": 1_000_000}
_HOW: Final = """\
Processor time to render a page, without HTTP. “All changed”: every edge had a call since the last scrape,
which happens at most every five seconds; within a second of another scrape, the same bytes are sent. The
cost of totals is the processor time to count the spans of the simulated shop, in steps of 100,000 spans,
in turns with and without totals, the best of three."""


class Figures(NamedTuple):
    """The result."""

    edges: int
    size: int
    changed_ms: float
    unchanged_ms: float
    openmetrics_ms: float
    without_us: float
    with_us: float


def totals(services: int, version: int) -> EdgeTotals:
    """Return totals in which each service has called three others, each time more often."""
    counts = tuple(version * (at + 1) for at in range(len(BOUNDS) + 1))
    times = Times(version * 10**9, counts)
    return EdgeTotals(
        [
            EdgeTotal(
                SeriesKey("graph", f"service-{caller}", f"service-{(caller + step) % services}"),
                sum(counts),
                version,
                times,
                times,
            )
            for caller in range(services)
            for step in range(1, 1 + _CALLEES)
        ],
        version=version,
    )


def exemplars(known: EdgeTotals) -> list[Exemplar]:
    """Return four examples of each edge."""
    return [
        Exemplar(one.key, "served", bound, f"{number:032x}", 10**7, time.time_ns())
        for number, one in enumerate(known.edges)
        for bound in (1, 3, 5, 7)
    ]


def scrapes(services: int) -> tuple[int, int, list[float]]:
    """Return the number of edges, the size of a page, and the medians of three kinds of scrapes, in ms."""
    metrics, size = EdgeMetrics(), 0
    taken: list[list[float]] = [[], [], []]
    for version in range(1, _SCRAPES + 1):
        known = totals(services, version)
        examples = exemplars(known)
        for kind, (form, shown) in enumerate(
            ((Form.TEXT, ()), (Form.TEXT, ()), (Form.OPENMETRICS, examples))
        ):
            began = time.thread_time()
            size = len(metrics.render(known, form, shown).encode())
            taken[kind].append((time.thread_time() - began) * 1e3)
    return services * _CALLEES, size, [float(np.median(one)) for one in taken]


def counting(spans: int) -> tuple[float, float]:
    """Return the processor time to count a span, in µs, without and with totals."""
    taken: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder, Database.open(Path(folder) / "spans.duckdb") as database:
        filler = Filler(database)
        # The first spans correct nothing, so they cost less than all others.
        for turn in (False, *_TURNS):
            stored = filler.fill(spans)
            kept = TotalsCounter(DEFAULT_SERIES) if turn else None
            counter = EdgeCounter(database, CommitRanges(database), 100_000, totals=kept)
            began = time.process_time()
            while counter.count_next() is not None:
                pass
            taken[turn].append((time.process_time() - began) / stored * 1e6)
    return min(taken[False][1:]), min(taken[True])


def measure(services: int, spans: int) -> Figures:
    """Measure everything."""
    edges, size, (changed, unchanged, openmetrics) = scrapes(services)
    return Figures(edges, size, changed, unchanged, openmetrics, *counting(spans))


def text(services: int, found: Figures) -> str:
    """Return the section of the document."""
    rows: Sequence[tuple[str, str]] = (
        (f"edges of {services} services", f"{found.edges:,}"),
        ("size of the page, MB (OpenMetrics)", f"{found.size / 1e6:.1f}"),
        ("scrape, all changed, ms", f"{found.changed_ms:.0f}"),
        ("scrape, nothing changed, ms", f"{found.unchanged_ms:.1f}"),
        ("scrape, OpenMetrics with exemplars, ms", f"{found.openmetrics_ms:.0f}"),
        ("counting without totals, µs per span", f"{found.without_us:.2f}"),
        ("counting with totals, µs per span", f"{found.with_us:.2f}"),
    )
    return "\n\n".join((report.machine(), report.table(("", "figure"), rows), _HOW))


def number(given: str) -> int:
    """Parse a number such as 400K."""
    unit = _UNITS.get(given[-1:].upper())
    return round(float(given[:-1]) * unit) if unit else int(given)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=number, default=500)
    parser.add_argument("--spans", type=number, default=400_000)
    parser.add_argument("--publish", action="store_true", help="write the figures to docs/performance.md")
    given = parser.parse_args()
    shown = text(given.services, measure(given.services, given.spans))
    print(shown)
    if given.publish:
        report.publish("scrape", shown)


if __name__ == "__main__":
    main()
