"""`./run drill [NAME …] [--rounds N] [--seed N] [--publish]`: runs drills and prints their figures."""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.workload import report

from .drills import DRILLS, LOSSY, Outcome


def main() -> int:
    """Run the named drills, or all; return 1 if acknowledged spans were lost without a report."""
    parser = argparse.ArgumentParser(prog="./run drill", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(DRILLS)} (default: all)")
    parser.add_argument(
        "--rounds", type=int, default=50, help="how many times each drill breaks the collector"
    )
    parser.add_argument("--seed", type=int, default=7, help="seed of the random moments and positions")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(DRILLS)
    if unknown:
        parser.error(f"unknown drill: {', '.join(sorted(unknown))}")
    failed, outcomes = False, dict[str, Outcome]()
    for name in arguments.name or DRILLS:
        print(f"drill: {name}, {arguments.rounds} rounds", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="laban-drill-") as folder:
            outcome = DRILLS[name](Path(folder), arguments.rounds, arguments.seed)
        print(json.dumps({"drill": name, **outcome._asdict()}), flush=True)
        outcomes[name] = outcome
        failed |= bool(outcome.lost) and name not in LOSSY
    if arguments.publish:
        report.publish("drills", as_text(outcomes))
    return int(failed)


def as_text(outcomes: Mapping[str, Outcome]) -> str:
    """Return the figures as a table, with the machine and the versions."""
    rows = [
        [
            name.replace("_", " "),
            f"{outcome.rounds:,}",
            f"{outcome.acknowledged:,}",
            f"{outcome.lost:,}" + (" (all reported)" if name in LOSSY else ""),
            f"{outcome.seconds:.1f}" if outcome.seconds else "–",
        ]
        for name, outcome in outcomes.items()
    ]
    head = ["drill", "rounds", "spans acknowledged", "lost", "longest time to answer or exit, s"]
    return f"{report.table(head, rows)}\n\n{report.machine()}"


if __name__ == "__main__":
    sys.exit(main())
