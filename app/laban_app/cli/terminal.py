"""Options that commands share, and the consoles that they print to."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from pydantic import BaseModel
from rich.console import Console

from laban_mapper.times import parse_time

_PIPED_WIDTH: Final = 200
"""Columns of output that goes to a file or a pipe: nothing is cut, and few lines are wrapped."""

Db = Annotated[
    Path | None,
    typer.Option(
        "--db", metavar="FILE", help="Read this database; if a collector has it open, ask the collector."
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Ask the collector at this URL, such as http://127.0.0.1:4320."
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="Token for the collector. Other users of this machine can see it; LABAN_TOKEN is safer. "
        "[default: LABAN_TOKEN]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON in a stable shape.")]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Start of the time range: 15m, 2h, 7d (ago) or ISO 8601. "
        "[default: 1 hour before --until; for order and story: any time]",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="TIME",
        help="End of the time range. [default: now; the newest span of an old import]",
    ),
]


class Source(NamedTuple):
    """The options that name the collector or the database to ask."""

    db: Db = None
    url: Url = None
    token: Token = None


class TimeRange(NamedTuple):
    """The options that limit the time range, as typed."""

    since: Since = None
    until: Until = None

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Both ends as times; raises InvalidTimeRange."""
        now = datetime.now(UTC)
        since, until = (None if text is None else parse_time(text, now) for text in self)
        return since, until


def print_json(answer: BaseModel) -> None:
    """Print one JSON object to standard output."""
    typer.echo(answer.model_dump_json(indent=2))


def count(number: int, noun: str) -> str:
    """A number of things: `1 span`, `1,234 spans`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def stdout() -> Console:
    """The console for answers: coloured on a terminal, plain in a pipe."""
    return _console(stderr=False)


def stderr() -> Console:
    """The console for everything that is not the answer."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(stderr=stderr, highlight=False, soft_wrap=False, width=width, emoji=False, markup=False)
