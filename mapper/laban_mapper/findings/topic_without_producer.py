"""L021: messages from a producer that sends no spans."""

from collections.abc import Iterator
from typing import Final

from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, System
from laban_mapper.names import counted, listed


def _find(system: System) -> Iterator[Found]:
    topics = {node.id: node.name for node in system.map.nodes if node.kind == "topic"}
    groups = {node.id: node.name for node in system.map.nodes if node.kind == "group"}
    published = {edge.target for edge in system.map.edges if edge.target in topics}
    nameless = _nameless(system)
    for topic, name in topics.items():
        consumed = [edge for edge in system.map.edges if edge.source == topic and edge.calls]
        if topic in published or not consumed:
            continue
        calls = sum(edge.calls for edge in consumed)
        readers = listed([groups.get(edge.target, edge.target) for edge in consumed])
        yield Found(
            place=f"topic {name}",
            sentence=f"{readers} consumed {counted(calls, 'message')} of {name}, but no span shows who "
            "published" + (f"; {listed(nameless)} published without naming a topic" if nameless else ""),
            numbers={"messages": calls},
            traces=proofs(trace for trace in system.traces if trace.root.topic == name),
            advice=_NAME if nameless else None,
        )


def _nameless(system: System) -> list[str]:
    """The services with messages to something that is no topic, because their spans do not name it."""
    kinds = {node.id: node.kind for node in system.map.nodes}
    names = {node.id: node.name for node in system.map.nodes if node.kind == "service"}
    sources = [
        edge.source
        for edge in system.map.edges
        if edge.kind == "async" and edge.source in names and kinds.get(edge.target) == "external"
    ]
    return [names[source] for source in dict.fromkeys(sources)]


_NAME: Final = (
    "If one of these services is the publisher, let its spans name the topic (`messaging.destination.name`). "
    "Otherwise trace the service that publishes; if it belongs to somebody else, ignore this finding."
)


RULE = Rule(
    code="L021",
    name="topic-without-producer",
    severity="info",
    why="What happened before these messages is invisible: stories begin in the middle.",
    advice="Trace the service that publishes to the topic; if it belongs to somebody else, ignore this "
    "finding.",
    find=_find,
    compares="The topics of the map that were consumed with those that a traced service published to.",
    example="billing consumed 40 messages of payments, but no span shows who published",
)
