"""`./run drill [NAME …] [--rounds N] [--count N] [--seed N] [--publish]`: runs drills, prints their figures.

`./run drill damage --count 500` damages the files of a killed collector at random (`damage_drill`).
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.workload import report

from . import damage_drill
from .drills import DRILLS, LOSSY, Outcome

_DAMAGE = "damage"


def main() -> int:
    """Run the named drills, or all; return 1 if acknowledged spans were lost without a report."""
    parser = argparse.ArgumentParser(prog="./run drill", description=__doc__)
    names = ", ".join((*DRILLS, _DAMAGE))
    parser.add_argument("name", nargs="*", help=f"one of {names} (default: all but {_DAMAGE})")
    parser.add_argument(
        "--rounds", type=int, default=50, help="how many times each drill breaks the collector"
    )
    parser.add_argument("--count", type=int, default=500, help="number of mutations of the drill damage")
    parser.add_argument("--seed", type=int, default=7, help="seed of the random moments and positions")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(DRILLS) - {_DAMAGE}
    if unknown:
        parser.error(f"unknown drill: {', '.join(sorted(unknown))}")
    failed, outcomes = False, dict[str, Outcome]()
    if _DAMAGE in arguments.name:
        failed |= _damage(arguments.count, arguments.seed, publish=arguments.publish)
        arguments.name.remove(_DAMAGE)
        if not arguments.name:
            return int(failed)
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


def _damage(count: int, seed: int, *, publish: bool) -> bool:
    """Run the drill with random mutations; return whether one ended in what must not happen."""
    with tempfile.TemporaryDirectory(prefix="laban-drill-") as folder:
        trials = damage_drill.run(Path(folder), count, seed)
    text = damage_drill.as_text(trials)
    print(damage_drill.as_json(trials), text, sep="\n", flush=True)
    if publish:
        report.publish(_DAMAGE, text)
    return any(trial.fails for trial in trials)


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
