"""Writes a choreography as YAML: sorted, without counts and times, so that a change of it can be reviewed.

YAML 1.2 in a form that YAML 1.1 reads the same way. Names come from spans of strangers: whatever is not
surely plain text is quoted, and what cannot be seen is escaped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from laban_mapper.model_drift import Choreography, SeenTopic
from laban_mapper.printable import printable

VERSION_KEY: Final = "laban-choreography"
UNTYPED: Final = "(unknown type)"
"""Stands for events whose type messages do not tell."""
_HEAD: Final = """\
# What ran, written by `laban choreography`. Commit it, and review its changes like code.
# `laban check` compares it with what runs. Names under `optional` may be absent; laban keeps them.
"""
_PLAIN: Final = re.compile(
    r"[A-Za-z/](?:[A-Za-z0-9_./{}*@+()~^$=-]|:(?=[^\s])|,(?=[^\s])| (?=[A-Za-z0-9/({]))*"
)
_WORDS: Final = frozenset(("yes", "no", "on", "off", "y", "n", "true", "false", "null"))
"""What YAML 1.1 does not take for text."""

Tree = Mapping[str, "Tree"] | Sequence[str]


def to_yaml(choreography: Choreography, optional: Sequence[str] = ()) -> str:
    """The text of the file; the same system always gives the same text.

    Args:
        choreography: what ran.
        optional: places that people marked in an earlier version of the file.
    """
    parts: dict[str, Tree] = {
        "services": [service.name for service in choreography.services],
        "calls": _calls(choreography, "sync"),
        "messages": _calls(choreography, "async"),
        "topics": {topic.name: _topic(topic) for topic in choreography.topics},
        "optional": sorted(set(optional)),
    }
    lines = [f"{VERSION_KEY}: {choreography.format}"]
    for name, tree in parts.items():
        if tree:
            lines += ["", *_lines({name: tree}, 0)]
    return _HEAD + "\n".join(lines) + "\n"


def _calls(choreography: Choreography, kind: str) -> dict[str, Tree]:
    """By caller, callee and protocol: the operations."""
    tree: dict[str, dict[str, dict[str, Tree]]] = {}
    for call in choreography.calls:
        if call.kind == kind:
            callee = tree.setdefault(call.source, {}).setdefault(call.target, {})
            callee[call.protocol] = sorted({operation.name for operation in call.operations})
    return dict(tree)


def _topic(topic: SeenTopic) -> dict[str, Tree]:
    groups = {group.group: [one.name for one in group.services] for group in topic.groups}
    events: dict[str, list[str]] = {}
    for event in topic.events:
        events.setdefault(event.type or UNTYPED, []).append(event.version or "")
    parts: dict[str, Tree] = {
        "protocols": topic.protocols,
        "publishers": [one.name for one in topic.publishers],
        "groups": {group: services for group, services in groups.items() if group is not None},
        "consumers": groups.get(None, []),
        # Without a version, the list is empty, unless other messages of this type have one.
        "events": {kind: _versions(found) for kind, found in sorted(events.items())},
    }
    return {name: tree for name, tree in parts.items() if tree}


def _versions(found: Sequence[str]) -> list[str]:
    versions = sorted(set(found))
    return [] if versions == [""] else versions


def _lines(tree: Tree, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if not isinstance(tree, Mapping):
        yield from (f"{indent}- {scalar(name)}" for name in tree)
        return
    for name, below in tree.items():
        if below:
            yield f"{indent}{scalar(name)}:"
            yield from _lines(below, depth + 1)
        else:
            yield f"{indent}{scalar(name)}: {'{}' if isinstance(below, Mapping) else '[]'}"


def scalar(text: str) -> str:
    """A text as YAML: plain if nobody can take it for anything else, or else in double quotes."""
    plain = _PLAIN.fullmatch(text) and len(text) <= 128 and text.lower() not in _WORDS
    return text if plain else f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character == " " or (character.isprintable() and printable(character) == character):
        return character
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return "\\uFFFD"  # half of a character: no text can contain it
    return f"\\x{code:02X}" if code < 256 else f"\\u{code:04X}" if code < 1 << 16 else f"\\U{code:08X}"
