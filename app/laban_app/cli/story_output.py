"""The forms in which `order` and `story` answer, on standard output or in a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

import typer

from laban_app.cli import terminal
from laban_app.errors import OutputFailed

if TYPE_CHECKING:
    from laban_mapper.model import Story

Form = Literal["text", "json", "markdown", "mermaid", "html"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text, json, markdown (for a ticket), mermaid (a sequence diagram) or html (one file). "
        "[default: text]",
    ),
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Output file. [default: stdout]")
]


def chosen_form(text: str | None, *, json: bool) -> Form:
    """The form that the options name; raises BadParameter if there is none, or if they contradict."""
    if text is None:
        return "json" if json else "text"
    if json and text != "json":
        raise typer.BadParameter(f"--json and --format {text} exclude each other")
    for known in FORMS:
        if text == known:
            return known
    raise typer.BadParameter(f"'{text}' is none of {', '.join(FORMS)}", param_hint="--format")


def put_story(story: "Story", form: Form, output: Path | None, *, all_spans: bool) -> None:
    """Print a story, or write it to a file.

    Raises:
        OutputFailed: the file cannot be written.
    """
    if form == "text" and output is None:
        from laban_app.cli.story_text import show_story  # the terminal library is slow to load

        show_story(story, terminal.stdout(), all_spans=all_spans)
        return
    text = _text_of(story, form, all_spans=all_spans)
    if output is None:
        sys.stdout.buffer.write(text.encode())
        return
    try:
        output.write_bytes(text.encode())
    except OSError as error:
        hint = "" if output.parent.is_dir() else f". Create the directory first: mkdir -p {output.parent}"
        raise OutputFailed(f"Cannot write the story: {error}{hint}") from error
    terminal.stderr().print(f"wrote {output}", highlight=False)


def _text_of(story: "Story", form: Form, *, all_spans: bool) -> str:
    match form:
        case "json":
            return terminal.json_text(story) + "\n"
        case "text":
            from laban_app.cli.console import plain_text
            from laban_app.cli.story_text import show_story

            return plain_text(lambda console: show_story(story, console, all_spans=all_spans))
        case "markdown" | "mermaid" | "html":
            from laban_mapper.story.forms.rendering import write

            return write(story, form)
