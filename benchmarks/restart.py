"""Measures how long a collector that was killed takes until it is ready again.

`./run bench restart [--rounds N] [--publish]`: a store of a million spans, spans in the journal that were
acknowledged and not loaded, and an empty or a used log of DuckDB.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

import httpx

from benchmarks.workload import report, servers
from benchmarks.workload.filling import Filler
from benchmarks.workload.processes import cpu_seconds
from benchmarks.workload.sender import Load, send
from laban_collector.store.duckdb.connection.database import Database

_STORED: Final = 1_000_000
_REQUEST: Final = 512
_IN_JOURNAL: Final = 98
"""Requests, sent in less time than a batch waits to be loaded."""
_IN_LOG: Final = 480
"""Requests: two loads, less than DuckDB's log may have before it is written to the file."""
_CONNECTIONS: Final = 8
_FIRST_ROUND: Final = 1_000
_WAITING: Final = re.compile(r"Loading (\d+) spans")


class _Start(NamedTuple):
    waiting: int
    log_mb: float
    seconds: float
    cpu: float
    answer_s: float


def main() -> None:
    """Kill and start collectors, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spans.duckdb"
        with Database.open(path) as database:
            Filler(database).fill(_STORED)
        rows, first = [], _FIRST_ROUND
        for name, logged in (("empty", 0), ("used", _IN_LOG)):
            starts = []
            for _ in range(options.rounds):
                _kill_loaded(path, logged, first)
                first += 100
                starts.append(_start(path))
            rows.append([name, *_medians(starts)])
    text = report.table(
        ["log of DuckDB", "MB", "spans in the journal", "ready after s", "CPU s", "answer s"], rows
    )
    print(text)
    if options.publish:
        report.publish("restart", f"{report.machine()}\n\n{text}")


def _kill_loaded(path: Path, logged: int, first_round: int) -> None:
    """Start a collector, send spans that it loads and spans that it only acknowledges, and kill it."""
    with servers.laban(path) as server:
        assert server.process is not None

        def sent(requests: int, first: int) -> None:
            send(Load("http", server.http, _REQUEST, requests, _CONNECTIONS, False, first))

        if logged:
            sent(logged, first_round)
            _orders(server.api)  # an answer waits until all acknowledged spans are loaded
        sent(_IN_JOURNAL, first_round + 50)
        os.kill(server.process, signal.SIGKILL)


def _orders(api: str) -> None:
    httpx.get(f"http://{api}/api/v1/orders", timeout=60).raise_for_status()


def _start(path: Path) -> _Start:
    """Start a collector after a kill, ask it for its newest orders, and stop it cleanly."""
    log = path.with_name(f"{path.name}.wal")
    log_mb = log.stat().st_size / 1e6 if log.exists() else 0.0
    with tempfile.TemporaryFile("w+") as said:
        began = time.monotonic()
        with subprocess.Popen(servers.serve(path), stdout=subprocess.PIPE, stderr=said, text=True) as process:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            seconds, cpu = time.monotonic() - began, cpu_seconds(process.pid)
            asked = time.monotonic()
            _orders(ready["api"])
            answer_s = time.monotonic() - asked
            process.terminate()
        said.seek(0)
        waiting = _WAITING.search(said.read())
    return _Start(int(waiting[1]) if waiting else 0, log_mb, seconds, cpu, answer_s)


def _medians(starts: list[_Start]) -> list[str]:
    middle = _Start(*(statistics.median(column) for column in zip(*starts, strict=True)))
    return [
        f"{middle.log_mb:.0f}",
        f"{middle.waiting:,.0f}",
        *(f"{seconds:.1f}" for seconds in (middle.seconds, middle.cpu)),
        f"{middle.answer_s:.2f}",
    ]


if __name__ == "__main__":
    main()
