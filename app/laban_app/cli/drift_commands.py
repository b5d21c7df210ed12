"""The commands about drift: choreography and check."""

import importlib.metadata
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from laban_app.answers.discovery import open_answers
from laban_app.answers.protocol import TraceAnswers
from laban_app.cli import report_output, terminal, text_output
from laban_app.cli.terminal import Source, TimeRange
from laban_app.errors import InputUnreadable

if TYPE_CHECKING:
    from laban_mapper.drift.answers import Allowed
    from laban_mapper.drift.yaml_nodes import Document
    from laban_mapper.model_drift import Choreography

_DRIFTED: Final = 1
_NOTHING_RAN: Final = 1
_LEARNED_FROM: Final = timedelta(days=1)
"""The time before the time range from which it is learned how often things usually happen."""

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="Choreography file, or AsyncAPI 3 or OpenAPI 3 document.")
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="KIND[=PLACE]",
        help="A kind of drift that does not count, such as new-consumer; with a place only there "
        "(* stands for any text). May be repeated.",
    ),
]
Complete = Annotated[
    bool,
    typer.Option(
        "--complete",
        help="The traffic has everything that the system does, as a test suite may have: whatever was not "
        "seen is gone.",
    ),
]


def choreography(
    source: Source,
    time_range: TimeRange,
    json: terminal.Json = False,
    output: text_output.Output = None,
) -> None:
    """Write down what ran, as a file to commit.

    The file has services, calls, topics, groups and events. The same system always gives the same file. An
    existing FILE of -o keeps its list `optional`. With --json, prints counts and traces, too.
    """
    found = open_answers(source.url, source.db, source.token).choreography(*time_range.bounds())
    _require_traffic(found)
    if json:
        text_output.put_text(terminal.json_text(found) + "\n", output, "choreography")
        return
    from laban_mapper.drift.file_writer import to_yaml

    text_output.put_text(to_yaml(found, _optional_of(output)), output, "choreography")
    if found.truncated:
        terminal.stderr().print(
            "There are more names than are told apart, so the file is not complete.", style="yellow"
        )


def check(
    file: File,
    source: Source,
    time_range: TimeRange,
    allow: Allow = None,
    complete: Complete = False,
    service: Annotated[
        str | None,
        typer.Option(
            "--service",
            metavar="NAME",
            help="The service that an AsyncAPI or OpenAPI document is about. [default: its info.title]",
        ),
    ] = None,
    json: terminal.Json = False,
    form: report_output.Format = None,
    output: text_output.Output = None,
) -> None:
    """Compare a choreography file, AsyncAPI or OpenAPI document with what runs.

    Exits 1 if they differ, or if nothing ran in the time range.
    """
    from laban_mapper.drift.answers import report_of
    from laban_mapper.drift.documents.checks import check_document

    chosen = report_output.chosen_form(form, json=json)
    allowed = allowed_kinds(allow or ())
    document = _document(file)
    answers = open_answers(source.url, source.db, source.token)
    ran = answers.choreography(*time_range.bounds())
    _require_traffic(ran)
    before = None if complete else _before(answers, ran.since)
    answer = check_document(document, ran, before, allowed, complete=complete, service=service)
    report = report_of(answer, importlib.metadata.version("laban"))
    report_output.put_report(report, lambda: terminal.json_text(answer), chosen, output)
    if answer.drifted:
        raise typer.Exit(_DRIFTED)


def _require_traffic(ran: "Choreography") -> None:
    """End with 1 if nothing ran: a check that saw nothing must not look like one that found nothing."""
    if not ran.calls and not ran.topics:
        terminal.stderr().print(
            "No calls in this time range, so nothing can be told. Widen it (--since 7d), or see: laban status"
        )
        raise typer.Exit(_NOTHING_RAN)


def _before(answers: TraceAnswers, since: datetime) -> "Choreography | None":
    """What ran in the day before, if anything is stored from then."""
    first = answers.status().first
    if first is None or first >= since:
        return None
    return answers.choreography(since - _LEARNED_FROM, since)


def _document(file: Path) -> "Document":
    from laban_mapper.drift.yaml_nodes import MAX_BYTES, Document

    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputUnreadable(f"Cannot read {file}: {error.strerror or error}.") from error
    return Document(str(file), content)


def _optional_of(output: Path | None) -> Sequence[str]:
    """The places that people marked as optional in an existing file; raises BadDocument."""
    if output is None or not output.is_file() or not output.stat().st_size:
        return ()
    from laban_mapper.drift.file_reader import read_choreography

    return sorted(read_choreography(_document(output)).optional)


def allowed_kinds(texts: Sequence[str]) -> "list[Allowed]":
    """What `--allow` names; raises BadParameter for a kind that does not exist."""
    from laban_mapper.drift.answers import Allowed
    from laban_mapper.drift.kinds import KINDS, kind_of

    allowed: list[Allowed] = []
    for text in texts:
        name, _, place = text.partition("=")
        kind = kind_of(name.strip())
        if kind is None:
            raise typer.BadParameter(f"'{name}' is none of {', '.join(KINDS)}", param_hint="--allow")
        allowed.append(Allowed(kind, place.strip() or None))
    return allowed
