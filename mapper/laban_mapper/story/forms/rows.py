"""The rows of a story in every form: waits and lines in their order, bounded; errors always have a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from laban_mapper.model import GroupState, Message, Step, Story
from laban_mapper.story.timeline import Chapter, Line, chapters

T = TypeVar("T")


class Wait(NamedTuple):
    """The time of a message in a queue before a chapter; `ms` is None if it is unknown."""

    ms: float | None
    topic: str | None
    consumer: str


@dataclass(frozen=True, slots=True)
class ShownChapter:
    """A chapter, as far as it is shown.

    Attributes:
        wait: the time of its message in the queue, if one led to it.
        lines: the lines to show, at least one.
        cause: the step that led to it.
    """

    wait: Wait | None
    lines: list[Line]
    cause: Step | None


@dataclass(frozen=True, slots=True)
class Rows:
    """The chapters to show, and how many steps are not shown.

    Attributes:
        chapters: those with at least one line to show.
        hidden: the steps of the lines that are left out.
    """

    chapters: list[ShownChapter]
    hidden: int


def rows(story: Story, most: int, *, fold: bool = True) -> Rows:
    """The rows of a story: the first `most` lines, and beyond them each error once, at most twice as many.

    Args:
        story: the story.
        most: how many lines.
        fold: whether a line may stand for several steps.
    """
    room, hidden = most, 0
    errors: set[tuple[str, str, str]] = set()
    shown = []
    for chapter in chapters(story.steps, fold=fold):
        lines: list[Line] = []
        wait = _wait(chapter) if room > 0 else None
        for line in chapter.lines:
            step = line.step
            error = (step.service, step.operation, step.error) if step.error else None
            if room <= 0 and (error is None or error in errors or len(errors) >= 2 * most):
                hidden += line.stands_for
                continue
            room -= 1
            errors.update([error] if error else [])
            lines.append(line)
        if lines:
            shown.append(ShownChapter(wait, lines, chapter.cause))
    return Rows(shown, hidden)


def stood_for(line: Line) -> list[Step]:
    """All steps that a line stands for."""
    caller = [] if line.caller is None else [line.caller]
    return [*caller, *(line.equal or [line.step]), *line.below, *line.small]


def most_telling(messages: Sequence[T], is_plain: Callable[[T], bool], most: int) -> list[T]:
    """The messages or groups to show, in their order; of too many, those with a problem come first."""
    if len(messages) <= most:
        return list(messages)
    by_need = sorted(range(len(messages)), key=lambda index: is_plain(messages[index]))
    return [messages[index] for index in sorted(by_need[:most])]


def is_plain(message: Message) -> bool:
    """Whether every group processed a message, as usual."""
    return bool(message.groups) and all(map(is_processed, message.groups))


def is_processed(state: GroupState) -> bool:
    """Whether a group processed a message, as usual."""
    return state.state == "processed"


def _wait(chapter: Chapter) -> Wait | None:
    head, cause = chapter.head, chapter.cause
    if not head.by_message:
        return None
    topic = head.topic or (cause.topic if cause else None)
    # A receive span that began to poll before the message came has no time in the queue; those below it have.
    waits = (line.step.wait_ms for line in chapter.lines if line.step.service == head.service)
    known = next((wait for wait in waits if wait is not None), None)
    if known is None and (cause is None or cause.kind not in {"producer", "client"}):
        return None
    return Wait(known, topic, head.group or head.service)
