"""A story for the terminal: the verdict first, then the timeline, then the messages."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laban_app.cli.terminal import count
from laban_mapper.model import GroupState, Message, Outcome, Step, Story
from laban_mapper.names import shortened
from laban_mapper.story.messages import unread_reason
from laban_mapper.story.timeline import Chapter, Line, chapters, since_start
from laban_mapper.times import format_duration

T = TypeVar("T")

_OUTCOMES: Final[dict[Outcome, tuple[str, str]]] = {
    "ok": (" OK ", "bold white on green"),
    "ok_with_errors": (" OK WITH ERRORS ", "bold black on yellow"),
    "failed": (" FAILED ", "bold white on red"),
    "waiting": (" WAITING ", "bold black on yellow"),
    "incomplete": (" INCOMPLETE ", "bold black on yellow"),
}
_SHOWN_TRACES: Final = 2
_MAX_CAUSES: Final = 6
_MAX_LINES: Final = 300
"""Lines of the timeline. Beyond them, only lines with another error are shown."""
_MAX_MESSAGES: Final = 100
_MAX_GROUPS: Final = 10
"""Groups of one message."""
_NAME: Final = 60
"""The most characters of a service, topic or group in a table."""
_NAMED_SMALL: Final = 3
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


def show_story(story: Story, console: Console, *, all_spans: bool = False) -> None:
    """Print a story.

    Args:
        story: the story.
        console: the console to print to.
        all_spans: print every span on a line of its own, instead of one line for both sides of a call.
    """
    label, style = _OUTCOMES[story.outcome]
    console.print(Text.assemble((label, style), " ", (story.verdict, "bold")))
    if story.truncated:  # whoever reads on has to know that something is left out: the first note says so
        console.print(Text.assemble(("Cut   ", "bold yellow"), *story.notes[:1]))
    _show_causes(story, console)
    for note in story.notes[1 if story.truncated else 0 :]:
        console.print(Text.assemble(("Note  ", "bold yellow"), note))
    console.print()
    console.print(_timeline(story, _deepest_indentation(console.width), all_spans=all_spans))
    if story.messages:
        console.print()
        console.print(_messages(story.messages))
    console.print()
    console.print(Text(_footer(story), style="dim"))


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


def _deepest_indentation(width: int) -> int:
    """How many levels are indented: a quarter of the width, at two columns a level."""
    return max(4, width // 8)


def _timeline(story: Story, deepest: int, *, all_spans: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("when", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("took", justify="right", no_wrap=True)
    room = len(story.steps) if all_spans else _MAX_LINES
    errors: set[tuple[str, str, str]] = set()  # beyond that, each error once
    hidden = 0
    for chapter in chapters(story.steps, fold=not all_spans):
        if room > 0:
            _add_wait(table, chapter)
        for line in chapter.lines:
            step = line.step
            error = (step.service, step.operation, step.error) if step.error else None
            if room <= 0 and (error is None or error in errors or len(errors) >= 2 * _MAX_LINES):
                hidden += line.stands_for
                continue
            room -= 1
            errors.update([error] if error else [])
            _add_line(table, line, since_start(story, line.step), deepest)
    if hidden:
        table.add_row("", Text(f"… and {count(hidden, 'more step')}: see --json, or --all", style="dim"), "")
    return table


def _add_wait(table: Table, chapter: Chapter) -> None:
    head, cause = chapter.head, chapter.cause
    if not head.by_message:
        return
    consumer = shortened(head.group or head.service, _NAME)
    topic = head.topic or (cause.topic if cause else None)
    place = f" in {shortened(topic, _NAME)}" if topic else ""
    # A receive span that began to poll before the message came has no time in the queue; those below it have.
    waits = (line.step.wait_ms for line in chapter.lines if line.step.service == head.service)
    known = next((wait for wait in waits if wait is not None), None)
    if known is not None:
        wait = f"┄ {format_duration(known)}{place} until {consumer}"
    elif cause is not None and cause.kind in {"producer", "client"}:
        wait = f"┄ an unknown time{place} until {consumer}"
    else:
        return
    table.add_row("", Text(wait, style="magenta"), "")


def _add_line(table: Table, line: Line, since_start: float, deepest: int) -> None:
    step = line.step
    critical = step.critical or (line.caller is not None and line.caller.critical)
    indent = "  " * min(line.depth, deepest)
    what = Text.assemble(
        indent,
        (f"⋯{line.depth} " if line.depth > deepest else "", "dim"),
        (shortened(step.service, _NAME), "bold red" if step.status == "error" else "bold cyan"),
        "  ",
        shortened(step.operation),
        (_details(line), "dim"),
        (f"  ! dated {step.time:%Y-%m-%d}" if step.odd_time else "", "yellow"),
    )
    took = sum(step.duration_ms for step in line.equal) if line.equal else step.duration_ms
    duration = Text(format_duration(took), style="bold" if critical else "dim")
    table.add_row(_when(since_start), what, duration)
    if step.error:
        table.add_row("", Text(f"{indent}  ✗ {step.error}", style="red"), "")


def _details(line: Line) -> str:
    if line.equal:
        took = format_duration(sum(step.duration_ms for step in line.equal))
        inner = f", with {count(len(line.below), 'step')} below" if line.below else ""
        return f"  × {len(line.equal):,}, {took} together{inner}"
    return _address(line.step) + _small(line.small)


def _small(steps: Sequence[Step]) -> str:
    if not steps:
        return ""
    names = list(dict.fromkeys(shortened(step.operation, _NAME) for step in steps))
    more = ["…"] if len(names) > _NAMED_SMALL else []
    return f"  + {count(len(steps), 'small step')}: {', '.join(names[:_NAMED_SMALL] + more)}"


def _when(offset_ms: float) -> str:
    return "0" if offset_ms < 0.05 else f"+{format_duration(offset_ms)}"


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
    for message in _most_telling(messages, _is_plain, _MAX_MESSAGES):
        address = "" if message.offset is None else f"{message.partition}@{message.offset}"
        first = (shortened(message.topic, _NAME), address)
        if not message.groups:
            table.add_row(*first, "–", Text(unread_reason(message), style="dim"))
        for state in _most_telling(message.groups, _is_processed, _MAX_GROUPS):
            table.add_row(*first, shortened(state.group, _NAME), _state(state))
            first = ("", "")
        if len(message.groups) > _MAX_GROUPS:
            rest = count(len(message.groups) - _MAX_GROUPS, "more group")
            table.add_row("", "", f"… {rest}", Text("see --json", style="dim"))
    if len(messages) > _MAX_MESSAGES:
        rest = count(len(messages) - _MAX_MESSAGES, "more message")
        table.add_row(f"… {rest}", "", "", "see --json")
    return table


def _most_telling(rows: Sequence[T], is_plain: Callable[[T], bool], most: int) -> list[T]:
    """The rows to show, in their order; of too many, those with a problem come first."""
    if len(rows) <= most:
        return list(rows)
    by_need = sorted(range(len(rows)), key=lambda index: is_plain(rows[index]))
    return [rows[index] for index in sorted(by_need[:most])]


def _is_plain(message: Message) -> bool:
    return bool(message.groups) and all(map(_is_processed, message.groups))


def _is_processed(state: GroupState) -> bool:
    return state.state == "processed"


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
        count(story.spans, "span"),
    ]
    if story.truncated:
        parts.append("truncated: the story has more spans than shown here")
    shown = " ".join(story.traces[:_SHOWN_TRACES])
    more = len(story.traces) - _SHOWN_TRACES
    return " · ".join(parts) + f"\ntrace {shown}" + (f" and {more} more" if more > 0 else "")
