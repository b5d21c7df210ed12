"""The command that says what would happen if something changed."""

from typing import Annotated

import typer

from laban_app.answers.discovery import open_answers
from laban_app.cli import terminal
from laban_app.cli.terminal import Source, TimeRange
from laban_mapper.whatif.changes import ChangeTexts

Texts = list[str] | None


def whatif(
    source: Source,
    time_range: TimeRange,
    down: Annotated[
        Texts,
        typer.Option("--down", metavar="SERVICE", help="It does not answer; also a database or a host."),
    ] = None,
    slow: Annotated[
        Texts,
        typer.Option(
            "--slow",
            metavar="SERVICE=TIME",
            help="Each request of it, or each call of an edge, takes longer.",
        ),
    ] = None,
    turned: Annotated[
        Texts, typer.Option("--async", metavar="A->B", help="A publishes a message instead of calling B.")
    ] = None,
    timeout: Annotated[
        Texts, typer.Option("--timeout", metavar="A->B=TIME", help="A waits for B no longer than this.")
    ] = None,
    retries: Annotated[
        Texts, typer.Option("--retries", metavar="A->B=N", help="A calls B up to N times again if it fails.")
    ] = None,
    json: terminal.Json = False,
) -> None:
    """Say what would happen if something changed.

    Replays recorded traces with the changes. All options can be repeated and combined: laban whatif --slow
    pricing=500ms --timeout "order->pricing=300ms". Exits 1 if no trace has such a service or call.
    """
    texts = ChangeTexts(down or (), slow or (), turned or (), timeout or (), retries or ())
    answer = open_answers(source.url, source.db, source.token).what_if(texts, *time_range.bounds())
    if json:
        terminal.print_json(answer)
    else:
        from laban_app.cli.whatif_text import show_what_if

        show_what_if(terminal.safe(answer), terminal.stdout())
