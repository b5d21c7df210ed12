"""The forms in which a check answers, on standard output or in a file."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

import typer

from laban_app.cli import terminal
from laban_app.cli.text_output import form_of, put_text

if TYPE_CHECKING:
    from laban_mapper.reports.report import Report

Form = Literal["text", "json", "sarif", "junit", "markdown"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text, json, sarif (for a code host), junit (for a CI server) or markdown (for a job "
        "summary). [default: text]",
    ),
]


def chosen_form(text: str | None, *, json: bool) -> Form:
    """The form that the options name; raises BadParameter if there is none, or if they contradict."""
    return form_of(text, FORMS, json=json)


def put_report(report: "Report", as_json: Callable[[], str], form: Form, output: Path | None) -> None:
    """Print a report, or write it to a file.

    Args:
        report: what was found.
        as_json: returns the JSON of the check, without a line break at the end.
        form: which form.
        output: the file; None: standard output.

    Raises:
        OutputFailed: the file cannot be written.
    """
    if form == "text" and output is None:
        from laban_app.cli.report_text import show_report  # the terminal library is slow to load

        show_report(report, terminal.stdout())
        return
    put_text(_text_of(report, as_json, form), output, "report")


def _text_of(report: "Report", as_json: Callable[[], str], form: Form) -> str:
    match form:
        case "json":
            return as_json() + "\n"
        case "text":
            from laban_app.cli.console import plain_text
            from laban_app.cli.report_text import show_report

            return plain_text(lambda console: show_report(report, console))
        case "sarif" | "junit" | "markdown":
            from laban_mapper.reports.rendering import write_report

            return write_report(report, form)
