"""L020: messages that no group consumes."""

from collections.abc import Iterator

from laban_mapper.findings.evidence import messages, proofs
from laban_mapper.findings.facts import Found, Rule, System
from laban_mapper.names import counted
from laban_mapper.story.messages import is_dead_letter


def _find(system: System) -> Iterator[Found]:
    topics = {node.id: node.name for node in system.map.nodes if node.kind == "topic"}
    consumed = {edge.source for edge in system.map.edges if edge.source in topics}
    for topic, name in topics.items():
        published = [edge for edge in system.map.edges if edge.target == topic and edge.calls]
        if topic in consumed or not published or is_dead_letter(name):
            continue
        calls = sum(edge.calls for edge in published)
        # Only Kafka's groups commit offsets that show consumers without spans.
        known = bool(system.lag.groups) and all(edge.protocol == "kafka" for edge in published)
        who = "no consumer group reads it" if known else "no consumer of it is known"
        yield Found(
            place=f"topic {name}",
            sentence=f"{counted(calls, 'message')} went to {name}, but {who}",
            numbers={"messages": calls},
            traces=proofs(sent.trace for sent in messages(system) if sent.topic == name),
            severity="warning" if known else "info",
        )


RULE = Rule(
    code="L020",
    name="topic-without-consumer",
    severity="warning",
    why="Somebody publishes what nobody acts on: either a consumer is missing, or the topic is not needed.",
    advice="Start or trace the consumer that should react, or stop publishing to the topic.",
    find=_find,
    compares="The topics of the map that messages went to with the groups that consumed them, and with "
    "those that commit offsets. It is a warning if the offsets of Kafka were polled: without them, a "
    "consumer may only be untraced.",
    example="120 messages went to audit, but no consumer group reads it",
)
