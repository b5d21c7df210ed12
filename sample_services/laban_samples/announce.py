"""What the demo tells people; all of it goes to standard error."""

import sys
from pathlib import Path
from typing import Final

from laban_samples.observer import API_PORT
from laban_samples.summary import Summary

_REPOSITORY: Final = Path(__file__).parents[2]


def say(*lines: str) -> None:
    """Print lines."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def places(dashboard: str | None, order: str, api: str, database: Path, folder: Path) -> None:
    """Print what is where."""
    rows = {
        "dashboard": dashboard or "not started",
        "order service": f"{order}/orders",
        "laban's API": f"http://{api}/api/v1/openapi.json",
        "database": str(database),
        "logs": str(folder),
    }
    say("", *(f"{what:<14} {where}" for what, where in rows.items()))


def commands(api: str, first_id: int) -> None:
    """Print three commands to try next, as they work here."""
    program = "./run" if (_REPOSITORY / "run").is_file() else "laban"
    where = "" if api.endswith(f":{API_PORT}") else f" --url http://{api}"
    lines = (f"order {first_id}", "map", "lag")
    say("", "try, in another terminal:", *(f"  {program} {line}{where}" for line in lines), "")


def summary(result: Summary) -> None:
    """Print the summary of a demo that has ended."""
    behind = sum(row["messages"] for row in result["lag"])
    say(
        f"{len(result['orders'])} orders, {result['spans']} spans of {len(result['services'])} services, "
        f"{len(result['edges'])} edges, {behind} messages behind",
        f"database: {result['database']}",
        f"diagram:  {result['diagram']}",
    )
