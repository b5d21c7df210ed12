"""Options that commands share, and the consoles that they print to."""

import codecs
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeVar

import typer
from pydantic import BaseModel

from laban_mapper.printable import UNSAFE, printable
from laban_mapper.times import parse_time

if TYPE_CHECKING:
    from rich.console import Console

_UNSAFE_IN_JSON: Final = re.compile(f"(?![\t\n\r])[{UNSAFE}\u2028\u2029]")
"""JSON itself escapes the control characters in texts; line breaks stand between them."""

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


A = TypeVar("A", bound=BaseModel)


def print_json(answer: BaseModel) -> None:
    """Print one JSON object to standard output."""
    typer.echo(json_text(answer))


def json_text(answer: BaseModel) -> str:
    """One JSON object; characters that a terminal could obey are escaped, as JSON allows."""
    return _safe_json(answer.model_dump_json(indent=2))


def print_json_text(text: str) -> None:
    """Print JSON; characters that a terminal could obey are escaped, as JSON allows."""
    typer.echo(_safe_json(text))


def _safe_json(text: str) -> str:
    return _UNSAFE_IN_JSON.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def write_json(pieces: Iterable[bytes]) -> None:
    """Print one JSON object that comes in pieces of UTF-8, which may be cut anywhere."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in pieces:
        typer.echo(_UNSAFE_IN_JSON.sub(_escaped, decoder.decode(piece)), nl=False)
    typer.echo(decoder.decode(b"", final=True))


def safe(answer: A) -> A:
    """Return an answer with all its texts printable in one line: they come from spans of strangers."""
    changed = {name: _safe(value) for name, value in answer}
    return answer.model_copy(update=changed)


def _safe(value: object) -> object:
    match value:
        case str():
            return printable(value)
        case BaseModel():
            return safe(value)
        case list():
            return [_safe(item) for item in value]
        case dict():
            return {_safe(key): _safe(item) for key, item in value.items()}
        case _:
            return value


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean 'order'? ` if one of some names is nearly this one; empty if it is known, or none is."""
    names = set(known)
    near = [] if name in names else get_close_matches(name, names, n=1)
    return f"Did you mean '{near[0]}'? " if near else ""


def count(number: int, noun: str) -> str:
    """A number of things: `1 span`, `1,234 spans`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def stdout() -> "Console":
    """The console for answers: coloured on a terminal, plain in a pipe."""
    from laban_app.cli.console import open_console  # the terminal library is slow to load

    return open_console(stderr=False)


def stderr() -> "Console":
    """The console for everything that is not the answer."""
    from laban_app.cli.console import open_console

    return open_console(stderr=True)
