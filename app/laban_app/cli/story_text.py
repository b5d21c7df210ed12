"""A story for the terminal: the verdict first, then the timeline, then the messages."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laban_mapper.model import GroupState, Message, Outcome, Step, Story
from laban_mapper.story.messages import unread_reason
from laban_mapper.times import format_duration

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


class Line(NamedTuple):
    """One step of a chapter, with its indentation.

    `caller` is the client span of the same call, folded into this line.
    """

    depth: int
    step: Step
    caller: Step | None = None


class Chapter(NamedTuple):
    """The steps that follow from one request or one consumed message, up to the next message."""

    lines: list[Line]

    @property
    def head(self) -> Step:
        """The first step."""
        return self.lines[0].step


def show_story(story: Story, console: Console, *, all_spans: bool = False) -> None:
    """Print a story.

    Args:
        story: the story.
        console: the console to print to.
        all_spans: print every span on a line of its own, instead of one line for both sides of a call.
    """
    label, style = _OUTCOMES[story.outcome]
    console.print(Text.assemble((label, style), " ", (story.verdict, "bold")))
    if story.root_cause:
        cause = story.root_cause
        console.print(Text.assemble("Root cause  ", (cause.service, "bold red"), "  ", cause.operation))
        console.print(Text(f"            {cause.error}", style="red"))
    console.print()
    console.print(_timeline(story, all_spans=all_spans))
    if story.messages:
        console.print()
        console.print(_messages(story.messages))
    console.print()
    console.print(Text(_footer(story), style="dim"))


def _timeline(story: Story, *, all_spans: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("when", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("took", justify="right", no_wrap=True)
    for chapter in chapters(story.steps, fold=not all_spans):
        _add_wait(table, chapter)
        for line in chapter.lines:
            table.add_row(*_row(story, line))
            if line.step.error:
                table.add_row("", Text(f"{_indent(line)}  ✗ {line.step.error}", style="red"), "")
    return table


def _add_wait(table: Table, chapter: Chapter) -> None:
    head = chapter.head
    if head.kind == "consumer" and head.wait_ms is not None:
        consumer = head.group or head.service
        wait = f"┄ {format_duration(head.wait_ms)} in {head.topic} until {consumer}"
        table.add_row("", Text(wait, style="magenta"), "")


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
        (f"  ! dated {step.time:%Y-%m-%d}" if step.odd_time else "", "yellow"),
    )
    return (
        _when(offset),
        what,
        Text(format_duration(step.duration_ms), style="bold" if critical else "dim"),
    )


def _when(offset_ms: float) -> str:
    return "0" if offset_ms < 0.05 else f"+{format_duration(offset_ms)}"


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
            table.add_row(*first, "–", Text(unread_reason(message), style="dim"))
        for state in message.groups:
            table.add_row(*first, state.group, _state(state))
            first = ("", "")
    return table


def _state(state: GroupState) -> Text:
    details = []
    if state.state == "waiting" and state.messages_ahead is not None:
        details.append(f"behind {state.messages_ahead} messages" if state.messages_ahead else "next in line")
    if state.wait_ms is not None:
        details.append(f"waited {format_duration(state.wait_ms)}")
    if state.duration_ms is not None:
        details.append(f"took {format_duration(state.duration_ms)}")
    if state.attempts > 1:
        details.append(f"{state.attempts} attempts")
    if state.error:
        details.append(state.error)
    return Text.assemble(
        (state.state, _STATE_STYLES[state.state]), ("".join(f", {detail}" for detail in details), "dim")
    )


def _footer(story: Story) -> str:
    parts = [
        f"{story.started:%Y-%m-%d %H:%M:%S}.{story.started.microsecond // 1000:03d} UTC",
        f"{format_duration(story.duration_ms)} in total",
        f"{story.spans} spans",
    ]
    if story.truncated:
        parts.append("truncated: the story has more spans than shown here")
    shown = " ".join(story.traces[:_SHOWN_TRACES])
    more = len(story.traces) - _SHOWN_TRACES
    return " · ".join(parts) + f"\ntrace {shown}" + (f" and {more} more" if more > 0 else "")


def chapters(steps: Sequence[Step], *, fold: bool = True) -> list[Chapter]:
    """The chapters of a story by start time, each with its calls depth first.

    Args:
        steps: all steps of the story.
        fold: join a client span with the server span of the same call if both have the same outcome; a call
            with different outcomes (a timeout) keeps both.
    """
    known = {(step.trace_id, step.span_id) for step in steps}
    children: dict[tuple[str, str], list[Step]] = {}
    heads: list[Step] = []
    for step in steps:
        parent = (step.trace_id, step.parent_id or "")
        if step.kind == "consumer" or parent not in known or parent == (step.trace_id, step.span_id):
            heads.append(step)
        else:
            children.setdefault(parent, []).append(step)
    return [Chapter(_lines(head, children, fold=fold)) for head in heads]


def _lines(head: Step, children: dict[tuple[str, str], list[Step]], *, fold: bool) -> list[Line]:
    lines: list[Line] = []
    stack: list[Line] = [Line(0, head)]
    while stack:
        line = stack.pop()
        below = children.get((line.step.trace_id, line.step.span_id), [])
        if fold and _same_call(line.step, below):
            stack.append(Line(line.depth, below[0], caller=line.step))
            continue
        lines.append(line)
        stack += [Line(line.depth + 1, step) for step in reversed(below)]
    return lines


def _same_call(client: Step, below: Sequence[Step]) -> bool:
    """Whether the only child of a client span is the server span of the call, with the same outcome."""
    return (
        client.kind == "client"
        and len(below) == 1
        and below[0].kind == "server"
        and (client.status == "error") == (below[0].status == "error")
    )
