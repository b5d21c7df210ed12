"""Measures what tracing costs a web service: requests, processor time, latency, start-up and memory.

The variants (bare, upstream, laban) take turns within one run, so a noisy machine affects all of them.
Processor time is the most reliable figure; requests per second depend on other programs on the machine.
"""

import argparse
import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload.processes import cpu_seconds, rss_mb
from benchmarks.workload.report import INSTRUMENTATION_COST, publish, table, traced_with
from benchmarks.workload.tracing import VARIANTS, command, running, sink

_REQUEST: Final = b"GET /orders/1001 HTTP/1.1\r\nHost: shop\r\n\r\n"


class Measured(NamedTuple):
    """The result of one round of one variant."""

    per_second: float
    cpu_us: float
    p99_ms: float
    start_s: float
    rss_mb: float


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=4000, help="in each round")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument(
        "--publish", action="store_true", help="write the table into docs/instrumentation-cost.md"
    )
    options = parser.parse_args()
    results: dict[tuple[str, bool], list[Measured]] = {}
    with sink() as endpoint:
        for number in range(1, options.rounds + 1):
            for exporting in (False, True):
                for variant in VARIANTS:
                    if variant == "bare" and exporting:
                        continue
                    print(f"round {number} of {options.rounds}: {variant}", file=sys.stderr)
                    measured = measure(
                        variant, endpoint if exporting else None, options.requests, options.connections
                    )
                    results.setdefault((variant, exporting), []).append(measured)
    text = report(results)
    print(text)
    if options.publish:
        publish("http_cost", f"{traced_with()}\n\n{text}", INSTRUMENTATION_COST)


def measure(variant: str, endpoint: str | None, requests: int, connections: int) -> Measured:
    """Start the service, send requests, and measure its resources."""
    began = time.perf_counter()
    with running(command(variant, "web"), endpoint) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        started = time.perf_counter() - began
        asyncio.run(load(port, requests // 10, connections))
        before, began = cpu_seconds(process.pid), time.perf_counter()
        latencies = sorted(asyncio.run(load(port, requests, connections)))
        took, used = time.perf_counter() - began, cpu_seconds(process.pid) - before
        return Measured(
            requests / took,
            used / requests * 1e6,
            latencies[int(len(latencies) * 0.99)] * 1000,
            started,
            rss_mb(process.pid),
        )


async def load(port: int, requests: int, connections: int) -> list[float]:
    """Send requests one after the other on each connection; return the seconds that each request took."""
    latencies: list[float] = []

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(requests // connections):
            began = time.perf_counter()
            writer.write(_REQUEST)
            await reader.readuntil(b"}")
            latencies.append(time.perf_counter() - began)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one_connection() for _ in range(connections)))
    return latencies


def report(results: dict[tuple[str, bool], list[Measured]]) -> str:
    """Return a table of the medians of the rounds."""
    head = ["", "requests/s", "µs CPU/request", "p99 ms", "start-up s", "memory MB"]
    rows: list[list[str]] = []
    for (variant, exporting), rounds in sorted(results.items(), key=lambda item: item[0][1]):
        medians = Measured(*(statistics.median(values) for values in zip(*rounds, strict=True)))
        name = variant if variant == "bare" else f"{variant}, {'exporting' if exporting else 'no export'}"
        rows.append(
            [
                name,
                f"{medians.per_second:,.0f}",
                f"{medians.cpu_us:,.0f}",
                f"{medians.p99_ms:.1f}",
                f"{medians.start_s:.2f}",
                f"{medians.rss_mb:.0f}",
            ]
        )
    return table(head, rows)


if __name__ == "__main__":
    main()
