"""How healthy the nodes and edges of the map are, in one word each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from laban_dashboard.presentation import formatting
from laban_mapper.model import Edge, GroupLag, LagStatus, Node

Health = Literal["stopped", "failing", "behind", "flawed", "good"]
"""The worst first. `flawed`: a few errors."""

FEWEST: Final = 5
"""Calls without which a share of errors tells nothing."""
MANY_ERRORS: Final = 0.05
"""The share of failed calls from which on something fails."""
_OF_STATUS: Final[dict[LagStatus, Health]] = {
    "STOP": "stopped",
    "STALL": "stopped",
    "WARN": "behind",
    "REWIND": "behind",
    "OK": "good",
}
_WORDS: Final[dict[LagStatus, str]] = {
    "STOP": "STOPPED",
    "STALL": "STUCK",
    "WARN": "slow",
    "REWIND": "set back",
}


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """The health of a node, and a note for the picture in short lines; the note is empty if all is well."""

    health: Health
    note: str = ""


def edge_health(edge: Edge) -> Health:
    """Return the health of an edge, by the share of its failed calls."""
    if edge.calls >= FEWEST and edge.errors >= MANY_ERRORS * edge.calls:
        return "failing"
    return "flawed" if edge.errors else "good"


def health_of_nodes(
    nodes: Iterable[Node], edges: Iterable[Edge], lag: Iterable[GroupLag]
) -> dict[str, NodeHealth]:
    """Return the health of each node: of a group by its lag, of others by the calls and messages they get."""
    groups = {group.group: group for group in lag}
    incoming: dict[str, list[Edge]] = {}
    for edge in edges:
        incoming.setdefault(edge.target, []).append(edge)
    return {
        node.id: _of_group(node, groups) if node.kind == "group" else _of_calls(incoming.get(node.id, ()))
        for node in nodes
    }


def _of_group(node: Node, groups: Mapping[str, GroupLag]) -> NodeHealth:
    known = groups.get(node.name)
    messages = node.lag_messages if known is None else known.messages
    status = node.lag_status if known is None else known.status
    word = "" if status is None else _WORDS.get(status, "")
    behind = f"{messages:,} behind" if messages else ""
    note = "\n".join(part for part in (word, behind) if part)
    return NodeHealth("good" if status is None else _OF_STATUS[status], note)


def _of_calls(edges: Iterable[Edge]) -> NodeHealth:
    calls = errors = 0
    worst: Health = "good"
    for edge in edges:
        calls, errors = calls + edge.calls, errors + edge.errors
        found = edge_health(edge)
        worst = found if found == "failing" or worst == "good" else worst
    if worst != "failing":
        return NodeHealth(worst)
    return NodeHealth(worst, f"{formatting.percentage(errors, calls)} failing")
