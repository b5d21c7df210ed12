"""Options that several commands share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from laban_mapper.times import parse_time

Db = Annotated[
    Path | None,
    typer.Option("--db", metavar="FILE", help="Ask this database file (or the collector that has it open)."),
]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Ask the collector whose API is there: http://127.0.0.1:4320."),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="For a collector that wants one. [default: LABAN_TOKEN, which others "
        "on this machine cannot see]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, in a stable shape.")]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="15m, 2h, 7d (ago) or ISO 8601. [default: 1 h before --until]"
    ),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="The same. [default: the newest span]")
]


def time_option(text: str | None) -> datetime | None:
    """The value of --since or --until; raises BadWindow."""
    return None if text is None else parse_time(text, datetime.now(UTC))


def print_json(answer: BaseModel) -> None:
    """One JSON object on standard output."""
    typer.echo(answer.model_dump_json(indent=2))
