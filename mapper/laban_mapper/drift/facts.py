"""A choreography as a set of facts, each of which can be new or gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from laban_mapper.drift.naming import ENTRY, in_words
from laban_mapper.model_drift import Choreography, SeenTopic

FactKind = Literal["service", "call", "operation", "publisher", "consumer", "worker", "event"]
NO_GROUP: Final = ""
"""The group of consumers without one."""
NO_VERSION: Final = ""
NO_TYPE: Final = ""


class Fact(NamedTuple):
    """Something that is, or is not, part of a choreography.

    Attributes:
        kind: what it is.
        parts: `service`: its name. `call`: caller, callee, `sync` or `async`, protocol. `operation`: caller,
            callee, protocol, operation. `publisher`: topic, service. `consumer`: topic, group; without a
            group also the service. `worker`: topic, group, service. `event`: topic, type, version.
    """

    kind: FactKind
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """How often a fact was seen, and traces that show it."""

    calls: int
    traces: tuple[str, ...] = ()


def facts_of(choreography: Choreography) -> dict[Fact, Seen]:
    """Everything that a choreography says. Operations and events are absent where spans do not tell them."""
    facts: dict[Fact, Seen] = {}
    for service in choreography.services:
        facts[Fact("service", (service.name,))] = Seen(service.calls, tuple(service.traces))
    for call in choreography.calls:
        ends = (call.source, call.target)
        facts[Fact("call", (*ends, call.kind, call.protocol))] = Seen(call.calls, tuple(call.traces))
        for operation in call.operations:
            fact = Fact("operation", (*ends, call.protocol, operation.name))
            facts[fact] = Seen(operation.calls, tuple(operation.traces))
    for topic in choreography.topics:
        facts.update(_of_topic(topic))
    return facts


def _of_topic(topic: SeenTopic) -> Iterator[tuple[Fact, Seen]]:
    for publisher in topic.publishers:
        yield Fact("publisher", (topic.name, publisher.name)), Seen(publisher.calls, tuple(publisher.traces))
    for group in topic.groups:
        if group.group is not None:
            yield Fact("consumer", (topic.name, group.group)), Seen(group.calls, tuple(group.traces))
        for worker in group.services:
            seen = Seen(worker.calls, tuple(worker.traces))
            if group.group is None:
                yield Fact("consumer", (topic.name, NO_GROUP, worker.name)), seen
            else:
                yield Fact("worker", (topic.name, group.group, worker.name)), seen
    for event in topic.events:
        parts = (topic.name, event.type or NO_TYPE, event.version or NO_VERSION)
        yield Fact("event", parts), Seen(event.calls, tuple(event.traces))


def place_of(fact: Fact) -> str:
    """Where a fact is, for people, the same in each run: `order → inventory`, `topic orders, group email`."""
    parts = fact.parts
    match fact.kind:
        case "service":
            return f"service {parts[0]}"
        case "call":
            return path(parts[0], parts[1])
        case "operation":
            return f"{path(parts[0], parts[1])}, {parts[3]}"
        case "publisher":
            return f"{in_words(parts[1])} → topic {parts[0]}"
        case "consumer":
            who = f"group {parts[1]}" if parts[1] != NO_GROUP else in_words(parts[2])
            return f"topic {parts[0]}, {who}"
        case "worker":
            return f"topic {parts[0]}, group {parts[1]}"
        case "event":
            return f"topic {parts[0]}, event {parts[1] or 'of an unknown type'}"


def path(source: str, target: str) -> str:
    """A call for people: `order → inventory`, `clients → order`."""
    return f"{'clients' if source == ENTRY else in_words(source)} → {in_words(target)}"
