"""The topics of a graph as an AsyncAPI 3.0 document: channels, operations, groups and message versions.

https://www.asyncapi.com/docs/reference/specification/v3.0.0. The document describes the one service that the
graph is about, or all together, with the service of an operation as its tag. Spans do not tell what a message
contains, so messages have no payload.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import Final, NamedTuple

from laban_mapper.contracts import contract_name
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.identifiers import KEYS, identifiers
from laban_mapper.diagrams.wrapping import shown_name
from laban_mapper.diagrams.yaml_text import Value, to_yaml
from laban_mapper.model import Contract, Edge, Node
from laban_mapper.names import counted
from laban_mapper.printable import printable

_KAFKA: Final = "kafka"
_TITLE: Final = "Messages"


class _Operation(NamedTuple):
    """A service that sends to a topic or receives from it; None: its service or its group is unknown."""

    action: str
    topic: str
    service: str | None
    group: str | None
    protocol: str
    contracts: tuple[Contract, ...]

    def words(self) -> str:
        """The service, the action and the topic for people."""
        who = shown_name(self.service) if self.service else "an unknown service"
        group = f" in group {shown_name(self.group)}" if self.group else ""
        verb = "sends to" if self.action == "send" else "receives from"
        return f"{who} {verb} topic {shown_name(self.topic.partition(':')[2])}{group}"


def write(graph: Graph) -> bytes:
    """The document as YAML; the same graph gives the same bytes."""
    return to_yaml(document(graph)).encode()


def document(graph: Graph, only: str | None = None) -> Mapping[str, Value]:
    """The document.

    Args:
        graph: of which topics are described.
        only: the node ID of the one topic to describe.
    """
    topics = {
        node.id: node.name for node in graph.shown.nodes if node.kind == "topic" and only in (None, node.id)
    }
    operations = list(_operations(graph.shown.edges, graph.shown.nodes, topics))
    service = graph.service.partition(":")[2] if graph.service and not only else None
    if service is not None:
        operations = [one for one in operations if one.service == service]
        topics = {topic: name for topic, name in topics.items() if topic in {one.topic for one in operations}}
    channels = identifiers({topic: topic.partition(":")[2] for topic in topics}, KEYS)
    messages = _messages(operations, topics)
    names = _identifiers(messages)
    parts: dict[str, Value] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": service or (f"Topic {shown_name(topics[only])}" if only else graph.heading() or _TITLE),
            "version": f"{graph.shown.until.astimezone(UTC):%Y.%m.%d}",
            "description": " ".join([f"What ran: {graph.legend()}.", *([graph.note] if graph.note else [])]),
        },
        "channels": {
            channels[topic]: _channel(topic, name, operations, messages, names)
            for topic, name in topics.items()
        },
        "operations": _numbered(operations, channels, messages, names),
    }
    if messages:
        parts["components"] = {
            "messages": {names[key]: _message(one) for key, (_, one) in messages.items()},
        }
    return parts


def _operations(
    edges: Iterable[Edge], nodes: Iterable[Node], topics: Mapping[str, str]
) -> Iterator[_Operation]:
    """Every publisher, and every consumer with its group."""
    names = {node.id: _name(node) for node in nodes}
    known = list(edges)
    for edge in known:
        if edge.target in topics:
            yield _Operation(
                "send", edge.target, names.get(edge.source), None, edge.protocol, tuple(edge.contracts)
            )
        if edge.source not in topics:
            continue
        if not edge.target.startswith("group:"):
            yield _Operation(
                "receive", edge.source, names.get(edge.target), None, edge.protocol, tuple(edge.contracts)
            )
            continue
        group = edge.target.partition(":")[2]
        readers = [names.get(one.target) for one in known if one.source == edge.target] or [None]
        for reader in readers:
            yield _Operation("receive", edge.source, reader, group, edge.protocol, tuple(edge.contracts))


def _name(node: Node) -> str | None:
    return node.id.partition(":")[2] if node.kind == "service" else None


def _messages(operations: Iterable[_Operation], topics: Mapping[str, str]) -> dict[str, tuple[str, Contract]]:
    """The topic and the contract of each message, by a key of all three names."""
    found: dict[str, tuple[str, Contract]] = {}
    for one in operations:
        for contract in one.contracts:
            key = _key(one.topic, contract)
            if one.topic in topics and (key not in found or one.action == "send"):
                found[key] = (one.topic, contract)
    return dict(sorted(found.items()))


def _key(topic: str, contract: Contract) -> str:
    return _joined(topic.partition(":")[2], contract.event_type, contract.version)


def _joined(*parts: str | None) -> str:
    """A key of several names, which no other names have."""
    return json.dumps(parts)


def _identifiers(keys: Iterable[str]) -> dict[str, str]:
    return identifiers({key: "-".join(filter(None, json.loads(key))) for key in keys}, KEYS)


def _channel(
    topic: str,
    name: str,
    operations: Iterable[_Operation],
    messages: Mapping[str, tuple[str, Contract]],
    names: Mapping[str, str],
) -> Mapping[str, Value]:
    protocols = sorted({one.protocol for one in operations if one.topic == topic})
    found = [key for key, (of, _) in messages.items() if of == topic]
    parts: dict[str, Value] = {"address": topic.partition(":")[2], "title": shown_name(name)}
    if found:
        parts["messages"] = {names[key]: {"$ref": f"#/components/messages/{names[key]}"} for key in found}
    return parts | {"tags": [{"name": printable(protocol)} for protocol in protocols]}


def _message(contract: Contract) -> Mapping[str, Value]:
    parts: dict[str, Value] = {
        "title": contract_name(contract.event_type, contract.version),
        "summary": f"{counted(contract.calls, 'message')}, {contract.errors:,} failed.",
    }
    if contract.event_type is not None:
        parts["name"] = contract.event_type
    if contract.version is not None:
        parts["x-version"] = contract.version
    return parts


def _numbered(
    operations: Iterable[_Operation],
    channels: Mapping[str, str],
    messages: Mapping[str, tuple[str, Contract]],
    names: Mapping[str, str],
) -> Mapping[str, Value]:
    """The operations by identifiers of their service, action, topic and group."""
    keys = {_operation_key(one): one for one in operations}
    ids = _identifiers(keys)
    return {ids[key]: _operation(one, channels, messages, names) for key, one in sorted(keys.items())}


def _operation_key(one: _Operation) -> str:
    return _joined(one.service or "unknown", one.action, one.topic.partition(":")[2], one.group)


def _operation(
    one: _Operation,
    channels: Mapping[str, str],
    messages: Mapping[str, tuple[str, Contract]],
    names: Mapping[str, str],
) -> Mapping[str, Value]:
    channel = f"#/channels/{channels[one.topic]}"
    parts: dict[str, Value] = {"action": one.action, "channel": {"$ref": channel}, "title": one.words()}
    keys = sorted({_key(one.topic, contract) for contract in one.contracts})
    if keys:
        parts["messages"] = [{"$ref": f"{channel}/messages/{names[key]}"} for key in keys if key in messages]
    if one.service is not None:
        parts["tags"] = [{"name": one.service}]
    if one.group is not None:
        parts["x-group"] = one.group
        if one.protocol == _KAFKA:
            parts["bindings"] = {"kafka": {"groupId": {"type": "string", "enum": [one.group]}}}
    return parts
