"""L026: messages that no group can read."""

from collections.abc import Iterator

from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import counted, listed
from laban_mapper.story.poison_messages import Poison, poison_of


def _find(system: System) -> Iterator[Found]:
    found: dict[tuple[str, str], list[tuple[SampledTrace, Poison]]] = {}
    sent: dict[tuple[str, str], int] = {}
    for trace in system.traces:
        for published in trace.messages:
            place = (published.message.service, published.message.topic)
            sent[place] = sent.get(place, 0) + 1
        for poison in poison_of(trace.messages, trace.causality):
            message = poison.published.message
            found.setdefault((message.service, message.topic), []).append((trace, poison))
    for (service, topic), messages in sorted(found.items()):
        groups = [state.group for _, one in messages for state in one.published.message.groups]
        error = next(
            (state.error for _, one in messages for state in one.published.message.groups if state.error),
            None,
        )
        yield Found(
            place=f"{service} → topic {topic}",
            sentence=f"{service} published {counted(len(messages), 'message')} of {sent[service, topic]:,} "
            "sampled "
            f"to {topic} that {listed(sorted(groups))} could not read{f' ({error})' if error else ''}",
            numbers={"messages": len(messages), "of": sent[service, topic]},
            traces=proofs(trace for trace, _ in messages),
        )


RULE = Rule(
    code="L026",
    name="poison-messages",
    severity="warning",
    why="A message that nobody can read blocks its partition, or is retried for nothing.",
    advice="Validate messages before they are published (a schema registry does), and let consumers move "
    "unreadable ones to a dead letter topic.",
    find=_find,
    compares="The sampled messages that every group that tried could not read, while the groups read others "
    "of the topic.",
    example="order published 2 messages of 50 sampled to orders that mail could not read (JSONDecodeError)",
)
