"""A story as Markdown, to paste into a ticket: names are code, so they link, mention and format nothing."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from laban_mapper.model import Cause, GroupState, Message, Story
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rows import ShownChapter, is_plain, is_processed, most_telling, rows, stood_for
from laban_mapper.story.logs import LogsBySteps, is_bad, level, said, worst
from laban_mapper.story.messages import unread_reason
from laban_mapper.story.timeline import Line, since_start

_MAX_LINES: Final = 80
"""With the bounds below, the text is shorter than the 65,536 characters that a ticket may have."""
_MAX_MESSAGES: Final = 40
_MAX_GROUPS: Final = 5
_MAX_LOGS: Final = 30
_LOG_WIDTH: Final = 200
_LOGS_AT_A_LINE: Final = 2
"""Errors; the table has the other records."""
_MAX_CAUSES: Final = 10
_MAX_TRACES: Final = 10
_DEEPEST: Final = 12
"""Levels of indentation: beyond them, the level is a number."""
_ERROR_WIDTH: Final = 200

_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>&|~$]|^(?=[#>+\-=])")
_NUMBERED: Final = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
"""What would begin a numbered list."""
_LINKING: Final = re.compile(r"\S*(?:@|://|www\.|#\d|\w!\d)\S*")
"""Words from which a ticket makes a mention or a link."""


def to_markdown(story: Story) -> str:
    """The verdict, the causes, the timeline as nested lists, the messages, and the traces."""
    parts = [
        _head(story),
        _causes(story),
        [f"- {_text(note)}" for note in map(phrases.sentence, story.notes)],
        _timeline(story),
        _messages(story.messages),
        _logs(story),
        _traces(story),
    ]
    return "\n\n".join("\n".join(lines) for lines in map(list, parts) if lines) + "\n"


def _head(story: Story) -> Iterator[str]:
    title = f"{phrases.OUTCOMES[story.outcome]}: {story.key} {story.value}"
    yield f"## {_text(phrases.name(title, 120))}"
    yield ""
    yield f"**{_text(phrases.sentence(story.verdict))}**"
    yield ""
    yield " · ".join(phrases.facts(story))


def _causes(story: Story) -> list[str]:
    lines = []
    if story.causes:
        lines = ["### Causes", "", *(_cause(cause) for cause in story.causes[:_MAX_CAUSES])]
        if len(story.causes) > _MAX_CAUSES:
            lines.append(f"\n… and {phrases.count(len(story.causes) - _MAX_CAUSES, 'more cause')}")
    elif story.root_cause is not None:
        cause = story.root_cause
        place = f"{_code(phrases.name(cause.service))} {_code(phrases.name(cause.operation))}"
        lines = ["### Root cause", "", f"{place}: {_text(phrases.name(cause.error, _ERROR_WIDTH))}"]
    if story.scope is not None:
        lines += ["", f"Trouble at the same place: {phrases.scope(story.scope)}."]
    return lines


def _cause(cause: Cause) -> str:
    usual = phrases.usual(cause)
    evidence = ", ".join(_code(phrases.name(span)) for span in cause.spans[:3])
    parts = [
        f"{cause.rank}. {_text(phrases.sentence(cause.sentence))}",
        f"{cause.kind.replace('_', ' ')} in {_code(phrases.name(cause.service))}",
        usual,
        f"spans {evidence}" if evidence else "",
    ]
    return " · ".join(part for part in parts if part)


def _timeline(story: Story) -> Iterator[str]:
    yield "### Timeline"
    shown = rows(story, _MAX_LINES)
    if any(phrases.critical(line) for chapter in shown.chapters for line in chapter.lines):
        yield ""
        yield f"_{phrases.CRITICAL}_"
    told: set[str] = set()
    logs = LogsBySteps(story)
    for chapter in shown.chapters:
        yield ""
        yield from _chapter(chapter, story, told, logs)
    if shown.hidden:
        yield ""
        yield f"… and {phrases.count(shown.hidden, 'more step')}"


def _chapter(chapter: ShownChapter, story: Story, told: set[str], logs: LogsBySteps) -> Iterator[str]:
    if chapter.wait is not None:
        yield f"┄ {_text(phrases.wait(chapter.wait))}"
        yield ""
    depth = -1
    for line in chapter.lines:
        # An item that is indented by two levels more than the one above would be code.
        depth = min(line.depth, depth + 1, _DEEPEST)
        skipped = f"⋯{line.depth} " if line.depth > depth else ""
        yield f"{'  ' * depth}- {skipped}{_line(line, story, told)}{_errors(line, logs)}"


def _errors(line: Line, logs: LogsBySteps) -> str:
    """The errors that the steps of a line logged."""
    found = [log for log in logs.of(stood_for(line)) if is_bad(log)]
    told = [f" · ▪ {_text(level(log))} {_code(said(log, _LOG_WIDTH))}" for log in found[:_LOGS_AT_A_LINE]]
    rest = len(found) - len(told)
    return "".join(told) + (f" · … and {phrases.count(rest, 'more error')} logged" if rest else "")


def _line(line: Line, story: Story, told: set[str]) -> str:
    step = line.step
    critical = phrases.critical(line)
    correction = "" if step.service in told else phrases.corrected(story, step.service)
    told.add(step.service)
    figures = phrases.took(line) + (f" (**{critical}** critical)" if critical else "")
    error = phrases.error(step)
    place = f"{_code(phrases.name(step.service))} {_code(phrases.operation(step))}"
    parts = [
        f"{phrases.when(since_start(story, step))} {place}",
        figures,
        _text(phrases.details(line)),
        correction,
        f"**✗ {_text(phrases.name(error, _ERROR_WIDTH))}**" if error else "",
        *(f"↻ {_text(note)}" for note in phrases.notes(line)),
    ]
    return " · ".join(part for part in parts if part)


def _messages(messages: list[Message]) -> list[str]:
    if not messages:
        return []
    lines = ["### Messages", "", "| Message | Partition, offset | Group | State |", "|---|---|---|---|"]
    for message in most_telling(messages, is_plain, _MAX_MESSAGES):
        lines += _message(message)
    if len(messages) > _MAX_MESSAGES:
        lines += ["", f"… and {phrases.count(len(messages) - _MAX_MESSAGES, 'more message')}"]
    return lines


def _message(message: Message) -> Iterator[str]:
    position = phrases.position(message)
    first = f"| {_cell(phrases.message_name(message))} | {_cell(position) if position else ''}"
    if not message.groups:
        yield f"{first} | – | {unread_reason(message)} |"
    for state in most_telling(message.groups, is_processed, _MAX_GROUPS):
        yield f"{first} | {_cell(phrases.name(state.group))} | {_state(state)} |"
        first = "| | "
    if len(message.groups) > _MAX_GROUPS:
        yield f"| | | … | {phrases.count(len(message.groups) - _MAX_GROUPS, 'more group')} |"


def _state(state: GroupState) -> str:
    details = phrases.state_details(state, _ERROR_WIDTH)
    return f"**{state.state}**" + (f", {_text(details, code=_cell)}" if details else "")


def _logs(story: Story) -> list[str]:
    if not story.logs:
        return []
    lines = ["### Logs", "", "| When | Service | Level | Text |", "|---|---|---|---|"]
    for log in worst(story.logs, _MAX_LOGS):
        when, service = phrases.when(max(log.start_ms, 0.0)), _cell(phrases.name(log.service))
        lines.append(f"| {when} | {service} | {_text(level(log), _cell)} | {_cell(said(log, _LOG_WIDTH))} |")
    if len(story.logs) > _MAX_LOGS:
        lines += ["", f"… and {phrases.count(len(story.logs) - _MAX_LOGS, 'more log record')}"]
    return lines


def _traces(story: Story) -> Iterable[str]:
    shown = ", ".join(_code(phrases.name(trace)) for trace in story.traces[:_MAX_TRACES])
    more = len(story.traces) - _MAX_TRACES
    yield f"{phrases.count(len(story.traces), 'trace')}: {shown}" + (
        f" and {more:,} more" if more > 0 else ""
    )


def _cell(text: str) -> str:
    """Code in a cell of a table, where a bar ends the cell even in code."""
    return _code(text).replace("|", "\\|")


def _code(text: str) -> str:
    """A text as code, whatever backticks it contains."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _text(text: str, code: Callable[[str], str] = _code) -> str:
    """A text with everything escaped that Markdown obeys; words that would link or mention become code."""
    parts, at = [], 0
    for word in _LINKING.finditer(text):
        parts += [_escaped(text[at : word.start()]), code(word[0])]
        at = word.end()
    return "".join([*parts, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(lambda found: f"\\{found[0]}", text))
