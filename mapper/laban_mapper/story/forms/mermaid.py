"""A story as a Mermaid sequence diagram: services and topics as participants, calls, returns and messages."""

import re
from typing import Final

from laban_mapper.model import Story
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.sequence import NAME_WIDTH, Event, EventKind, Participant, sequence

_UNSAFE: Final = re.compile(r"[#;&<>`$]|%%+|^(?=\s*(?:no)?wrap:)")
"""What could end a statement, begin an entity, HTML, a formula or a directive (`%%{…}%%`)."""
_ARROWS: Final[dict[EventKind, tuple[str, str]]] = {
    "call": ("->>", "-x"),
    "return": ("-->>", "--x"),
    "message": ("-)", "-x"),
}
"""The arrow of what went well, and of what failed."""


def to_mermaid(story: Story) -> str:
    """The sequence diagram; it says what it leaves out."""
    found = sequence(story)
    lines = ["sequenceDiagram", f"    accTitle: {_safe(phrases.name(f'{story.key} {story.value}'))}"]
    ids = {participant: f"p{number}" for number, participant in enumerate(found.participants)}
    lines += [_declared(ids[participant], participant) for participant in found.participants]
    if ids:
        lines += [f"    Note over {_all(ids)}: {_safe(line)}" for line in _head(story)]
    lines += [_statement(event, ids) for event in found.events]
    if found.left_out and ids:
        lines.append(f"    Note over {_all(ids)}: {_safe(found.left_out)}")
    return "\n".join(lines) + "\n"


def _head(story: Story) -> list[str]:
    first = f"{phrases.OUTCOMES[story.outcome]}, {phrases.facts(story)[1]}"
    cause = story.causes[0].sentence if story.causes else ""
    if not cause and story.root_cause is not None:
        cause = f"{story.root_cause.service} {story.root_cause.operation}: {story.root_cause.error}"
    return [first, phrases.name(cause, 100)] if cause else [first]


def _declared(number: str, participant: Participant) -> str:
    kind, text = participant
    shown = _safe(phrases.name(text, NAME_WIDTH))
    if kind == "entry":
        return f"    actor {number} as {shown}"
    return f"    participant {number} as {'⇶ ' if kind == 'topic' else ''}{shown}"


def _statement(event: Event, ids: dict[Participant, str]) -> str:
    source, target = ids[event.source], ids[event.target]
    if event.kind == "note":
        return f"    Note over {target}: {_safe(event.text)}"
    return f"    {source}{_ARROWS[event.kind][event.failing]}{target}: {_safe(event.text)}"


def _all(ids: dict[Participant, str]) -> str:
    names = list(ids.values())
    return names[0] if len(names) == 1 else f"{names[0]},{names[-1]}"


def _safe(text: str) -> str:
    """A text that Mermaid shows as it is."""
    return _UNSAFE.sub(lambda found: "".join(f"#{ord(sign)};" for sign in found[0]) or "#8203;", text)
