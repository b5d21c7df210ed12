"""A story as a Mermaid sequence diagram: services and topics as participants, calls, returns and messages."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from laban_mapper.model import Step, Story
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rows import ShownChapter, Wait, rows
from laban_mapper.story.timeline import Line, since_start

_MAX_LINES: Final = 60
"""Lines of the timeline; beyond them, only those with another error. A call is two arrows."""
_MAX_PARTICIPANTS: Final = 16
_OTHERS: Final = "other services"
_CALLER: Final = "caller"
_WIDTH: Final = 40
_INTERNAL: Final = frozenset({"internal", "unspecified"})

_UNSAFE: Final = re.compile(r"[#;&<>`$]|%%+|^(?=\s*(?:no)?wrap:)")
"""What could end a statement, begin an entity, HTML, a formula or a directive (`%%{…}%%`)."""

Kind = Literal["entry", "service", "topic"]
Participant = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class _Arrow:
    """A statement of the diagram; a note if it has no arrow."""

    source: Participant
    arrow: str
    target: Participant
    text: str
    failing: bool = False


def to_mermaid(story: Story) -> str:
    """The sequence diagram; it says what it leaves out."""
    shown = rows(story, _MAX_LINES)
    arrows: list[_Arrow] = []
    told: set[str] = set()
    for chapter in shown.chapters:
        arrows += _chapter(chapter, story, told)
    kept, merged = _participants(arrows)
    lines = ["sequenceDiagram", f"    accTitle: {_safe(phrases.name(f'{story.key} {story.value}'))}"]
    ids = {participant: f"p{number}" for number, participant in enumerate(kept)}
    lines += [_declared(ids[participant], participant) for participant in kept]
    if kept:
        lines += [f"    Note over {_all(ids)}: {_safe(line)}" for line in _head(story)]
    other = ids.get(("service", _OTHERS), "")
    lines += [text for arrow in arrows if (text := _statement(arrow, ids, other))]
    left_out = _left_out(shown.hidden, _skipped(shown.chapters), merged)
    if left_out and kept:
        lines.append(f"    Note over {_all(ids)}: {_safe(left_out)}")
    return "\n".join(lines) + "\n"


def _head(story: Story) -> list[str]:
    first = f"{phrases.OUTCOMES[story.outcome]}, {phrases.facts(story)[1]}"
    cause = story.causes[0].sentence if story.causes else ""
    if not cause and story.root_cause is not None:
        cause = f"{story.root_cause.service} {story.root_cause.operation}: {story.root_cause.error}"
    return [first, phrases.name(cause, 100)] if cause else [first]


def _chapter(chapter: ShownChapter, story: Story, told: set[str]) -> Iterator[_Arrow]:
    """The calls of a chapter depth first; each returns after everything that it called."""
    head = chapter.lines[0].step
    yield from _delivered(chapter.wait, head)
    open_calls: list[tuple[int, _Arrow]] = []
    for line in chapter.lines:
        while open_calls and open_calls[-1][0] >= line.depth:
            yield open_calls.pop()[1]
        if _is_skipped(line):
            continue
        found = list(_call(line, story))
        correction = phrases.corrected(story, line.step.service)
        if correction and line.step.service not in told:
            told.add(line.step.service)
            place: Participant = ("service", line.step.service)
            yield _Arrow(place, "", place, correction)
        yield from found[:1]
        open_calls += [(line.depth, arrow) for arrow in found[1:]]
    yield from (arrow for _, arrow in reversed(open_calls))


def _delivered(wait: Wait | None, head: Step) -> Iterator[_Arrow]:
    """A message that waits in its topic, and comes to its consumer."""
    if wait is None or wait.topic is None:
        return
    topic: Participant = ("topic", wait.topic)
    yield _Arrow(topic, "", topic, f"waits {phrases.wait(wait)}")
    position = "" if head.offset is None else f" {head.partition}@{head.offset}"
    yield _Arrow(topic, "-)", ("service", head.service), f"{phrases.name(wait.topic, _WIDTH)}{position}")


def _call(line: Line, story: Story) -> Iterator[_Arrow]:
    """The arrow to a step, and the arrow back if it was called by another service."""
    step = line.step
    caller = None if step.cause is None else story.steps[step.cause].service
    own: Participant = ("service", step.service)
    error = phrases.error(step)
    what = f"{phrases.when(since_start(story, step))} {phrases.name(step.operation, _WIDTH)}"
    what += f" × {len(line.equal):,}" if line.equal else ""
    outcome = f"{phrases.took(line)}" + (f", {phrases.name(error, 80)}" if error else "")
    if step.kind == "producer" and step.topic is not None:
        arrow = "-x" if error else "-)"
        yield _Arrow(own, arrow, ("topic", step.topic), f"{what}, {outcome}", failing=bool(error))
    elif step.kind == "server" and caller != step.service and not step.by_message:
        source: Participant = (_entry_or_service(caller), caller or _CALLER)
        yield _Arrow(source, "->>", own, what)
        yield _Arrow(own, "--x" if error else "-->>", source, outcome, failing=bool(error))
    elif step.by_message:
        yield _Arrow(own, "", own, f"{what}, {outcome}", failing=bool(error))
    else:
        yield _Arrow(own, "-x" if error else "->>", own, f"{what}, {outcome}", failing=bool(error))


def _entry_or_service(caller: str | None) -> Kind:
    return "entry" if caller is None else "service"


def _is_skipped(line: Line) -> bool:
    """Whether a step is not drawn: work inside a service that went well."""
    return line.step.kind in _INTERNAL and line.step.status != "error" and line.depth > 0


def _skipped(chapters: list[ShownChapter]) -> int:
    return sum(line.stands_for for chapter in chapters for line in chapter.lines if _is_skipped(line))


def _participants(arrows: list[_Arrow]) -> tuple[list[Participant], int]:
    """The participants to draw, by their first arrow, and how many others share one.

    Those with errors come first, then those with the most arrows.
    """
    use: Counter[Participant] = Counter()
    for arrow in arrows:
        for participant in (arrow.source, arrow.target):
            use[participant] += 1_000_000 if arrow.failing else 1
    if len(use) <= _MAX_PARTICIPANTS:
        return list(use), 0
    busiest = {participant for participant, _ in use.most_common(_MAX_PARTICIPANTS - 1)}
    kept = [participant for participant in use if participant in busiest]
    return [*kept, ("service", _OTHERS)], len(use) - len(kept)


def _declared(number: str, participant: Participant) -> str:
    kind, text = participant
    shown = _safe(phrases.name(text, _WIDTH))
    if kind == "entry":
        return f"    actor {number} as {shown}"
    return f"    participant {number} as {'⇶ ' if kind == 'topic' else ''}{shown}"


def _statement(arrow: _Arrow, ids: dict[Participant, str], other: str) -> str | None:
    """A statement; None between participants that are not drawn."""
    if arrow.source not in ids and arrow.target not in ids:
        return None
    source, target = ids.get(arrow.source, other), ids.get(arrow.target, other)
    if not arrow.arrow:
        return f"    Note over {source}: {_safe(arrow.text)}"
    return f"    {source}{arrow.arrow}{target}: {_safe(arrow.text)}"


def _all(ids: dict[Participant, str]) -> str:
    names = list(ids.values())
    return names[0] if len(names) == 1 else f"{names[0]},{names[-1]}"


def _left_out(hidden: int, internal: int, merged: int) -> str:
    parts = [
        f"{phrases.count(hidden, 'more step')}" if hidden else "",
        f"{phrases.count(internal, 'internal step')}" if internal else "",
        f"the calls among {merged:,} other participants" if merged else "",
    ]
    found = [part for part in parts if part]
    return f"Not drawn: {', '.join(found)}" if found else ""


def _safe(text: str) -> str:
    """A text that Mermaid shows as it is."""
    return _UNSAFE.sub(lambda found: "".join(f"#{ord(sign)};" for sign in found[0]) or "#8203;", text)
