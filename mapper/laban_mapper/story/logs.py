"""Log records of traces, and at the steps of a story."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from laban_collector.store.rows import LogLine
from laban_mapper.model import LogEntry, Logs, LogSeverity, Step, Story, StoryLog
from laban_mapper.names import shortened
from laban_mapper.printable import printable
from laban_mapper.times import utc_time

MOST: Final = 2_000
"""Log records of one answer."""
MOST_TRACES: Final = 100
"""Traces of a story whose log records are read."""

_NAMES: Final[tuple[LogSeverity, ...]] = ("trace", "debug", "info", "warn", "error", "fatal")
_RANK: Final = {name: rank for rank, name in enumerate(("unspecified", *_NAMES))}
_BAD: Final = frozenset[LogSeverity]({"error", "fatal"})
_LEVEL_WIDTH: Final = 12
_NUMBERS: Final = 4
"""Severity numbers that share a name: 1 to 4 are `trace`."""
_MS: Final = 1000

T = TypeVar("T", bound=LogEntry)


def logs_of(lines: Sequence[LogLine], limit: int) -> Logs:
    """Return the first log records, by time.

    Args:
        lines: by time; one more than the limit if there are more.
        limit: how many.
    """
    return Logs(logs=[_entry(line) for line in lines[:limit]], truncated=len(lines) > limit)


def with_logs(story: Story, found: Logs) -> Story:
    """Return a story with the log records of its steps, and those that name no span.

    Records of other spans are left out and counted: in a batch, they may belong to other orders.
    """
    steps = {(step.trace_id, step.span_id): index for index, step in reversed(list(enumerate(story.steps)))}
    kept: list[StoryLog] = []
    for entry in found.logs:
        index = None if entry.span_id is None else steps.get((entry.trace_id, entry.span_id))
        if index is not None or entry.span_id is None:
            kept.append(_at_step(story, entry, index))
    kept.sort(key=lambda log: log.start_ms)
    return story.model_copy(
        update={
            "logs": kept,
            "logs_left_out": len(found.logs) - len(kept),
            "logs_truncated": found.truncated or len(story.traces) > MOST_TRACES,
        }
    )


def said(entry: LogEntry, width: int) -> str:
    """Return what a record says in one printable line: its body, or what else it has."""
    named = ", ".join(f"{key}={value}" for key, value in entry.attributes.items())
    return shortened(printable(entry.body or entry.event_name or named or "(empty)"), width)


def level(entry: LogEntry) -> str:
    """Return the severity as its logging library calls it, printable and in capitals; '' for none."""
    name = entry.severity_text or ("" if entry.severity == "unspecified" else entry.severity)
    return shortened(printable(name), _LEVEL_WIDTH).upper()


def worst(entries: Sequence[T], most: int) -> list[T]:
    """Return the records to show, in their order; of too many, the worst."""
    if len(entries) <= most:
        return list(entries)
    by_need = sorted(range(len(entries)), key=lambda index: -_RANK[entries[index].severity])
    return [entries[index] for index in sorted(by_need[:most])]


def is_bad(entry: LogEntry) -> bool:
    """Whether a record tells an error."""
    return entry.severity in _BAD


def is_alarming(entry: LogEntry) -> bool:
    """Whether a record tells an error or a warning."""
    return entry.severity == "warn" or is_bad(entry)


class LogsBySteps:
    """The log records of a story, by the step that wrote them.

    Attributes:
        others: those that name no span.
    """

    def __init__(self, story: Story) -> None:
        self._story = story
        self.others: list[StoryLog] = []
        self._at: defaultdict[int, list[StoryLog]] = defaultdict(list)
        for log in story.logs:
            # By identity: the two halves of a shared span are two steps with one ID, and a record is at one.
            (self.others if log.step is None else self._at[id(story.steps[log.step])]).append(log)

    def of(self, steps: Iterable[Step]) -> list[StoryLog]:
        """Return the records of some steps of the story, by time."""
        if not self._at:
            return []
        found = [log for step in steps for log in self._at.get(id(step), ())]
        return sorted(found, key=lambda log: log.start_ms)


def _at_step(story: Story, entry: LogEntry, index: int | None) -> StoryLog:
    start: float
    if index is None:
        start = _milliseconds(story.started, entry.time) - story.clock_skew_ms.get(entry.service, 0.0)
    else:
        step: Step = story.steps[index]
        begin = _milliseconds(story.started, step.time) if step.start_ms is None else step.start_ms
        start = begin + _milliseconds(step.time, entry.time)
    return StoryLog(**dict(entry), start_ms=round(start, 3), step=index)


def _milliseconds(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() * _MS


def _entry(line: LogLine) -> LogEntry:
    return LogEntry(
        time=utc_time(line.time),
        time_ns=line.time,
        severity=severity_name(line.severity),
        severity_text=line.severity_text,
        service=line.service,
        namespace=line.namespace,
        logger=line.logger,
        event_name=line.event_name,
        body=line.body,
        attributes=dict(line.attributes),
        dropped_attributes=line.dropped_attributes,
        trace_id=line.trace_id,
        span_id=line.span_id,
    )


def severity_name(number: int) -> LogSeverity:
    """Return the name of an OTLP SeverityNumber."""
    return _NAMES[(number - 1) // _NUMBERS] if 0 < number <= len(_NAMES) * _NUMBERS else "unspecified"
