"""L041: a consumer fails with a new version of an event, and did not with the one before."""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Final

from laban_mapper.contracts import contract_name
from laban_mapper.findings.facts import MOST_PROOFS, Found, Rule, System
from laban_mapper.findings.versions import Version, traces_with, versions_of

_Z: Final = 2.58
"""Of the interval of a share: 99 %."""
_LEAST_ERRORS: Final = 3


def _find(system: System) -> Iterator[Found]:
    names = {node.id: node.name for node in system.map.nodes}
    for edge in system.map.edges:
        if not edge.source.startswith("topic:"):
            continue
        for versions in versions_of([edge]):
            topic, consumer = names[edge.source], names[edge.target]
            for old, new in _breaks(versions, system.thresholds.fewest):
                name = contract_name(new.event_type, None)
                of, named = (f" of {name}", "version") if name else ("", "schema")
                yield Found(
                    place=f"{topic} → {consumer}, {contract_name(new.event_type, new.version)}",
                    sentence=f"{consumer} failed with {new.errors:,} of {new.calls:,} messages{of} in "
                    f"{named} {new.name}, first seen at {new.first:%Y-%m-%d %H:%M} UTC, "
                    f"and with {old.errors:,} of {old.calls:,} in {named} {old.name}",
                    numbers={
                        "errors": new.errors,
                        "messages": new.calls,
                        "errors_before": old.errors,
                        "messages_before": old.calls,
                    },
                    traces=list(traces_with(system, edge.source.removeprefix("topic:"), [new]))[:MOST_PROOFS],
                )


def _breaks(versions: Sequence[Version], fewest: int) -> Iterator[tuple[Version, Version]]:
    """(old, new) for each version that fails more often than the last one before it, beyond chance."""
    for at, new in enumerate(versions):
        before = [one for one in versions[:at] if one.first < new.first and one.calls >= fewest]
        if before and new.errors >= _LEAST_ERRORS:
            old = before[-1]
            if _interval(new)[0] > _interval(old)[1]:
                yield old, new


def _interval(version: Version) -> tuple[float, float]:
    """The interval of the share of failures (Wilson's)."""
    n, share = version.calls, version.errors / version.calls
    centre = share + _Z**2 / (2 * n)
    spread = _Z * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return (centre - spread) / (1 + _Z**2 / n), (centre + spread) / (1 + _Z**2 / n)


RULE = Rule(
    code="L041",
    name="new-version-fails",
    severity="error",
    why="A publisher changed what it promised: messages that the consumer accepted before now fail in it.",
    advice="Publish the version before again until the consumer understands the new one; then repeat the "
    "failed messages.",
    find=_find,
    compares="The share of a group's messages that failed in a new version of an event with that in the "
    "version before, with 99 % certainty; the version before needs `fewest` messages.",
    thresholds=("fewest",),
    example="mail failed with 18 of 20 messages of order.created in version 2, first seen at 2026-01-02 "
    "12:00 UTC, and with 0 of 300 in version 1",
)
