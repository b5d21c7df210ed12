"""The names of the map's nodes and edges, for people and for the page. All are printable."""

from collections.abc import Iterable

from laban_mapper.model import Edge, Node
from laban_mapper.names import shortened
from laban_mapper.printable import printable

NODE_KIND_LABELS = {
    "service": "service",
    "topic": "Kafka topic",
    "group": "consumer group",
    "database": "database",
    "external": "not traced",
    "entry": "caller, not traced",
    "unseen": "caller not seen",
    "other": "several of a kind",
}
NAMESPACE = "namespace:"
"""The ID of a node that stands for a namespace begins with this."""


def edge_id(edge: Edge) -> str:
    """Return the ID of an edge in the page: its ends, kind and protocol."""
    return f"{edge.source} {edge.target} {edge.kind} {edge.protocol}"


def edge_label(edge: Edge, nodes: Iterable[Node]) -> str:
    """Return `source → target`, with the node kinds if both ends have the same name."""
    by_id = {node.id: node for node in nodes}
    source, target = by_id[edge.source], by_id[edge.target]
    if source.name == target.name:
        return f"{node_label(source)} → {node_label(target)}"
    return f"{node_name(source)} → {node_name(target)}"


def node_label(node: Node) -> str:
    """Return the name of a node with its kind: `email (consumer group)`."""
    return f"{node_name(node)} ({kind_label(node)})"


def node_name(node: Node) -> str:
    """Return the name of a node, as it may be shown."""
    return shortened(printable(node.name))


def kind_label(node: Node) -> str:
    """Return what a node is, for people."""
    return "namespace" if node.id.startswith(NAMESPACE) else NODE_KIND_LABELS[node.kind]
