"""What the messages of an edge are: event types and versions, for the map and for people."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from laban_collector.store.rows import OTHER_CONTRACTS, ContractRow
from laban_mapper.model import Contract, Edge
from laban_mapper.names import shortened
from laban_mapper.printable import printable
from laban_mapper.times import utc_time

MOST_SHOWN: Final = 3
"""Event types on an arrow, or below an edge."""
_TOPIC: Final = "topic:"
_TYPE_WIDTH: Final = 40
_VERSION_WIDTH: Final = 24
_SHOWN_VERSIONS: Final = 3
_HOST: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*/", re.IGNORECASE)


def contracts_of(rows: Iterable[ContractRow]) -> list[Contract]:
    """The contracts of an edge, as the map has them."""
    return [
        Contract(
            event_type=row.event_type,
            version=row.version,
            calls=row.calls,
            errors=row.errors,
            first=utc_time(row.first),
            last=utc_time(row.last),
        )
        for row in rows
    ]


def contract_name(event_type: str | None, version: str | None) -> str:
    """An event type and a version for people: `OrderCreated (2)`; empty if both are unknown."""
    kind = "" if event_type is None else shortened(printable(event_type), _TYPE_WIDTH)
    if version is None:
        return kind
    return f"{kind} ({version_name(version)})" if kind else f"schema {version_name(version)}"


def labels(contracts: Sequence[Contract], most: int = MOST_SHOWN) -> list[str]:
    """A line for each event type, with its versions; of more than `most`, the last line says how many more.

    Args:
        contracts: the most frequent first.
        most: how many event types.
    """
    versions: dict[str | None, list[str]] = {}
    for one in contracts:
        of_type = versions.setdefault(one.event_type, [])
        if one.version is not None:
            of_type.append(one.version)
    others = versions.pop(OTHER_CONTRACTS, None)
    lines = [_label(kind, of_type) for kind, of_type in versions.items()]
    left = len(lines) - most
    if left > 0 or others is not None:
        lines = [*lines[:most], "more event types" if others is not None else f"{left} more"]
    return lines


def published(edges: Iterable[Edge]) -> dict[str, list[str]]:
    """The labels of what is published to each topic, by its node ID."""
    found: dict[str, list[str]] = {}
    for edge in edges:
        if edge.target.startswith(_TOPIC):
            found.setdefault(edge.target, []).extend(labels(edge.contracts))
    return found


def edge_labels(edge: Edge, of_topics: Mapping[str, Sequence[str]]) -> list[str]:
    """The labels of an edge that leads to a topic, or from one if something else is consumed than published.

    Args:
        edge: an edge.
        of_topics: what is published to each topic.
    """
    if edge.target.startswith(_TOPIC):
        return labels(edge.contracts)
    lines = labels(edge.contracts) if edge.source.startswith(_TOPIC) else []
    return [] if set(lines) <= set(of_topics.get(edge.source, ())) else lines


def _label(event_type: str | None, versions: Sequence[str]) -> str:
    names = list(dict.fromkeys(map(version_name, sorted(versions))))
    shown = ", ".join([*names[:_SHOWN_VERSIONS], *(["…"] if len(names) > _SHOWN_VERSIONS else [])])
    kind = "" if event_type is None else shortened(printable(event_type), _TYPE_WIDTH)
    if not shown:
        return kind
    return f"{kind} ({shown})" if kind else f"schema {shown}"


def version_name(version: str) -> str:
    """A version for people: of a URL, what follows its host."""
    return shortened(_HOST.sub("", printable(version), count=1) or version, _VERSION_WIDTH)
