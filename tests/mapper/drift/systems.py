"""Small systems for tests of drift: a service map, and what spans name."""

from datetime import UTC, datetime
from typing import Any

from laban_collector.store.rows import SeenHop, SeenOperation
from laban_mapper.drift.choreography import choreography_of
from laban_mapper.model import Contract, Edge, Node, NodeKind, ServiceMap
from laban_mapper.model_drift import Choreography

BEGIN = datetime(2026, 11, 28, 10, tzinfo=UTC)
END = datetime(2026, 11, 28, 11, tzinfo=UTC)
PROOF = "0af7651916cd43dd8448eb211c80319c"
OTHER_PROOF = "4bf92f3577b34da6a3ce929d0e0e4736"


def edge(source: str, target: str, calls: int = 300, protocol: str = "http", **fields: Any) -> Edge:
    """An edge; a topic or a group at one end makes it asynchronous."""
    is_async = any(end.startswith(("topic:", "group:")) for end in (source, target))
    given: dict[str, Any] = {"kind": "async" if is_async else "sync", "errors": 0, **fields}
    if is_async and protocol == "http":
        protocol = "kafka"
    return Edge(source=source, target=target, protocol=protocol, calls=calls, **given)


def system_map(*edges: Edge) -> ServiceMap:
    ends = sorted({end for one in edges for end in (one.source, one.target)})
    return ServiceMap(since=BEGIN, until=END, nodes=[_node(end) for end in ends], edges=list(edges))


def _node(end: str) -> Node:
    kinds: dict[str, NodeKind] = {
        "service": "service",
        "topic": "topic",
        "group": "group",
        "database": "database",
        "entry": "entry",
        "unseen": "unseen",
    }
    kind, _, name = end.partition(":")
    return Node(id=end, kind=kinds.get(kind, "external"), name=name)


def operation(caller: str | None, service: str, name: str, calls: int = 300, **fields: Any) -> SeenOperation:
    """An HTTP operation, `POST /orders`; without a caller it is asked from outside."""
    method, _, route = name.partition(" ")
    given: dict[str, Any] = {
        "name": "",
        "http_method": method,
        "http_route": route,
        "rpc_system": None,
        "rpc_service": None,
        "rpc_method": None,
        "trace_id": PROOF,
        **fields,
    }
    return SeenOperation(caller, caller is None, service, calls=calls, **given)


def hop(service: str, kind: int, trace_id: str = PROOF, **fields: Any) -> SeenHop:
    """A kind of span of a service; what is not given is None."""
    bare = SeenHop(service, kind, None, None, None, None, None, None, None, None, None, trace_id)
    return bare._replace(**fields)


def contract(event_type: str | None, version: str | None, calls: int = 300) -> Contract:
    return Contract(event_type=event_type, version=version, calls=calls, first=BEGIN, last=END)


MONOLITH = (
    edge("entry:clients", "service:order"),
    edge("service:order", "service:inventory", protocol="grpc"),
    edge("service:order", "service:email"),
    edge("service:inventory", "database:postgresql/stock", protocol="postgresql"),
)
HYBRID = (
    edge("entry:clients", "service:order"),
    edge("service:order", "topic:orders"),
    edge("topic:orders", "group:inventory"),
    edge("topic:orders", "group:email"),
    edge("group:inventory", "service:inventory"),
    edge("group:email", "service:email"),
    edge("service:inventory", "database:postgresql/stock", protocol="postgresql"),
)
HOPS = (
    hop("order", 4, topic="orders"),
    hop("order", 4, OTHER_PROOF, topic="orders", message_type="OrderCreated", message_version="2"),
    hop("inventory", 5, topic="orders", group="inventory"),
    hop("email", 5, topic="orders", group="email"),
    hop("inventory", 3, OTHER_PROOF, db_system="postgresql", db_namespace="stock"),
)


def ran(*edges: Edge) -> Choreography:
    """The choreography of some edges, with a proof of each where the hops know one."""
    operations = [
        operation("order", "inventory", "POST /reserve"),
        operation("order", "email", "POST /emails"),
        operation(None, "order", "POST /orders"),
    ]
    ends = {(one.source, one.target) for one in edges}
    named = [
        one
        for one in operations
        if (f"service:{one.caller}" if one.caller else "entry:clients", f"service:{one.service}") in ends
    ]
    return choreography_of(system_map(*edges), named, HOPS)
