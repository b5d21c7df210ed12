"""L027: messages that went to a dead letter topic."""

from collections.abc import Iterator

from laban_mapper.findings.evidence import messages, proofs
from laban_mapper.findings.facts import Found, Rule, System
from laban_mapper.names import counted, listed
from laban_mapper.story.messages import is_dead_letter


def _find(system: System) -> Iterator[Found]:
    names = {node.id: node.name for node in system.map.nodes}
    for node in system.map.nodes:
        if node.kind != "topic" or not is_dead_letter(node.name):
            continue
        published = [edge for edge in system.map.edges if edge.target == node.id and edge.calls]
        calls = sum(edge.calls for edge in published)
        if not calls:
            continue
        read = sum(edge.calls for edge in system.map.edges if edge.source == node.id)
        rest = "" if read >= calls else f"; nobody has read {calls - read:,} of them"
        yield Found(
            place=f"topic {node.name}",
            sentence=f"{listed([names[edge.source] for edge in published])} gave up on "
            f"{counted(calls, 'message')}, now in {node.name}{rest}",
            numbers={"messages": calls, "read": read},
            traces=proofs(sent.trace for sent in messages(system) if sent.topic == node.name),
        )


RULE = Rule(
    code="L027",
    name="dead-letters",
    severity="warning",
    why="Each dead letter is work that was accepted and not done; a dead letter topic that grows is a "
    "silent outage.",
    advice="Read why they failed in one of the traces, mend that, and publish the messages again.",
    find=_find,
    compares="The messages that went to topics with the name of a dead-letter topic, and how many of them "
    "were read.",
    example="mail gave up on 3 messages, now in orders.dlq; nobody has read 3 of them",
)
