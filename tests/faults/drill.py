"""`./run drill [NAME …] [--rounds N] [--seed N]`: the drills, long, with their figures as JSON."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from .drills import DRILLS, LOSSY


def main() -> int:
    """Run the drills that are named, or all; 1 when anything acknowledged was lost unnoticed."""
    parser = argparse.ArgumentParser(prog="./run drill", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(DRILLS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=50, help="how often each breaks something")
    parser.add_argument("--seed", type=int, default=7, help="what the moments and places are drawn from")
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(DRILLS)
    if unknown:
        parser.error(f"there is no drill {', '.join(sorted(unknown))}")
    failed = False
    for name in arguments.name or DRILLS:
        print(f"drill: {name}, {arguments.rounds} rounds", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="laban-drill-") as folder:
            outcome = DRILLS[name](Path(folder), arguments.rounds, arguments.seed)
        print(json.dumps({"drill": name, **outcome._asdict()}), flush=True)
        failed |= bool(outcome.lost) and name not in LOSSY
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
