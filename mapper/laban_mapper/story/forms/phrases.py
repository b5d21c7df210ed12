"""What every form says in the same words: names, times, waits, states, and what a line stands for.

All texts are printable and in one line; a form only escapes what its format would obey.
"""

from collections.abc import Sequence
from typing import Final

from laban_mapper.contracts import contract_name
from laban_mapper.model import Cause, GroupState, LogEntry, Message, OrderScope, Outcome, Step, Story
from laban_mapper.names import counted, shortened
from laban_mapper.printable import printable
from laban_mapper.story.forms.rows import Wait, stood_for
from laban_mapper.story.logs import level, said
from laban_mapper.story.timeline import Line
from laban_mapper.times import format_duration

OUTCOMES: Final[dict[Outcome, str]] = {
    "ok": "OK",
    "ok_with_errors": "OK WITH ERRORS",
    "failed": "FAILED",
    "waiting": "WAITING",
    "incomplete": "INCOMPLETE",
}
CRITICAL: Final = (
    "Critical: the part of a step's own time that the reply waited for; "
    "after a message, the part that the end waited for."
)
NAME_WIDTH: Final = 60
"""The most characters of a service, topic or group."""
_NAMED_SMALL: Final = 3
_MOST_NOTES: Final = 3
_NOTE_WIDTH: Final = 160
_ERROR_WIDTH: Final = 300


def name(text: str, width: int = NAME_WIDTH) -> str:
    """A name from a span, printable and short; a dash if it is empty."""
    return shortened(printable(text), width) or "–"


def operation(step: Step) -> str:
    """The operation of a step, printable and short."""
    return name(step.operation, 80)


def error(step: Step) -> str | None:
    """The error of a step; None if it has none."""
    if step.status != "error":
        return None
    return shortened(printable(step.error or "error"), _ERROR_WIDTH)


def sentence(text: str) -> str:
    """A sentence that may contain texts from spans, printable."""
    return printable(text)


def count(number: int, noun: str) -> str:
    """A number of things: `1 span`, `1,234 spans`."""
    return counted(number, noun)


def when(ms: float) -> str:
    """When a step begins, after the start of the story."""
    return "0" if ms < 0.05 else f"+{format_duration(ms)}"


def logged(entry: LogEntry, width: int) -> str:
    """A log record: its severity, and what it says."""
    return f"{level(entry)} {said(entry, width)}".strip()


def took(line: Line) -> str:
    """How long the steps of a line took together."""
    return format_duration(sum(step.duration_ms for step in line.equal) or line.step.duration_ms)


def critical(line: Line) -> str:
    """How long the reply waited for the steps of a line; for steps after a message, how long the end did."""
    ms = critical_ms(line)
    return "" if ms is None else format_duration(ms)


def critical_ms(line: Line) -> float | None:
    """The same in ms; None if nothing waited for them."""
    steps = stood_for(line)
    to_reply = sum(step.critical_ms or 0.0 for step in steps)
    ms = to_reply or sum(step.critical_to_end_ms or 0.0 for step in steps)
    return ms if ms >= 0.05 else None


def details(line: Line) -> str:
    """What else a line says: how many equal steps, its message, its small steps; may be empty."""
    step = line.step
    if line.equal:
        inner = f", with {count(len(line.below), 'step')} below" if line.below else ""
        return f"× {len(line.equal):,}, {took(line)} together{inner}"
    parts = [address(step), small(line.small), f"! dated {step.time:%Y-%m-%d}" if step.odd_time else ""]
    return "  ".join(part for part in parts if part)


def notes(line: Line) -> list[str]:
    """What the steps of a line say about retries and circuit breakers, each once, the first few."""
    told = [note for step in stood_for(line) for note in step.notes]
    shown = list(dict.fromkeys(name(note, _NOTE_WIDTH) for note in told))
    more = [f"… and {count(len(shown) - _MOST_NOTES, 'more note')}"] if len(shown) > _MOST_NOTES else []
    return [*shown[:_MOST_NOTES], *more]


def address(step: Step) -> str:
    """Partition and offset of a message; of a client without a server side, that it waited."""
    if step.kind in {"producer", "consumer"} and step.offset is not None:
        return f"{step.partition}@{step.offset}"
    return "(waited for the answer)" if step.kind == "client" else ""


def small(steps: Sequence[Step]) -> str:
    """The small steps of a line, the first few by name."""
    if not steps:
        return ""
    names = list(dict.fromkeys(name(step.operation) for step in steps))
    more = ["…"] if len(names) > _NAMED_SMALL else []
    return f"+ {count(len(steps), 'small step')}: {', '.join(names[:_NAMED_SMALL] + more)}"


def wait(found: Wait) -> str:
    """How long a message waited, where, and for whom."""
    place = "" if found.topic is None else f" in {name(found.topic)}"
    time = "an unknown time" if found.ms is None else format_duration(found.ms)
    return f"{time}{place} until {name(found.consumer)}"


def message_name(message: Message) -> str:
    """The topic of a message, and what it is if that is known: `orders: OrderCreated (2)`."""
    kind = contract_name(message.event_type, message.version)
    return f"{name(message.topic)}: {kind}" if kind else name(message.topic)


def position(message: Message) -> str:
    """Partition and offset of a message, if known."""
    return "" if message.offset is None else f"{message.partition}@{message.offset}"


def state_details(state: GroupState, error_width: int = _ERROR_WIDTH) -> str:
    """What is known about the state of a message in a group, besides its name."""
    parts = []
    if state.state == "waiting" and state.messages_ahead is not None:
        parts.append(
            f"behind {count(state.messages_ahead, 'message')}" if state.messages_ahead else "next in line"
        )
    if state.wait_ms is not None:
        parts.append(f"waited {format_duration(state.wait_ms)}")
    if state.duration_ms is not None:
        parts.append(f"took {format_duration(state.duration_ms)}")
    if state.attempts > 1:
        parts.append(f"{state.attempts} attempts")
    if state.error:
        parts.append(shortened(printable(state.error), error_width))
    return ", ".join(parts)


def usual(cause: Cause) -> str:
    """The usual value of a cause and how many traces it rests on; empty if it does not compare."""
    parts = [] if cause.usual is None else [f"usually {format_duration(cause.usual)}"]
    parts += [] if cause.examples is None else [f"{cause.examples:,} examples"]
    return ", ".join(parts)


def scope(found: OrderScope) -> str:
    """How many others are affected, and how many were before."""
    now = f"{found.affected:,} of {found.of:,} since {found.since:%Y-%m-%d %H:%M} UTC"
    if not found.before_of:
        return now
    return f"{now}; in the hour before, {found.before_affected:,} of {found.before_of:,}"


def facts(story: Story) -> list[str]:
    """When the story began, how long it took, and how many spans it has."""
    started = f"{story.started:%Y-%m-%d %H:%M:%S}.{story.started.microsecond // 1000:03d} UTC"
    parts = [started, f"{format_duration(story.duration_ms)} in total", count(story.spans, "span")]
    if story.truncated:
        parts.append("truncated: the story has more spans than shown here")
    return parts


def corrected(story: Story, service: str) -> str:
    """By how much the times of a service were corrected; empty if its clock is not known to differ."""
    skew = story.clock_skew_ms.get(service)
    if skew is None:
        return ""
    return f"clock corrected by {format_duration(abs(skew))}"
