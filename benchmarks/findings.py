"""Measures how long the findings of the last hour take.

`./run bench findings [--spans 1M,10M] [--times N] [--keep DIR] [--publish]` fills a store of each size at
1,000 spans per second of shop time, as `./run bench query` does: the last hour holds 3.6 million, or all.
Both numbers are wall time: in a process that has the store open, and of the command from start to end.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.query import filled, sizes_of
from benchmarks.workload import report
from laban_app.answers.local import LocalAnswers
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader

_HOW: Final = (
    "The last hour holds 3.6 million spans, or all. “Answer” is the time in a process that has the store "
    "open; “processor” is its processor time; “command” is `laban findings --db` from start to end. The "
    "benchmark checks that the findings are the same each time."
)


def main() -> None:
    """Fill the stores, measure, print a table, and publish it if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=sizes_of, default="1M,10M", help="sizes of the stores")
    parser.add_argument("--times", type=int, default=10, help="how often to ask")
    parser.add_argument("--keep", type=Path, help="keep the stores in this directory and reuse them")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/findings.md")
    options = parser.parse_args()
    head = [
        "spans",
        "answer p50, s",
        "p95, s",
        "processor, s",
        "command p50, s",
        "traces",
        "of",
        "spans read",
        "findings",
    ]
    rows: list[list[str]] = []
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() if options.keep is None else nullcontext(options.keep) as folder:
        for size, spans in options.spans.items():
            path = Path(folder) / f"{size}.duckdb"
            with Database.open(path) as database:
                filled(database, spans)
            rows.append([size, *_measure(path, options.times)])
    load = f"Load of the machine before and after: {before:.0f} and {os.getloadavg()[0]:.0f}."
    text = f"{report.machine()} {load}\n\n{report.table(head, rows)}\n\n{_HOW}"
    print(text)
    if options.publish:
        report.publish("bench", text, report.FINDINGS)


def _measure(path: Path, times: int) -> list[str]:
    with Database.open(path, read_only=True) as database:
        answers = LocalAnswers(DuckDBReader(database))
        first = answers.findings()  # warms up
        taken: list[float] = []
        used = time.process_time()
        for _ in range(times):
            began = time.perf_counter()
            found = answers.findings()
            taken.append(time.perf_counter() - began)
            assert found.findings == first.findings, "the same spans give the same findings"
        processor = (time.process_time() - used) / times
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    command = np.median([_command(path) for _ in range(max(times // 3, 1))])
    looked = first.looked_at
    numbers = (looked.traces, looked.of, looked.spans, len(first.findings))
    return [
        f"{p50:.2f}",
        f"{p95:.2f}",
        f"{processor:.2f}",
        f"{command:.2f}",
        *(f"{number:,}" for number in numbers),
    ]


def _command(path: Path) -> float:
    """The seconds of the command line."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "laban", "findings", "--db", str(path), "--json"]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
