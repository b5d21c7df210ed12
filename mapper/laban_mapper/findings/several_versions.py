"""L040: several versions of one event type on a topic at once."""

from collections.abc import Iterator

from laban_mapper.contracts import contract_name
from laban_mapper.findings.facts import MOST_PROOFS, Found, Rule, System
from laban_mapper.findings.versions import Version, traces_with, versions_of
from laban_mapper.names import listed


def _find(system: System) -> Iterator[Found]:
    names = {node.id: node.name for node in system.map.nodes}
    for topic, name in names.items():
        edges = (
            [edge for edge in system.map.edges if edge.target == topic] if topic.startswith("topic:") else []
        )
        for versions in versions_of(edges):
            at_once = _at_once(versions)
            if len(at_once) < 2:
                continue
            kind = at_once[0].event_type
            said = {one.says for one in at_once}
            publishers = [
                names.get(edge.source, edge.source)
                for edge in edges
                if any((one.event_type, one.version) in said for one in edge.contracts)
            ]
            what = f"versions of {contract_name(kind, None)}" if kind else "schemas"
            counts = [f"{one.name} ({one.calls:,})" for one in at_once]
            yield Found(
                place=f"topic {name}" + (f", {contract_name(kind, None)}" if kind else ""),
                sentence=f"{name} carries {len(at_once)} {what} at once: "
                f"{listed(counts)}, published by {listed(publishers)}",
                numbers={"versions": len(at_once), "messages": sum(one.calls for one in at_once)},
                traces=list(traces_with(system, topic.removeprefix("topic:"), at_once))[:MOST_PROOFS],
                # Two schemas of messages without a type may be two types.
                severity="warning" if kind else "info",
            )


def _at_once(versions: list[Version]) -> list[Version]:
    """The versions that were published while another one was: their times overlap by more than a minute."""
    return [
        one
        for one in versions
        if any(
            max(one.first, other.first) < min(one.last, other.last) for other in versions if other is not one
        )
    ]


RULE = Rule(
    code="L040",
    name="several-versions",
    severity="warning",
    why="Every consumer has to understand each version that is published; one that does not will fail, or "
    "lose data silently.",
    advice="Bring all publishers to the newest version, once every consumer understands it; if the old one "
    "must stay, give it a topic of its own.",
    find=_find,
    compares="The versions of an event type that were published to a topic at times that overlap by more "
    "than a minute, as far as headers or payloads name them (CloudEvents, schema ids).",
    example="orders carries 2 versions of order.created at once: 1 (120) and 2 (80), published by order and "
    "web",
)
