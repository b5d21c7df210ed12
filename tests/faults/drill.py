"""`./run drill [NAME …] [--rounds N] [--count N] [--seconds N] [--seed N] [--publish]`: runs drills.

The drills of `drills.py` break a collector `--rounds` times. Those of `holds/` have a size of their own,
which `--count` and `--seconds` change. `damage` damages the files of a killed collector at random, `--count`
times (`damage_drill`).
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.workload import report

from . import damage_drill, holds
from .drills import DRILLS, LOSSY, Outcome

_DAMAGE: Final = "damage"
_MUTATIONS: Final = 500
_HOLDS: Final = "holds"
"""Stands for all drills of `holds/`."""
OPERATING: Final = report.PERFORMANCE.with_name("operating.md")


def main() -> int:
    """Run the named drills, or all; return 1 if acknowledged spans were lost without a report."""
    parser = argparse.ArgumentParser(prog="./run drill", description=__doc__)
    known = [*DRILLS, _DAMAGE, *holds.drills(), _HOLDS]
    parser.add_argument(
        "name",
        nargs="*",
        help=f"one of {', '.join(known)} (default: those before {_DAMAGE}; {_HOLDS}: those after)",
    )
    parser.add_argument(
        "--rounds", type=int, default=50, help="how many times each drill breaks the collector"
    )
    parser.add_argument("--seed", type=int, default=7, help="seed of the random moments and positions")
    parser.add_argument(
        "--count", type=int, help="mutations of damage; kills, cuts, requests or spans of a drill of holds/"
    )
    parser.add_argument("--seconds", type=float, help="how long endless_trace, overload and soak send")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="write the tables into docs/performance.md and docs/operating.md",
    )
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(known)
    if unknown:
        parser.error(f"unknown drill: {', '.join(sorted(unknown))}")
    failed, outcomes = False, dict[str, Outcome]()
    held = dict[str, holds.Held]()
    names = arguments.name or list(DRILLS)
    for name in holds.drills() if names == [_HOLDS] else names:
        if name == _DAMAGE:
            failed |= _damage(arguments.count or _MUTATIONS, arguments.seed, publish=arguments.publish)
            continue
        if name not in DRILLS:
            held[name] = _hold(name, arguments)
            continue
        print(f"drill: {name}, {arguments.rounds} rounds", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="laban-drill-") as folder:
            outcome = DRILLS[name](Path(folder), arguments.rounds, arguments.seed)
        print(json.dumps({"drill": name, **outcome._asdict()}), flush=True)
        outcomes[name] = outcome
        failed |= bool(outcome.lost) and name not in LOSSY
    if arguments.publish and outcomes:
        report.publish("drills", as_text(outcomes))
    if arguments.publish and held:
        publish_held(held)
    return int(failed)


def _hold(name: str, arguments: argparse.Namespace) -> holds.Held:
    """Run a drill of `holds/`; it raises AssertionError if the collector does not hold."""
    _, size = holds.SIZES[name]
    size = holds.Size(
        size.count if arguments.count is None else arguments.count,
        size.seconds if arguments.seconds is None else arguments.seconds,
        arguments.seed,
    )
    print(f"drill: {name}, {size}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="laban-drill-") as folder:
        held = holds.drills()[name](Path(folder), size)
    print(json.dumps({"drill": name, **held._asdict()}), flush=True)
    return held


def publish_held(held: Mapping[str, holds.Held]) -> None:
    """Write these rows into the table of docs/operating.md; the rows of other drills stay."""
    section = report.section("holds", OPERATING)
    rows = {line.split("|")[1].strip(): line for line in section.splitlines() if line.startswith("| `")}
    rows |= {f"`{name}`": f"| `{name}` | {one.size} | {one.found} |" for name, one in held.items()}
    table = "\n".join(["| drill | size | result |", "|---|---|---|", *(rows[name] for name in sorted(rows))])
    report.publish("holds", f"{table}\n\n{report.machine()}", OPERATING)


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
