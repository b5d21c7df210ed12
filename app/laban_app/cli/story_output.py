"""The forms in which `order` and `story` answer, on standard output or in a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

import typer

from laban_app.cli import terminal
from laban_app.cli.text_output import form_of, put_text

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


def chosen_form(text: str | None, *, json: bool) -> Form:
    """The form that the options name; raises BadParameter if there is none, or if they contradict."""
    return form_of(text, FORMS, json=json)


def put_story(
    story: "Story", form: Form, output: Path | None, *, all_spans: bool, logs: bool = False
) -> None:
    """Print a story, or write it to a file.

    Raises:
        OutputFailed: the file cannot be written.
    """
    if form == "text" and output is None:
        from laban_app.cli.story_text import show_story  # the terminal library is slow to load

        show_story(story, terminal.stdout(), all_spans=all_spans, logs=logs)
        return
    put_text(_text_of(story, form, all_spans=all_spans, logs=logs), output, "story")


def _text_of(story: "Story", form: Form, *, all_spans: bool, logs: bool) -> str:
    match form:
        case "json":
            return terminal.json_text(story) + "\n"
        case "text":
            from laban_app.cli.console import plain_text
            from laban_app.cli.story_text import show_story

            return plain_text(lambda console: show_story(story, console, all_spans=all_spans, logs=logs))
        case "markdown" | "mermaid" | "html":
            from laban_mapper.story.forms.rendering import write

            return write(story, form)
