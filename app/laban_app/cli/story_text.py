"""A story for the terminal: the verdict first, then the timeline, then the messages."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laban.vocabulary import KAFKA
from laban_mapper.model import GroupState, Message, Outcome, Step, Story
from laban_mapper.story.chapters import Chapter, Line, chapters
from laban_mapper.times import in_words

_OUTCOMES: Final[dict[Outcome, tuple[str, str]]] = {
    "ok": (" OK ", "bold white on green"),
    "failed": (" FAILED ", "bold white on red"),
    "waiting": (" WAITING ", "bold black on yellow"),
    "incomplete": (" INCOMPLETE ", "bold black on yellow"),
}
_SHOWN_TRACES: Final = 2
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


def show_story(story: Story, console: Console, *, everything: bool = False) -> None:
    """Print a story.

    Args:
        story: what happened.
        console: where to.
        everything: every span as a line of its own, not one line for the two sides of a call.
    """
    label, style = _OUTCOMES[story.outcome]
    console.print(Text.assemble((label, style), " ", (story.verdict, "bold")))
    if story.root_cause:
        cause = story.root_cause
        console.print(Text.assemble("Root cause  ", (cause.service, "bold red"), "  ", cause.operation))
        console.print(Text(f"            {cause.error}", style="red"))
    console.print()
    console.print(_timeline(story, everything=everything))
    if story.messages:
        console.print()
        console.print(_messages(story.messages))
    console.print()
    console.print(Text(_footer(story), style="dim"))


def _timeline(story: Story, *, everything: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("when", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("took", justify="right", no_wrap=True)
    for chapter in chapters(story.steps, fold=not everything):
        _add_wait(table, chapter)
        for line in chapter.lines:
            table.add_row(*_row(story, line))
            if line.step.error:
                table.add_row("", Text(f"{_indent(line)}  ✗ {line.step.error}", style="red"), "")
    return table


def _add_wait(table: Table, chapter: Chapter) -> None:
    head = chapter.head
    if head.kind == "consumer" and head.wait_ms is not None:
        who = head.group or head.service
        table.add_row(
            "", Text(f"┄ {in_words(head.wait_ms)} in {head.topic} until {who}", style="magenta"), ""
        )


def _row(story: Story, line: Line) -> tuple[str, Text, Text]:
    step = line.step
    offset = (step.time - story.started).total_seconds() * 1000
    critical = step.critical or (line.caller is not None and line.caller.critical)
    what = Text.assemble(
        _indent(line),
        (step.service, "bold red" if step.status == "error" else "bold cyan"),
        "  ",
        step.operation,
        (_address(step), "dim"),
    )
    return (
        _when(offset),
        what,
        Text(in_words(step.duration_ms), style="bold" if critical else "dim"),
    )


def _when(offset_ms: float) -> str:
    return "0" if offset_ms < 0.05 else f"+{in_words(offset_ms)}"


def _indent(line: Line) -> str:
    return "  " * line.depth


def _address(step: Step) -> str:
    if step.kind in {"producer", "consumer"} and step.offset is not None:
        return f"  {step.partition}@{step.offset}"
    return "  (waited for the answer)" if step.kind == "client" else ""


def _messages(messages: Sequence[Message]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("message", no_wrap=True)
    table.add_column("partition@offset", no_wrap=True)
    table.add_column("group", no_wrap=True)
    table.add_column("state", overflow="fold")
    for message in messages:
        address = "" if message.offset is None else f"{message.partition}@{message.offset}"
        first = (message.topic, address)
        if not message.groups:
            table.add_row(*first, "–", Text(_unread(message), style="dim"))
        for state in message.groups:
            table.add_row(*first, state.group, _state(state))
            first = ("", "")
    return table


def _unread(message: Message) -> str:
    if message.system in (None, KAFKA):
        return "no group consumes this topic"
    return "nobody is known to have taken it up"


def _state(state: GroupState) -> Text:
    details = []
    if state.state == "waiting" and state.messages_ahead is not None:
        details.append(f"behind {state.messages_ahead} messages" if state.messages_ahead else "next in line")
    if state.wait_ms is not None:
        details.append(f"waited {in_words(state.wait_ms)}")
    if state.duration_ms is not None:
        details.append(f"took {in_words(state.duration_ms)}")
    if state.attempts > 1:
        details.append(f"{state.attempts} attempts")
    if state.error:
        details.append(state.error)
    words = f" {', '.join(details)}" if details else ""
    return Text.assemble((state.state, _STATE_STYLES[state.state]), (words, "dim"))


def _footer(story: Story) -> str:
    parts = [
        f"{story.started:%Y-%m-%d %H:%M:%S}.{story.started.microsecond // 1000:03d} UTC",
        f"{in_words(story.duration_ms)} in all",
        f"{story.spans} spans",
    ]
    if story.truncated:
        parts.append("cut off: more spans belong to it than are told here")
    shown = " ".join(story.traces[:_SHOWN_TRACES])
    more = len(story.traces) - _SHOWN_TRACES
    return " · ".join(parts) + f"\ntrace {shown}" + (f" and {more} more" if more > 0 else "")
