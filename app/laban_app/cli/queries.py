"""The commands that answer: order, story, map, diagram, lag, status."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from laban_app.answers.discovery import open_answers
from laban_app.answers.protocol import Answers
from laban_app.cli import console, options
from laban_app.cli.map_text import show_lag, show_map, show_status
from laban_app.cli.pandas_blocker import without_pandas
from laban_app.cli.story_text import show_story
from laban_mapper.diagrams.render import FORMATS, Format, render
from laban_mapper.errors import MapperError
from laban_mapper.model import Story

Everything = Annotated[bool, typer.Option("--all", help="Every span on a line of its own.")]


def order(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="The order's id, as the business says it.")],
    db: options.Db = None,
    url: options.Url = None,
    token: options.Token = None,
    since: options.Since = None,
    until: options.Until = None,
    everything: Everything = False,
    json: options.Json = False,
) -> None:
    """Tell what happened to an order. Exits with 1 if nobody has heard of it."""
    _tell(_ask("order", order_id, db, url, token, since, until), everything=everything, json=json)


def story(
    pair: Annotated[str, typer.Argument(metavar="KEY=VALUE", help="A business key: customer.id=c-7.")],
    db: options.Db = None,
    url: options.Url = None,
    token: options.Token = None,
    since: options.Since = None,
    until: options.Until = None,
    everything: Everything = False,
    json: options.Json = False,
) -> None:
    """Tell what happened to any business key's value."""
    key, separator, value = pair.partition("=")
    if not (key and separator and value):
        raise typer.BadParameter(f"'{pair}' is not KEY=VALUE, such as customer.id=c-7")
    _tell(_ask(key, value, db, url, token, since, until), everything=everything, json=json)


def service_map(
    db: options.Db = None,
    url: options.Url = None,
    token: options.Token = None,
    since: options.Since = None,
    until: options.Until = None,
    json: options.Json = False,
) -> None:
    """Show who talks to whom, and how."""
    answer = _answers(url, db, token).service_map(options.time_option(since), options.time_option(until))
    if json:
        options.print_json(answer)
    elif answer.edges:
        show_map(answer, console.out())
    else:
        console.err().print(
            "No calls in this window. Widen it (--since 7d), or see what is there: laban status"
        )


def diagram(
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="svg, png, dot or mermaid.")
    ] = "svg",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write. [default: stdout]")
    ] = None,
    db: options.Db = None,
    url: options.Url = None,
    token: options.Token = None,
    since: options.Since = None,
    until: options.Until = None,
) -> None:
    """Draw an architecture diagram of what ran."""
    chosen = _format(form)
    answer = _answers(url, db, token).service_map(options.time_option(since), options.time_option(until))
    if not answer.edges:
        raise MapperError("Nothing to draw: no calls in this window. Widen it (--since 7d).")
    drawn = render(answer, chosen)
    if output is None:
        if chosen == "png" and sys.stdout.isatty():
            raise typer.BadParameter("a PNG does not go to a terminal: name a file with -o FILE")
        sys.stdout.buffer.write(drawn)
        return
    try:
        output.write_bytes(drawn)
    except OSError as error:
        raise MapperError(f"Cannot write the diagram: {error}") from error
    console.err().print(f"wrote {output} ({len(answer.nodes)} nodes, {len(answer.edges)} edges)")


def lag(
    db: options.Db = None,
    url: options.Url = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """Show how far each consumer group is behind."""
    answer = _answers(url, db, token).lag()
    if json:
        options.print_json(answer)
    elif answer.groups:
        show_lag(answer, console.out())
    else:
        console.err().print(
            "No consumer lag is known: start the collector with `laban serve --kafka HOST:PORT`."
        )


def status(
    db: options.Db = None,
    url: options.Url = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """Show what the collector holds."""
    answer = _answers(url, db, token).status()
    if json:
        options.print_json(answer)
    else:
        show_status(answer, console.out())


def _answers(url: str | None, db: Path | None, token: str | None) -> Answers:
    without_pandas()
    return open_answers(url, db, token)


def _ask(
    key: str,
    value: str,
    db: Path | None,
    url: str | None,
    token: str | None,
    since: str | None,
    until: str | None,
) -> Story:
    window = (options.time_option(since), options.time_option(until))
    return _answers(url, db, token).story(key, value, *window)


def _tell(answer: Story, *, everything: bool, json: bool) -> None:
    if json:
        options.print_json(answer)
    else:
        show_story(answer, console.out(), everything=everything)


def _format(text: str) -> Format:
    for known in FORMATS:
        if text == known:
            return known
    raise typer.BadParameter(f"'{text}' is none of {', '.join(FORMATS)}", param_hint="--format")
