"""A story as a sequence of calls, returns, messages and notes between participants."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from laban_mapper.model import Step, Story, StoryLog
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rows import ShownChapter, Wait, rows, stood_for
from laban_mapper.story.logs import LogsBySteps, is_alarming, is_bad, worst
from laban_mapper.story.timeline import Line, since_start

_MAX_LINES: Final = 60
"""Lines of the timeline; beyond them, only those with another error. A call is two arrows."""
_MAX_PARTICIPANTS: Final = 16
_MAX_LOGS: Final = 12
"""Log records; only errors and warnings are drawn."""
_LOG_WIDTH: Final = 100
_OTHERS: Final = "other services"
_CALLER: Final = "caller"
NAME_WIDTH: Final = 40
"""The most characters of a participant."""
_INTERNAL: Final = frozenset({"internal", "unspecified"})

ParticipantKind = Literal["entry", "service", "topic"]
Participant = tuple[ParticipantKind, str]
"""What it is, and its name as it was sent."""
EventKind = Literal["call", "return", "message", "note"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens between two participants, or at one.

    Attributes:
        kind: what happens; a note is about `target`.
        source: who does it.
        target: to whom.
        text: printable, in one line.
        failing: whether it failed.
    """

    kind: EventKind
    source: Participant
    target: Participant
    text: str
    failing: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """The events in their order.

    Attributes:
        participants: those to draw, by their first event.
        others: the participant that stands for those that are not drawn; None if all are.
        events: between participants that are drawn; another one is `others`.
        left_out: what is not drawn, in words; may be empty.
    """

    participants: list[Participant]
    others: Participant | None
    events: list[Event]
    left_out: str


def sequence(story: Story) -> Sequence:
    """The sequence of a story: its first lines, and beyond them each error once; with the worst logs."""
    shown = rows(story, _MAX_LINES)
    notes = _LogNotes(story)
    events: list[Event] = []
    told: set[str] = set()
    for chapter in shown.chapters:
        events += _chapter(chapter, story, told, notes)
    kept, merged = _participants(events)
    others: Participant | None = ("service", _OTHERS) if merged else None
    return Sequence(
        kept,
        others,
        [drawn for event in events if (drawn := _between(event, kept, others))],
        _left_out(shown.hidden, _skipped(shown.chapters), merged, notes.left),
    )


def _between(event: Event, kept: list[Participant], others: Participant | None) -> Event | None:
    """The event with the participant that stands for others; None if it is among those only."""
    if event.source in kept and event.target in kept:
        return event
    if others is None or (event.source not in kept and event.target not in kept):
        return None
    source, target = (one if one in kept else others for one in (event.source, event.target))
    return Event(event.kind, source, target, event.text, event.failing)


class _LogNotes:
    """The errors and warnings that were logged, as notes at the services that logged them.

    Attributes:
        left: records that are not drawn.
    """

    def __init__(self, story: Story) -> None:
        self._by_steps = LogsBySteps(story)
        alarming = [log for log in story.logs if log.step is not None and is_alarming(log)]
        self._drawn = set(map(id, worst(alarming, _MAX_LOGS)))
        self.left = len(story.logs)

    def at(self, line: Line) -> Iterator[Event]:
        """The notes of the steps that a line stands for."""
        for log in self._by_steps.of(stood_for(line)):
            if id(log) in self._drawn:
                self.left -= 1
                yield self._note(log, ("service", line.step.service))

    def _note(self, log: StoryLog, place: Participant) -> Event:
        text = f"{phrases.when(max(log.start_ms, 0.0))} {phrases.logged(log, _LOG_WIDTH)}"
        return Event("note", place, place, text, failing=is_bad(log))


def _chapter(chapter: ShownChapter, story: Story, told: set[str], notes: _LogNotes) -> Iterator[Event]:
    """The calls of a chapter depth first; each returns after everything that it called."""
    head = chapter.lines[0].step
    yield from _delivered(chapter.wait, head)
    open_calls: list[tuple[int, Event]] = []
    for line in chapter.lines:
        while open_calls and open_calls[-1][0] >= line.depth:
            yield open_calls.pop()[1]
        if _is_skipped(line):
            yield from notes.at(line)
            continue
        found = list(_call(line, story))
        correction = phrases.corrected(story, line.step.service)
        if correction and line.step.service not in told:
            told.add(line.step.service)
            place: Participant = ("service", line.step.service)
            yield Event("note", place, place, correction)
        yield from found[:1]
        yield from notes.at(line)
        open_calls += [(line.depth, event) for event in found[1:]]
    yield from (event for _, event in reversed(open_calls))


def _delivered(wait: Wait | None, head: Step) -> Iterator[Event]:
    """A message that waits in its topic, and comes to its consumer."""
    if wait is None or wait.topic is None:
        return
    topic: Participant = ("topic", wait.topic)
    yield Event("note", topic, topic, f"waits {phrases.wait(wait)}")
    position = "" if head.offset is None else f" {head.partition}@{head.offset}"
    text = f"{phrases.name(wait.topic, NAME_WIDTH)}{position}"
    yield Event("message", topic, ("service", head.service), text)


def _call(line: Line, story: Story) -> Iterator[Event]:
    """The event of a step, and the return if it was called by another service."""
    step = line.step
    caller = None if step.cause is None else story.steps[step.cause].service
    own: Participant = ("service", step.service)
    error = phrases.error(step)
    what = f"{phrases.when(since_start(story, step))} {phrases.name(step.operation, NAME_WIDTH)}"
    what += f" × {len(line.equal):,}" if line.equal else ""
    outcome = f"{phrases.took(line)}" + (f", {phrases.name(error, 80)}" if error else "")
    if step.kind == "producer" and step.topic is not None:
        yield Event("message", own, ("topic", step.topic), f"{what}, {outcome}", failing=bool(error))
    elif step.kind == "server" and caller != step.service and not step.by_message:
        source: Participant = (_entry_or_service(caller), caller or _CALLER)
        yield Event("call", source, own, what)
        yield Event("return", own, source, outcome, failing=bool(error))
    elif step.by_message:
        yield Event("note", own, own, f"{what}, {outcome}", failing=bool(error))
    else:
        yield Event("call", own, own, f"{what}, {outcome}", failing=bool(error))


def _entry_or_service(caller: str | None) -> ParticipantKind:
    return "entry" if caller is None else "service"


def _is_skipped(line: Line) -> bool:
    """Whether a step is not drawn: work inside a service that went well."""
    return line.step.kind in _INTERNAL and line.step.status != "error" and line.depth > 0


def _skipped(chapters: list[ShownChapter]) -> int:
    return sum(line.stands_for for chapter in chapters for line in chapter.lines if _is_skipped(line))


def _participants(events: list[Event]) -> tuple[list[Participant], int]:
    """The participants to draw, by their first event, and how many others share one.

    Those with errors come first, then those with the most events.
    """
    use: Counter[Participant] = Counter()
    for event in events:
        for participant in (event.source, event.target):
            use[participant] += 1_000_000 if event.failing else 1
    if len(use) <= _MAX_PARTICIPANTS:
        return list(use), 0
    busiest = {participant for participant, _ in use.most_common(_MAX_PARTICIPANTS - 1)}
    kept = [participant for participant in use if participant in busiest]
    return [*kept, ("service", _OTHERS)], len(use) - len(kept)


def _left_out(hidden: int, internal: int, merged: int, logs: int) -> str:
    parts = [
        f"{phrases.count(hidden, 'more step')}" if hidden else "",
        f"{phrases.count(internal, 'internal step')}" if internal else "",
        f"the calls among {merged:,} other participants" if merged else "",
        f"{phrases.count(logs, 'more log record')}" if logs else "",
    ]
    found = [part for part in parts if part]
    return f"Not drawn: {', '.join(found)}" if found else ""
