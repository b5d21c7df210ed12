"""Measures what tracing costs a Kafka client: messages/s and processor time per message, by operation.

`./run bench kafka_cost [--client NAME …] [--publish]` takes three minutes. The variants (bare, upstream,
laban) take turns against one broker; the table shows medians of the rounds. The upstream instrumentation of
kafka-python does not trace `poll()` and ends its spans before the handler runs, so compare `iterate` and the
content of the spans. Processor time includes all threads of the client, also the export. It is the most
reliable figure on a busy machine.
"""

import argparse
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload.kafka_broker import broker
from benchmarks.workload.report import INSTRUMENTATION_COST, publish, table, traced_with
from benchmarks.workload.tracing import VARIANTS, ask, command, running, sink

WORK: Final = {
    "kafka_python_client": ("produce", "iterate", "poll"),
    "aiokafka_client": ("produce", "iterate", "poll"),
    "confluent_kafka_client": ("produce", "poll"),
}
"""The operations of each client."""


class Figures(NamedTuple):
    """The result of one run.

    Attributes:
        rate: messages per second.
        cpu: µs of processor time per message.
    """

    rate: float
    cpu: float


Runs = dict[tuple[str, bool, str], list[Figures]]


def main() -> None:
    """Run the rounds of each client and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=4_000, help="in each round")
    parser.add_argument("--client", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument(
        "--publish", action="store_true", help="write the tables into docs/instrumentation-cost.md"
    )
    options = parser.parse_args()
    texts: list[str] = []
    with broker() as bootstrap, sink() as endpoint:
        for client in options.client:
            results = measure(client, bootstrap, endpoint, options.rounds, options.messages)
            texts.append(report(client, results))
            print(f"{texts[-1]}\n")
    if options.publish:
        publish("kafka_cost", "\n\n".join([traced_with(), *texts]), INSTRUMENTATION_COST)


def measure(client: str, bootstrap: str, endpoint: str, rounds: int, messages: int) -> Runs:
    """Return the figures of one client by variant, whether it exports spans, and operation."""
    results: Runs = {}
    topic = f"bench-{uuid4().hex[:8]}"
    with ExitStack() as stack:
        processes = {
            (variant, exporting): stack.enter_context(
                running(command(variant, client, bootstrap), endpoint if exporting else None)
            )
            for exporting in (False, True)
            for variant in (VARIANTS if not exporting else VARIANTS[1:])
        }
        # Twice: the records that a consumer reads to join are not measured.
        for _ in range(2):
            ask(processes["laban", False], f"produce {topic} {messages}")
        for number in range(rounds + 1):
            print(f"{client}: round {number} of {rounds}", file=sys.stderr)  # round 0 warms up
            for work in WORK[client]:
                for (variant, exporting), process in processes.items():
                    target = f"out-{uuid4().hex[:8]}" if work == "produce" else topic
                    count = messages if number else messages // 10
                    figures = Figures(*map(float, ask(process, f"{work} {target} {count}").split()))
                    if number:
                        results.setdefault((variant, exporting, work), []).append(figures)
    return results


def report(client: str, results: Runs) -> str:
    """Return a table of the medians: messages per second and processor time per message."""
    rows: list[list[str]] = []
    for variant, exporting in dict.fromkeys((variant, exporting) for variant, exporting, _ in results):
        name = variant if variant == "bare" else f"{variant}, {'exporting' if exporting else 'no export'}"
        runs = [results[variant, exporting, work] for work in WORK[client]]
        rates = [f"{statistics.median(figures.rate for figures in run):,.0f}" for run in runs]
        cpu = [f"{statistics.median(figures.cpu for figures in run):,.0f}" for run in runs]
        rows.append([name, *rates, *cpu])
    name = client.removesuffix("_client").replace("_", "-")
    head = [f"{work}/s" for work in WORK[client]] + [f"{work}, CPU µs" for work in WORK[client]]
    return table([name, *head], rows)


if __name__ == "__main__":
    main()
