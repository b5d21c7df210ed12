"""The console output of the demo, on standard error."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from laban_samples.demo.laban_processes import API_PORT
from laban_samples.demo.summary import LagSummary, Summary

_REPOSITORY: Final = Path(__file__).parents[3]


def print_lines(*lines: str) -> None:
    """Print lines."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def print_endpoints(dashboard: str | None, order: str, api: str, database: Path, folder: Path) -> None:
    """Print the URLs and file paths of the demo."""
    rows = {
        "dashboard": dashboard or "not started",
        "order service": f"{order}/orders",
        "laban API": f"http://{api}/api/v1/openapi.json",
        "database": str(database),
        "logs": str(folder),
    }
    print_lines("", *(f"{label:<14} {value}" for label, value in rows.items()))


def print_next_commands(api: str, first_id: int) -> None:
    """Print three commands to try next."""
    program = "./run" if (_REPOSITORY / "run").is_file() else "laban"
    option = "" if api.endswith(f":{API_PORT}") else f" --url http://{api}"
    lines = (f"order {first_id}", "map", "lag")
    print_lines(
        "", "Try these commands in another terminal:", *(f"  {program} {line}{option}" for line in lines), ""
    )


def print_summary(result: Summary) -> None:
    """Print the summary of a finished demo."""
    lag = sum(row["messages"] for row in result["lag"])
    print_lines(
        f"{len(result['orders'])} orders, {result['spans']} spans from {len(result['services'])} services, "
        f"{len(result['edges'])} edges, lag {lag} messages",
        f"database: {result['database']}",
        f"diagram:  {result['diagram']}",
    )


def print_left(left: Sequence[LagSummary]) -> None:
    """Print the messages that consumers have not processed; nothing if there are none."""
    print_lines(*(f"{row['group']} left {row['messages']} messages of topic {row['topic']}" for row in left))
