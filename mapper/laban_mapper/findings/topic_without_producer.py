"""L021: messages from a producer that sends no spans."""

from collections.abc import Iterator

from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, System
from laban_mapper.names import counted, listed


def _find(system: System) -> Iterator[Found]:
    topics = {node.id: node.name for node in system.map.nodes if node.kind == "topic"}
    groups = {node.id: node.name for node in system.map.nodes if node.kind == "group"}
    published = {edge.target for edge in system.map.edges if edge.target in topics}
    for topic, name in topics.items():
        consumed = [edge for edge in system.map.edges if edge.source == topic and edge.calls]
        if topic in published or not consumed:
            continue
        calls = sum(edge.calls for edge in consumed)
        readers = listed([groups.get(edge.target, edge.target) for edge in consumed])
        yield Found(
            place=f"topic {name}",
            sentence=f"{readers} consumed {counted(calls, 'message')} of {name}, but no span shows who "
            "published",
            numbers={"messages": calls},
            traces=proofs(trace for trace in system.traces if trace.root.topic == name),
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
