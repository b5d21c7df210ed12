"""The What-if page's changes: how the URL has them, what can be changed, and what is suggested."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from laban_mapper.model import Edge, ServiceMap
from laban_mapper.whatif.changes import ChangeTexts

_UNIT: Final = re.compile(r"^([\d.]+)([a-z]+)$")
Kind = Literal["down", "slow", "async", "timeout", "retries"]


@dataclass(frozen=True, slots=True)
class ChangeKind:
    """One kind of change.

    Attributes:
        label: how people call it.
        of_nodes: whether a service, database or host can be changed in this way.
        of_edges: whether a call can.
        value: what to enter, besides the place; None: nothing.
        example: of the value.
        words: the change in words, with `{place}` and `{value}`.
    """

    label: str
    of_nodes: bool = False
    of_edges: bool = False
    value: str | None = None
    example: str = ""
    words: str = "{place}"


KINDS: Final[dict[Kind, ChangeKind]] = {
    "down": ChangeKind("does not answer", of_nodes=True, words="{place} does not answer"),
    "slow": ChangeKind(
        "takes longer", True, True, "Longer by", "500ms", words="{place} takes {value} longer"
    ),
    "async": ChangeKind("becomes a message", of_edges=True, words="{place} becomes a message"),
    "timeout": ChangeKind(
        "waits no longer than", False, True, "Timeout", "300ms", words="{place}: the caller waits {value}"
    ),
    "retries": ChangeKind(
        "is tried again", False, True, "Up to times", "2", words="{place} is tried again up to {value} times"
    ),
}


def texts_of(given: Mapping[Kind, Sequence[str]]) -> ChangeTexts:
    """The changes that the URL has, as a question."""
    down, slow, turned, timeouts, retries = (tuple(given.get(kind, ())) for kind in KINDS)
    return ChangeTexts(down, slow, turned, timeouts, retries)


def change_text(kind: Kind, place: str, value: str) -> str:
    """A change as the URL has it: `pricing=500ms`."""
    return place if KINDS[kind].value is None else f"{place}={value.strip() or KINDS[kind].example}"


def in_words(kind: Kind, text: str) -> str:
    """A change of the URL for people."""
    if KINDS[kind].value is None:
        return KINDS[kind].words.format_map({"place": text})
    place, _, value = text.rpartition("=")
    return KINDS[kind].words.format_map({"place": place, "value": _UNIT.sub(r"\1 \2", value)})


def places(found: ServiceMap, kind: Kind) -> list[str]:
    """What can be changed in this way, the most used first."""
    names = {node.id: node.name for node in found.nodes}
    kinds = {node.id: node.kind for node in found.nodes}
    calls = [edge for edge in _busiest(found) if edge.kind == "sync" and kinds[edge.source] == "service"]
    if kind == "async" or kind == "retries":
        calls = [edge for edge in calls if kinds[edge.target] == "service"]
    edges = [f"{names[edge.source]}→{names[edge.target]}" for edge in calls]
    called = [edge.target for edge in _busiest(found)] + [node.id for node in found.nodes]
    nodes = [names[one] for one in called if kinds[one] in ("service", "database", "external")]
    chosen = (nodes if KINDS[kind].of_nodes else []) + (edges if KINDS[kind].of_edges else [])
    return list(dict.fromkeys(chosen))


def suggestions(found: ServiceMap) -> list[tuple[Kind, str]]:
    """A few changes to begin with: the busiest call, and what it calls."""
    down, slow = places(found, "down")[:1], places(found, "timeout")[:1]
    return [
        *(("down", place) for place in down),
        *(("slow", change_text("slow", place, "500ms")) for place in down),
        *(("slow", change_text("slow", place, "500ms")) for place in slow),
    ]


def _busiest(found: ServiceMap) -> list[Edge]:
    return sorted(found.edges, key=lambda edge: (-edge.calls, edge.source, edge.target))
