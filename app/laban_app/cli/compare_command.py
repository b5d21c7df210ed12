"""The `laban compare` command."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

import typer

from laban_app.answers.discovery import open_answers
from laban_app.answers.sides import recorded_side, side_of
from laban_app.cli import terminal, text_output
from laban_app.cli.terminal import Source, TimeRange

if TYPE_CHECKING:
    from laban_mapper.drift.comparison.sides import Side

Form = Literal["text", "json", "markdown"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

One = Annotated[
    str,
    typer.Argument(
        metavar="A", help="Before: a time range (2h..1h, yesterday), a database file, or a collector's URL."
    ),
]
Other = Annotated[str, typer.Argument(metavar="B", help="After: likewise.")]


def compare(
    before: One,
    after: Other,
    source: Source,
    time_range: TimeRange,
    edges: Annotated[bool, typer.Option("--all", help="Show the edges that are the same, too.")] = False,
    json: terminal.Json = False,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="text, json or markdown. [default: text]"),
    ] = None,
    output: text_output.Output = None,
) -> None:
    """Compare two time ranges, databases or collectors.

    Shows before and after side by side, calls, latencies and lag, and what the change brought. Time ranges
    are of the source that --db or --url names. Of a database file everything is read, of a collector the last
    hour, unless --since or --until say otherwise.
    """
    from laban_mapper.drift.comparison.comparing import compare as compare_sides

    chosen = chosen_form(form, json=json)
    answer = compare_sides(_side(before, source, time_range), _side(after, source, time_range))
    match chosen:
        case "json":
            text_output.put_text(terminal.json_text(answer) + "\n", output, "comparison")
        case "markdown":
            from laban_mapper.drift.comparison.markdown import to_markdown

            text_output.put_text(to_markdown(answer, everything=edges), output, "comparison")
        case "text":
            from laban_app.cli.compare_text import show_comparison
            from laban_app.cli.console import plain_text

            shown = terminal.safe(answer)
            if output is None:
                show_comparison(shown, terminal.stdout(), everything=edges)
            else:
                text = plain_text(lambda console: show_comparison(shown, console, everything=edges))
                text_output.put_text(text, output, "comparison")


def _side(text: str, source: Source, time_range: TimeRange) -> "Side":
    from laban_mapper.drift.comparison.windows import FORMS as WINDOWS
    from laban_mapper.drift.comparison.windows import is_window, parse_window

    if text.lower().startswith(("http://", "https://")):
        return side_of(open_answers(text, None, source.token), text, *time_range.bounds())
    if Path(text).is_file():
        answers = open_answers(None, Path(text), source.token)
        bounds = time_range.bounds()
        return side_of(answers, text, *bounds) if any(bounds) else recorded_side(answers, text)
    if not is_window(text):
        raise typer.BadParameter(f"'{text}' is no file, no URL, and no time range: {WINDOWS}")
    if any(time_range):
        raise typer.BadParameter(f"--since and --until exclude the time range '{text}'")
    window = parse_window(text, datetime.now(UTC))
    return side_of(open_answers(source.url, source.db, source.token), text, *window)


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
