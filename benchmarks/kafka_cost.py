"""What tracing costs a Kafka client: messages a second, and processor time a message, by what it does.

`./run bench kafka_cost [--client NAME …] [--publish]`; three minutes. Bare, stock and laban run at the same
time and take turns against one broker; medians of the rounds. Stock does not trace `poll()` of kafka-python,
and ends its spans before the handler runs: compare iterate, and what is on the spans. Processor time is of
all threads of the client, so of the export, too; where other programs run beside, it is the figure to trust.
"""

import argparse
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as `./run bench` starts it: a script

from benchmarks.workload.kafka_broker import broker
from benchmarks.workload.report import INSTRUMENTATION_COST, publish, table, traced_with
from benchmarks.workload.tracing import VARIANTS, ask, command, running, sink

WORK: Final = {
    "kafka_python_client": ("produce", "iterate", "poll"),
    "aiokafka_client": ("produce", "iterate", "poll"),
    "confluent_kafka_client": ("produce", "poll"),
}
"""What each client can do."""


class Figures(NamedTuple):
    """What one run has shown.

    Attributes:
        rate: messages a second.
        cpu: µs of processor time a message.
    """

    rate: float
    cpu: float


Runs = dict[tuple[str, bool, str], list[Figures]]


def main() -> None:
    """Run the rounds of each client and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=4_000, help="in each round")
    parser.add_argument("--client", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--publish", action="store_true", help="write it into docs/instrumentation-cost.md")
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
    """The figures of one client by variant, whether spans are exported, and work."""
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
        # Twice: what is read first, to join, is not measured.
        for _ in range(2):
            ask(processes["laban", False], f"produce {topic} {messages}")
        for number in range(rounds + 1):
            print(f"{client}: round {number} of {rounds}", file=sys.stderr)  # the first only warms up
            for work in WORK[client]:
                for (variant, exporting), process in processes.items():
                    target = f"out-{uuid4().hex[:8]}" if work == "produce" else topic
                    count = messages if number else messages // 10
                    figures = Figures(*map(float, ask(process, f"{work} {target} {count}").split()))
                    if number:
                        results.setdefault((variant, exporting, work), []).append(figures)
    return results


def report(client: str, results: Runs) -> str:
    """Medians: messages a second, and processor time a message."""
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
