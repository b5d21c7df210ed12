"""What commands with several forms share: which form, and where the text goes."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from laban_app.cli import terminal
from laban_app.errors import OutputFailed

Form = TypeVar("Form", bound=str)

Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Output file. [default: stdout]")
]


def form_of(text: str | None, forms: Sequence[Form], *, json: bool) -> Form:
    """The form that the options name; raises BadParameter if there is none, or if they contradict."""
    if json and text not in (None, "json"):
        raise typer.BadParameter(f"--json and --format {text} exclude each other")
    wanted = ("json" if json else "text") if text is None else text
    for known in forms:
        if known == wanted:
            return known
    raise typer.BadParameter(f"'{text}' is none of {', '.join(forms)}", param_hint="--format")


def put_text(text: str, output: Path | None, what: str) -> None:
    """Print a text as it is, or write it to a file; raises OutputFailed."""
    put_bytes(text.encode(), output, what)


def put_bytes(content: bytes, output: Path | None, what: str, about: str = "") -> None:
    """Print bytes as they are, or write them to a file, and say so.

    Args:
        content: what to write.
        output: the file; None: standard output.
        what: the name of the content, for an error.
        about: follows the name of the file.

    Raises:
        OutputFailed: the file cannot be written.
    """
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        hint = "" if output.parent.is_dir() else f". Create the directory first: mkdir -p {output.parent}"
        raise OutputFailed(f"Cannot write the {what}: {error}{hint}") from error
    terminal.stderr().print(f"wrote {output}{about}", highlight=False)
