"""Measures what it costs to keep profiles: processor time per span, rows, and the time to read one.

`./run bench profiles [--spans 4M] [--rate 20000] [--publish]`. The spans are loaded as by a collector that
receives them at the rate, two seconds at once, and their traces are counted every 30 seconds.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.query import sizes_of
from benchmarks.workload import report
from benchmarks.workload.filling import Filler
from laban_app.answers.profiling import profile_traces
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.profiles.counter import ProfileCounter
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.rows import ALL_STARTS
from laban_mapper.profiles.sketch import Measure

_LOAD: Final = 2
_ROUND: Final = 30
"""Seconds between two loads, and between two counts."""
_HOW: Final = (
    "A step of 30 seconds of spans is chosen from at once; the processor time includes adding up the counts. "
    "“Counted” are the traces from which the profiles are made."
)


def main() -> None:
    """Fill stores, count, print a table, and publish it if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=sizes_of, default="4M", help="number of spans")
    parser.add_argument("--rate", type=int, default=20_000, help="spans per second that arrive")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    head = ["", "µs per span", "spans", "counted traces", "entries", "steps", "rows", "profile, ms"]
    rows = [row for size, spans in options.spans.items() for row in _measure(size, spans, options.rate)]
    text = f"{report.machine()}\n\n{report.table(head, rows)}\n\n{_HOW}"
    print(text)
    if options.publish:
        report.publish("profiles", text)


def _measure(size: str, spans: int, rate: int) -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as folder, Database.open(Path(folder) / "spans.duckdb") as database:
        filler, ranges = Filler(database), CommitRanges(database)
        counter = ProfileCounter(database, ranges, profile_traces)
        digester, used, stored = Digester(database), 0.0, 0
        while stored < spans:
            for _ in range(_ROUND // _LOAD):
                stored += filler.fill(rate * _LOAD)
            digester.catch_up()
            began = time.process_time()
            while counter.count_next(delay=0):
                pass
            counter.compact()
            used += time.process_time() - began
        yield [f"{size}, {rate:,} spans/s", f"{used * 1e6 / stored:.2f}", f"{stored:,}", *_contents(database)]


def _contents(database: Database) -> list[str]:
    with database.reading() as cursor:
        [(steps, rows)] = cursor.execute(
            "SELECT (SELECT count(*) FROM profile_steps), (SELECT count(*) FROM profiles)"
        ).fetchall()
        entries = [entry for (entry,) in cursor.execute("SELECT DISTINCT entry FROM profiles").fetchall()]
    reader = DuckDBReader(database)
    traces, longest = 0, 0.0
    for entry in entries:
        began = time.perf_counter()
        _, counts = reader.profile(entry, *ALL_STARTS)
        longest = max(longest, (time.perf_counter() - began) * 1e3)
        traces += sum(
            number
            for count in counts
            if count.step == entry and count.measure == Measure.SEEN
            for _, number in count.buckets
        )
    return [f"{traces:,}", str(len(entries)), str(steps), f"{rows:,}", f"{longest:.1f}"]


if __name__ == "__main__":
    main()
