"""Measures what tracing costs at start-up: the time until a FastAPI service is ready, and its memory.

`./run bench startup_cost [--publish]`; the variants (bare, upstream, laban) take turns within one run.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload.kafka_broker import broker
from benchmarks.workload.processes import rss_mb
from benchmarks.workload.report import INSTRUMENTATION_COST, publish, table, traced_with
from benchmarks.workload.tracing import VARIANTS, command, running, sink


class Started(NamedTuple):
    """The result of one start of one variant."""

    seconds: float
    rss_mb: float


def main() -> None:
    """Start each variant several times and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--publish", action="store_true", help="write the table into docs/instrumentation-cost.md"
    )
    options = parser.parse_args()
    results: dict[str, list[Started]] = {variant: [] for variant in VARIANTS}
    with broker() as bootstrap, sink() as endpoint:
        for _ in range(options.rounds):
            for variant, started in results.items():
                started.append(start(variant, bootstrap, endpoint))
    text = report(results)
    print(text)
    if options.publish:
        publish("startup_cost", f"{traced_with()}\n\n{text}", INSTRUMENTATION_COST)


def start(variant: str, bootstrap: str, endpoint: str) -> Started:
    """Start the service, wait until it listens, and stop it."""
    began = time.perf_counter()
    with running(command(variant, "order_service", bootstrap, "orders"), endpoint) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "ready":
            assert process.poll() is None
        return Started(time.perf_counter() - began, rss_mb(process.pid))


def report(results: dict[str, list[Started]]) -> str:
    """Return a table of the medians of the rounds."""
    rows: list[list[str]] = []
    for variant, started in results.items():
        seconds, memory = (statistics.median(values) for values in zip(*started, strict=True))
        rows.append([variant, f"{seconds:.2f}", f"{memory:.0f}"])
    return table(["", "ready after s", "memory MB"], rows)


if __name__ == "__main__":
    main()
