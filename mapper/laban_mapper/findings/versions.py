"""The versions of each event type on the edges of a topic, for the rules about them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from laban_collector.store.rows import OTHER_CONTRACTS
from laban_mapper.contracts import version_name
from laban_mapper.findings.facts import MOST_PROOFS, System
from laban_mapper.model import Contract, Edge

_IN_TYPE: Final = re.compile(r"(?P<kind>.*[^._/:-])[._/:-]?v(?P<version>\d+(?:\.\d+)*)", re.IGNORECASE)
"""CloudEvents advises to put the version into the type: `com.example.order.created.v2`."""


@dataclass(frozen=True, slots=True)
class Version:
    """The messages of one version of an event type on one or more edges."""

    event_type: str | None
    version: str
    calls: int
    errors: int
    first: datetime
    last: datetime
    says: tuple[str | None, str | None]
    """The event type and the version as the messages have them."""

    @property
    def name(self) -> str:
        """The version alone, for people."""
        return version_name(self.version)


def versions_of(edges: Sequence[Edge]) -> list[list[Version]]:
    """The versions of each event type that has several on these edges, the oldest first."""
    found: dict[str | None, dict[str, Version]] = {}
    for contract in (contract for edge in edges for contract in edge.contracts):
        kind, version = _split(contract)
        if version is not None:
            of_type = found.setdefault(kind, {})
            of_type[version] = _added(of_type.get(version), contract, kind, version)
    return [
        sorted(of_type.values(), key=lambda one: (one.first, one.version))
        for _, of_type in sorted(found.items(), key=lambda item: item[0] or "")
        if len(of_type) > 1
    ]


def traces_with(system: System, topic: str, versions: Sequence[Version]) -> Iterator[str]:
    """The ids of sampled traces that published messages of these versions, one version after the other."""
    wanted = {one.says for one in versions}
    for says in sorted(wanted, key=str):
        ids = [
            trace.trace_id
            for trace in system.traces
            for published in trace.messages
            if published.message.topic == topic
            and (published.message.event_type, published.message.version) == says
        ]
        yield from list(dict.fromkeys(ids))[: MOST_PROOFS // len(wanted) or 1]


def _split(contract: Contract) -> tuple[str | None, str | None]:
    kind = contract.event_type
    if kind is None or contract.version is not None or kind == OTHER_CONTRACTS:
        return kind, contract.version
    inside = _IN_TYPE.fullmatch(kind)
    return (inside["kind"], inside["version"]) if inside else (kind, None)


def _added(known: Version | None, contract: Contract, kind: str | None, version: str) -> Version:
    return Version(
        kind,
        version,
        contract.calls + (known.calls if known else 0),
        contract.errors + (known.errors if known else 0),
        min(contract.first, known.first) if known else contract.first,
        max(contract.last, known.last) if known else contract.last,
        (contract.event_type, contract.version),
    )
