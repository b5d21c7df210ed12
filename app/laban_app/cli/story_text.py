"""A story for the terminal: the verdict first, then the timeline, then the messages."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from laban_app.cli.fixed_columns import DIM, PLAIN, Cell, Column, FixedColumns
from laban_app.cli.log_lines import ABSENT
from laban_app.cli.terminal import count, safe
from laban_app.cli.timeline_text import show_timeline
from laban_mapper.contracts import contract_name
from laban_mapper.model import GroupState, Message, Outcome, Story
from laban_mapper.names import shortened
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rows import is_plain, is_processed, most_telling
from laban_mapper.story.messages import unread_reason

_OUTCOMES: Final[dict[Outcome, tuple[str, str]]] = {
    "ok": (" OK ", "bold white on green"),
    "ok_with_errors": (" OK WITH ERRORS ", "bold black on yellow"),
    "failed": (" FAILED ", "bold white on red"),
    "waiting": (" WAITING ", "bold black on yellow"),
    "incomplete": (" INCOMPLETE ", "bold black on yellow"),
}
_SHOWN_TRACES: Final = 2
_MAX_CAUSES: Final = 6
_MAX_MESSAGES: Final = 100
_MAX_GROUPS: Final = 10
"""Groups of one message."""
_MESSAGE_COLUMNS: Final = (
    Column("message"),
    Column("event"),
    Column("partition@offset"),
    Column("group"),
    Column("state", folded=True),
)
_STATE_STYLES: Final = {
    "processed": "green",
    "retried": "yellow",
    "duplicated": "yellow",
    "waiting": "yellow",
    "untraced": "yellow",
    "unseen": "yellow",
    "failed": "bold red",
    "dead-lettered": "bold red",
}


def show_story(story: Story, console: Console, *, all_spans: bool = False, logs: bool = False) -> None:
    """Print a story.

    Args:
        story: the story.
        console: the console to print to.
        all_spans: print every span on a line of its own, instead of one line for both sides of a call.
        logs: whether log records were asked for, so that it says why there are none.
    """
    # The timeline and the messages make only the texts printable that they show.
    shown, story = story, safe(story.model_copy(update={"steps": [], "messages": [], "logs": []}))
    label, style = _OUTCOMES[story.outcome]
    _print_indented(Text.assemble((label, style), " ", (story.verdict, "bold")), console)
    if story.truncated:  # whoever reads on has to know that something is left out: the first note says so
        _print_indented(Text.assemble(("Cut   ", "bold yellow"), *story.notes[:1]), console)
    _show_causes(story, console)
    for note in story.notes[1 if story.truncated else 0 :]:
        _print_indented(Text.assemble(("Note  ", "bold yellow"), note), console)
    console.print()
    show_timeline(shown, console, all_spans=all_spans)
    if logs:
        _show_missing_logs(shown, console)
    if shown.messages:
        console.print()
        console.print(_messages(shown.messages, console.width), crop=False)
    console.print()
    console.print(Text(_footer(story), style="dim"))


def _show_missing_logs(story: Story, console: Console) -> None:
    """Say why there are no log records, or which ones are left out."""
    told: list[str] = []
    if not story.logs and not story.logs_left_out:
        told.append(ABSENT)
    if story.logs_left_out:
        left = count(story.logs_left_out, "log record")
        told.append(f"{left} of the same traces left out: of spans that are no steps here")
    if story.logs_truncated:
        told.append("the traces have more log records than were read")
    for line in told:
        console.print(Text(line, style="dim"))


def _print_indented(text: Text, console: Console) -> None:
    """Print a text; its later lines are indented, so that no name in it can look like a line of its own."""
    first, *later = text.wrap(console, max(console.width - 1, 1))
    console.print(first)
    for line in later:
        console.print(Text.assemble(" ", line))


def _show_causes(story: Story, console: Console) -> None:
    """Print the cause of the outcome, and what is also seen; beside each, where it is proved."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for cause in story.causes[:_MAX_CAUSES]:
        colour = "red" if story.outcome == "failed" else "yellow"
        title = ("Cause", f"bold {colour}") if cause.rank == 1 else ("Also seen", "dim")
        span = f"  (span {cause.spans[0]})" if cause.spans else ""
        what = Text.assemble((f"{cause.kind.replace('_', ' ')}: ", "dim"), cause.sentence, (span, "dim"))
        table.add_row(Text.assemble(title), what)
    if len(story.causes) > _MAX_CAUSES:
        table.add_row("", Text(f"… and {len(story.causes) - _MAX_CAUSES} more: see --json", "dim"))
    if story.causes:
        console.print(table)


def _messages(messages: Sequence[Message], width: int) -> FixedColumns:
    rows: list[Sequence[Cell]] = []
    name_width = min(phrases.NAME_WIDTH, max(8, width // 4))
    for message in most_telling(messages, is_plain, _MAX_MESSAGES):
        rows += _message(message, name_width)
    if len(messages) > _MAX_MESSAGES:
        rest = count(len(messages) - _MAX_MESSAGES, "more message")
        rows.append(_cells(f"… {rest}", "", "", "", (("see --json", DIM),)))
    return FixedColumns(_MESSAGE_COLUMNS, rows)


def _message(message: Message, name_width: int) -> Iterator[Sequence[Cell]]:
    first = (
        phrases.name(message.topic, name_width),
        shortened(contract_name(message.event_type, message.version), name_width),
        phrases.position(message),
    )
    if not message.groups:
        yield _cells(*first, "–", ((unread_reason(message), DIM),))
    for state in most_telling(message.groups, is_processed, _MAX_GROUPS):
        yield _cells(*first, phrases.name(state.group, name_width), _state(state))
        first = ("", "", "")
    if len(message.groups) > _MAX_GROUPS:
        rest = count(len(message.groups) - _MAX_GROUPS, "more group")
        yield _cells("", "", "", f"… {rest}", (("see --json", DIM),))


def _state(state: GroupState) -> Cell:
    details = phrases.state_details(state)
    named = (state.state, Style.parse(_STATE_STYLES[state.state]))
    return (named, (f", {details}", DIM)) if details else (named,)


def _cells(topic: str, event: str, position: str, group: str, state: Cell) -> Sequence[Cell]:
    return (*(((text, PLAIN),) if text else () for text in (topic, event, position, group)), state)


def _footer(story: Story) -> str:
    shown = " ".join(story.traces[:_SHOWN_TRACES])
    more = len(story.traces) - _SHOWN_TRACES
    return " · ".join(phrases.facts(story)) + f"\ntrace {shown}" + (f" and {more} more" if more > 0 else "")
