"""Measures what a command costs: processor time of `laban --help` and of `laban order` against a collector.

`./run bench command_cost [--publish]`; the commands take turns, and the table has the medians.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload.report import machine, publish, table
from laban_collector.store.rows import Span
from tests.mapper.shop_spans import http_server, span
from tests.serving import serving

_SPANS: Final = 10_000


def main() -> None:
    """Run each command several times and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "spans.duckdb", anew=True) as collector,
    ):
        collector.send(list(order("short", 20)))
        collector.send(list(order("thousands", _SPANS)))
        commands = {
            "`laban --help`": ["--help"],
            "`laban order --help`": ["order", "--help"],
            "`laban order`, 20 spans": ["order", "short", "--url", collector.url],
            "`laban order --json`, 20 spans": ["order", "short", "--json", "--url", collector.url],
            f"`laban order`, {_SPANS:,} spans": ["order", "thousands", "--url", collector.url],
            f"`laban order --all`, {_SPANS:,} spans": ["order", "thousands", "--all", "--url", collector.url],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, arguments in commands.items():
                seconds[name].append(cpu_seconds(arguments))
    rows = [[name, f"{statistics.median(values):.2f}"] for name, values in seconds.items()]
    text = table(["", "CPU s"], rows)
    print(text)
    if options.publish:
        publish("command_cost", f"{machine()}\n\n{text}")


def order(name: str, spans: int) -> Iterator[Span]:
    """The spans of an order: a request, and what happened below it."""
    trace = f"{len(name):032x}"  # each name a trace of its own
    entry = http_server("order", "POST /orders", 0, 1000, attributes={"order.id": name}, trace_id=trace)
    yield entry
    for number in range(spans - 1):
        yield span("order", f"step {number % 50}", 1, number % 900, 5, entry)


def cpu_seconds(arguments: list[str]) -> float:
    """The processor time, of user and system, of one run of `laban`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "laban", *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
