"""A story as one HTML file: it loads nothing, runs no script, and follows the colours of the reader."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from laban_mapper.model import Cause, GroupState, Message, Story
from laban_mapper.printable import printable
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.html_lanes import lanes
from laban_mapper.story.forms.html_style import STYLE
from laban_mapper.story.forms.rows import (
    Rows,
    ShownChapter,
    is_plain,
    is_processed,
    most_telling,
    rows,
    stood_for,
)
from laban_mapper.story.logs import LogsBySteps, is_alarming, is_bad, level, said, worst
from laban_mapper.story.messages import unread_reason
from laban_mapper.story.timeline import Line, since_start
from laban_mapper.times import format_duration

_MAX_LINES: Final = 300
_MAX_OPEN: Final = 120
"""With more lines, only the first chapter and those with errors are open."""
_MAX_INSIDE: Final = 20
"""The steps that a line lists of those for which it stands."""
_MAX_MESSAGES: Final = 100
_MAX_GROUPS: Final = 10
_MAX_LOGS: Final = 200
_LOG_WIDTH: Final = 500
_LOGS_AT_A_LINE: Final = 3
"""Errors and warnings; the table has the other records."""
_MAX_CAUSES: Final = 20
_MAX_TRACES: Final = 50
_DEEPEST: Final = 16
_STEPS_HEAD: Final = (
    '<table class="steps"><thead><tr>'
    "<th>When</th><th>What</th><th>Took</th><th>Critical</th></tr></thead></table>"
)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def to_html(story: Story) -> str:
    """The verdict, the causes, the timeline in lanes of services, all steps, the messages, and the traces."""
    shown = rows(story, _MAX_LINES)
    title = _t(phrases.name(f"{story.key} {story.value}", 120))
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}: {phrases.OUTCOMES[story.outcome]}</title>",
        f"<style>{STYLE}</style></head><body><main>",
        *_head(story, title),
        *_causes(story),
        *lanes(story, shown),
        *_steps(story, shown),
        *_messages(story.messages),
        *_logs(story),
        *_traces(story),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _head(story: Story, title: str) -> Iterator[str]:
    outcome = f'<span class="outcome {story.outcome}">{phrases.OUTCOMES[story.outcome]}</span>'
    yield f"<header><h1>{outcome} {title}</h1>"
    yield f'<p class="verdict">{_t(story.verdict)}</p>'
    yield f'<p class="dim">{_t(" · ".join(phrases.facts(story)))}</p>'
    yield from (f'<p class="note">{_t(note)}</p>' for note in story.notes)
    yield "</header>"


def _causes(story: Story) -> Iterator[str]:
    if not (story.causes or story.root_cause or story.scope):
        return
    yield '<section class="card"><h2>Causes</h2>'
    if story.causes:
        yield "<ol>"
        yield from map(_cause, story.causes[:_MAX_CAUSES])
        yield "</ol>"
        yield _more(len(story.causes) - _MAX_CAUSES, "cause")
    elif story.root_cause is not None:
        cause = story.root_cause
        place = f"<b>{_name(cause.service)}</b> {_name(cause.operation)}"
        yield f'<p>{place}<br><span class="error">{_t(phrases.name(cause.error, 300))}</span></p>'
    if story.scope is not None:
        yield f"<p>Trouble at the same place: {_t(phrases.scope(story.scope))}.</p>"
    yield "</section>"


def _cause(cause: Cause) -> str:
    facts = [f"{cause.kind.replace('_', ' ')} in {_name(cause.service)}"]
    facts += [_t(usual)] if (usual := phrases.usual(cause)) else []
    spans = ", ".join(phrases.name(span) for span in cause.spans[:3])
    facts += [f"<code>{_t(spans)}</code>"] if spans else []
    first = ' class="first"' if cause.rank == 1 else ""
    return f'<li{first}>{_t(cause.sentence)}<br><span class="dim">{" · ".join(facts)}</span></li>'


def _steps(story: Story, shown: Rows) -> Iterator[str]:
    yield "<section><h2>Steps</h2>"
    number = sum(len(chapter.lines) for chapter in shown.chapters)
    if any(phrases.critical(line) for chapter in shown.chapters for line in chapter.lines):
        yield f'<p class="dim">{_t(phrases.CRITICAL)}</p>'
    told: set[str] = set()
    logs = LogsBySteps(story)
    yield _STEPS_HEAD
    for index, chapter in enumerate(shown.chapters):
        failing = any(line.step.status == "error" for line in chapter.lines)
        is_open = index == 0 or failing or number <= _MAX_OPEN
        yield from _chapter(chapter, story, told, logs, is_open=is_open)
    yield _more(shown.hidden, "step")
    yield "</section>"


def _chapter(
    chapter: ShownChapter, story: Story, told: set[str], logs: LogsBySteps, *, is_open: bool
) -> Iterator[str]:
    head = chapter.lines[0].step
    wait = "" if chapter.wait is None else f' <span class="wait">┄ {_t(phrases.wait(chapter.wait))}</span>'
    opened = " open" if is_open else ""
    place = f"<b>{_name(head.service)}</b> {_t(phrases.operation(head))}"
    yield f"<details{opened}><summary>{place}{wait}</summary>"
    yield '<table class="steps"><tbody>'
    for line in chapter.lines:
        yield _line(line, story, told, logs)
    yield "</tbody></table></details>"


def _line(line: Line, story: Story, told: set[str], logs: LogsBySteps) -> str:
    step = line.step
    correction = "" if step.service in told else phrases.corrected(story, step.service)
    told.add(step.service)
    error = phrases.error(step)
    level = f"⋯{line.depth} " if line.depth > _DEEPEST else ""
    what = f'<span class="dim">{level}</span><b>{_name(step.service)}</b> {_t(phrases.operation(step))}'
    what += _dim(phrases.details(line)) + _dim(correction)
    what += f'<div class="error">✗ {_t(error)}</div>' if error else ""
    what += "".join(f'<div class="wait">↻ {_t(note)}</div>' for note in phrases.notes(line))
    what += _logged(line, logs)
    what += _inside(line, story)
    classes = " ".join(
        name for name, holds in (("failed", error), ("critical", phrases.critical(line))) if holds
    )
    return (
        f'<tr class="{classes}"><td>{_t(phrases.when(since_start(story, step)))}</td>'
        f'<td style="padding-left:{min(line.depth, _DEEPEST) * 1.1 + 0.4:.1f}em">{what}</td>'
        f"<td>{_t(phrases.took(line))}</td><td>{_t(phrases.critical(line))}</td></tr>"
    )


def _logged(line: Line, logs: LogsBySteps) -> str:
    """The errors and warnings that the steps of a line logged."""
    found = [log for log in logs.of(stood_for(line)) if is_alarming(log)]
    shown = worst(found, _LOGS_AT_A_LINE)
    told = "".join(
        f'<div class="{"error" if is_bad(log) else "log"}">▪ {_t(phrases.when(max(log.start_ms, 0.0)))} '
        f"{_t(phrases.logged(log, _LOG_WIDTH))}</div>"
        for log in shown
    )
    return told + _more(len(found) - len(shown), "log record")


def _inside(line: Line, story: Story) -> str:
    """The steps of a line that stands for several, folded."""
    steps = stood_for(line)
    if len(steps) <= (1 if line.caller is None else 2):
        return ""
    items = "".join(
        f"<li>{_t(phrases.when(since_start(story, step)))} {_name(step.service)} "
        f"{_t(phrases.operation(step))}, {format_duration(step.duration_ms)}</li>"
        for step in steps[:_MAX_INSIDE]
    )
    rest = len(steps) - _MAX_INSIDE
    items += f"<li>… {phrases.count(rest, 'more step')}</li>" if rest > 0 else ""
    return f"<details><summary>{phrases.count(len(steps), 'step')}</summary><ul>{items}</ul></details>"


def _messages(messages: list[Message]) -> Iterator[str]:
    if not messages:
        return
    yield "<section><h2>Messages</h2><table><thead><tr><th>Message</th><th>Partition@offset</th>"
    yield "<th>Group</th><th>State</th></tr></thead><tbody>"
    for message in most_telling(messages, is_plain, _MAX_MESSAGES):
        yield from _message(message)
    yield "</tbody></table>"
    yield _more(len(messages) - _MAX_MESSAGES, "message")
    yield "</section>"


def _message(message: Message) -> Iterator[str]:
    first = f"<tr><td>{_t(phrases.message_name(message))}</td><td>{phrases.position(message)}</td>"
    if not message.groups:
        yield f'{first}<td>–</td><td class="dim">{_t(unread_reason(message))}</td></tr>'
    for state in most_telling(message.groups, is_processed, _MAX_GROUPS):
        yield f"{first}<td>{_name(state.group)}</td><td>{_state(state)}</td></tr>"
        first = "<tr><td></td><td></td>"
    if len(message.groups) > _MAX_GROUPS:
        rest = phrases.count(len(message.groups) - _MAX_GROUPS, "more group")
        yield f'<tr><td></td><td></td><td>…</td><td class="dim">{rest}</td></tr>'


def _state(state: GroupState) -> str:
    return f'<span class="state {state.state}">{state.state}</span>{_dim(phrases.state_details(state))}'


def _logs(story: Story) -> Iterator[str]:
    if not story.logs:
        return
    yield '<section><h2>Logs</h2><table class="logs"><thead><tr><th>When</th><th>Service</th>'
    yield "<th>Level</th><th>Text</th></tr></thead><tbody>"
    for log in worst(story.logs, _MAX_LOGS):
        classes = ' class="failed"' if is_bad(log) else ""
        yield (
            f"<tr{classes}><td>{_t(phrases.when(max(log.start_ms, 0.0)))}</td><td>{_name(log.service)}</td>"
            f"<td>{_t(level(log))}</td><td>{_t(said(log, _LOG_WIDTH))}</td></tr>"
        )
    yield "</tbody></table>"
    yield _more(len(story.logs) - _MAX_LOGS, "log record")
    yield "</section>"


def _traces(story: Story) -> Iterable[str]:
    shown = ", ".join(f"<code>{_name(trace)}</code>" for trace in story.traces[:_MAX_TRACES])
    yield f'<footer class="dim">{phrases.count(len(story.traces), "trace")}: {shown}'
    yield _more(len(story.traces) - _MAX_TRACES, "trace")
    yield "</footer>"


def _more(number: int, noun: str) -> str:
    return f'<p class="dim">… and {phrases.count(number, f"more {noun}")}</p>' if number > 0 else ""


def _dim(text: str) -> str:
    return f' <span class="dim">{_t(text)}</span>' if text else ""


def _name(text: str) -> str:
    return _t(phrases.name(text))


def _t(text: str) -> str:
    """A text as HTML."""
    return escape(printable(text))
