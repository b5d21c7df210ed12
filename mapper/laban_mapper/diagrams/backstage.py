"""A graph as entities of Backstage's catalog: systems, components, APIs and resources, with their relations.

https://backstage.io/docs/features/software-catalog/descriptor-format. Namespaces are systems, services are
components, topics are APIs with an AsyncAPI document and resources; databases and callees without spans are
resources.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from laban_mapper.diagrams import asyncapi
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.identifiers import NAMES, identifiers, node_identifiers
from laban_mapper.diagrams.wrapping import shown_name
from laban_mapper.diagrams.yaml_text import Value, to_yaml
from laban_mapper.model import Edge, Node, NodeKind

_VERSION: Final = "backstage.io/v1alpha1"
_UNKNOWN: Final = "unknown"
_HEAD: Final = (
    "# What ran, written by `laban diagram`. Spans do not tell owners and lifecycles: replace `unknown`.\n"
)
_RESOURCES: Final[dict[NodeKind, str]] = {
    "topic": "topic",
    "database": "database",
    "external": "external-service",
}


def write(graph: Graph) -> bytes:
    """All entities, one YAML document each; the same graph gives the same bytes."""
    return (_HEAD + "".join(f"---\n{to_yaml(one)}" for one in entities(graph))).encode()


def entities(graph: Graph) -> Iterator[Mapping[str, Value]]:
    """The entities: systems, components, APIs and resources."""
    nodes = sorted(graph.shown.nodes, key=lambda node: node.id)
    systems = identifiers({node.namespace: node.namespace for node in nodes if node.namespace}, NAMES)
    names = _names(nodes)
    for namespace in sorted(systems):
        yield _entity("System", systems[namespace], namespace, {"owner": _UNKNOWN})
    relations = _Relations(graph.shown.edges, names)
    for node in nodes:
        if node.kind == "service":
            system = {"system": systems[node.namespace]} if node.namespace else {}
            yield _component(node, names[node.id], relations, system)
        elif node.kind == "topic":
            definition = to_yaml(asyncapi.document(graph, node.id))
            yield _entity("API", names[node.id], node.name, _owned("asyncapi") | {"definition": definition})
    for node in nodes:
        if node.kind in _RESOURCES:
            spec = {"type": _RESOURCES[node.kind], "owner": _UNKNOWN}
            yield _entity("Resource", names[node.id], node.name, spec)


def _names(nodes: Iterable[Node]) -> dict[str, str]:
    """Names of entities; those of components are short, because components are services only."""
    found = list(nodes)
    services = {node.id: node.id.partition(":")[2] for node in found if node.kind == "service"}
    others = [node.id for node in found if node.kind in _RESOURCES]
    return {**identifiers(services, NAMES), **node_identifiers(others, NAMES)}


class _Relations:
    """What services depend on, publish to and consume from, through their groups."""

    def __init__(self, edges: Iterable[Edge], names: Mapping[str, str]) -> None:
        self._names = names
        self._targets: dict[str, set[str]] = {}
        self._sources: dict[str, set[str]] = {}
        for edge in edges:
            self._targets.setdefault(edge.source, set()).add(edge.target)
            self._sources.setdefault(edge.target, set()).add(edge.source)

    def published(self, service: str) -> set[str]:
        """The node IDs of topics that a service publishes to."""
        return {node for node in self._targets.get(service, ()) if node.startswith("topic:")}

    def consumed(self, service: str) -> set[str]:
        """The node IDs of topics that a service consumes."""
        near = self._sources.get(service, set())
        through = {topic for one in near if one.startswith("group:") for topic in self._sources.get(one, ())}
        return {node for node in near | through if node.startswith("topic:")}

    def dependencies(self, service: str) -> list[str]:
        """References to what a service calls, and to its topics."""
        called = self._targets.get(service, set()) | self.consumed(service)
        found = {
            f"{'component' if node.startswith('service:') else 'resource'}:default/{self._names[node]}"
            for node in called
            if node in self._names and node != service
        }
        return sorted(found)

    def names(self, nodes: Iterable[str]) -> list[str]:
        """The sorted names of entities."""
        return sorted(self._names[node] for node in nodes if node in self._names)


def _component(
    node: Node, name: str, relations: _Relations, system: Mapping[str, str]
) -> Mapping[str, Value]:
    lists = {
        "providesApis": relations.names(relations.published(node.id)),
        "consumesApis": relations.names(relations.consumed(node.id)),
        "dependsOn": relations.dependencies(node.id),
    }
    found = {key: value for key, value in lists.items() if value}
    return _entity("Component", name, node.name, {**_owned("service"), **system, **found})


def _owned(kind: str) -> dict[str, Value]:
    return {"type": kind, "lifecycle": _UNKNOWN, "owner": _UNKNOWN}


def _entity(kind: str, name: str, title: str, spec: Mapping[str, Value]) -> Mapping[str, Value]:
    metadata = {"name": name, "title": shown_name(title)}
    return {"apiVersion": _VERSION, "kind": kind, "metadata": metadata, "spec": spec}
