"""Compares an AsyncAPI 3 document of one service with what it sent and received.

https://www.asyncapi.com/docs/reference/specification/v3.0.0: an operation has the action `send` or `receive`,
from the view of the described application, and a channel; the address of the channel is the topic.
"""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import yaml

from laban_mapper.drift.documents.common import document_node, pattern_of, resolved, service_of
from laban_mapper.drift.drifts import Drift
from laban_mapper.drift.facts import NO_GROUP, Fact, Seen, facts_of
from laban_mapper.drift.kinds import KINDS
from laban_mapper.drift.naming import in_words
from laban_mapper.drift.traffic import Traffic, telling
from laban_mapper.drift.wording import absence, numbers_of, times
from laban_mapper.drift.yaml_nodes import Document, line_of, shown, top
from laban_mapper.model_drift import Choreography

Action = Literal["send", "receive", "use"]
_VERBS: Final[dict[str, str]] = {"send": "sends to", "receive": "receives from", "use": "uses"}


class _Declared(NamedTuple):
    """An operation of the document; `use` for a channel of a document without operations."""

    action: str
    address: str
    line: int


class _Done(NamedTuple):
    """What the service did with a topic."""

    action: str
    topic: str
    seen: Seen


def check_asyncapi(
    document: Document,
    ran: Choreography,
    before: Choreography | None,
    *,
    complete: bool,
    service: str | None,
) -> list[Drift]:
    """Everything in which the document and the service differ.

    Raises:
        BadDocument: the document says something without a meaning.
        UnknownService: the service was not seen.
    """
    name = service_of(document, ran, service)
    declared = list(_declared(document))
    done = list(_done(facts_of(ran), name))
    drifts = [_undeclared(name, one) for one in done if not any(_covers(each, one) for each in declared)]
    traffic = Traffic(facts_of(ran))
    earlier = None if before is None else Traffic(facts_of(before))
    for one in declared:
        if any(_covers(one, each) for each in done):
            continue
        fact = _fact(name, one)
        told = telling(fact, traffic, earlier, complete=complete)
        place = f"{in_words(name)} {_VERBS[one.action]} topic {one.address}"
        what = f"The document says that {place}"
        drifts.append(
            Drift(
                "unobserved" if told.enough else "too-little-traffic",
                place,
                f"{what}: {absence(fact, told)}.",
                _proof(ran, name) if told.enough else (),
                one.line,
                numbers_of(told),
            )
        )
    return sorted(drifts, key=lambda drift: (KINDS.index(drift.kind), drift.place))


def _declared(document: Document) -> Iterator[_Declared]:
    parts = top(document.root)
    channels = parts.get("channels")
    operations = parts.get("operations")
    if operations is None:
        for name, line, node in document.entries(channels, "channels") if channels is not None else ():
            yield from _of_channel(document, "use", name, node, line)
        return
    for name, line, node in document.entries(operations, "operations"):
        if name.startswith("x-"):
            continue
        operation = top(resolved(document, node))
        if "action" not in operation or "channel" not in operation:
            raise document.error(line, f"operation {shown(name)} needs an action and a channel.")
        action = document.text(operation["action"], "action")
        if action not in ("send", "receive"):
            at = line_of(operation["action"])
            raise document.error(at, f"action {shown(action)} is neither send nor receive.")
        channel = operation["channel"]
        reference = top(channel).get("$ref")
        pointer = "" if reference is None else document.text(reference, "$ref")
        found = channel if reference is None else document_node(document, pointer, line_of(reference))
        yield from _of_channel(document, action, pointer.rpartition("/")[2] or name, found, line)


def _of_channel(
    document: Document, action: str, name: str, node: yaml.Node, line: int
) -> Iterator[_Declared]:
    """The channel with its address; one without an address is known by its name."""
    address = top(resolved(document, node)).get("address")
    text = "" if address is None else document.text(address, "address")
    yield _Declared(action, name if text in ("", "null", "~") else text, line)


def _done(facts: dict[Fact, Seen], service: str) -> Iterator[_Done]:
    received: dict[str, Seen] = {}
    for fact, seen in facts.items():
        parts = fact.parts
        if fact.kind == "publisher" and parts[1] == service:
            yield _Done("send", parts[0], seen)
        elif parts[-1] == service and (
            fact.kind == "worker" or (fact.kind == "consumer" and parts[1] == NO_GROUP)
        ):
            received[parts[0]] = seen
    for topic, seen in received.items():
        yield _Done("receive", topic, seen)


def _covers(declared: _Declared, done: _Done) -> bool:
    if declared.action not in ("use", done.action):
        return False
    return pattern_of(declared.address).fullmatch(done.topic) is not None


def _undeclared(service: str, done: _Done) -> Drift:
    place = f"{in_words(service)} {_VERBS[done.action]} topic {done.topic}"
    sentence = f"{place}, {times(done.seen.calls)}; the document does not say so."
    return Drift("undeclared", place, sentence, done.seen.traces, None, {"messages": done.seen.calls})


def _fact(service: str, declared: _Declared) -> Fact:
    if declared.action == "receive":
        return Fact("worker", (declared.address, NO_GROUP, service))
    return Fact("publisher", (declared.address, service))


def _proof(ran: Choreography, service: str) -> list[str]:
    return next((one.traces for one in ran.services if one.name == service), [])
