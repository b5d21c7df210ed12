"""The edges of the graph at which absent or repeated steps are counted."""

from laban_collector.store.rows import EdgePlace, Span
from laban_mapper.profiles.steps import own_name
from laban_mapper.spans import CLIENT, SERVER, is_consuming
from laban_mapper.story.causality import Causality
from laban_mapper.story.causes.facts import Counted

_ENTRY = "entry:clients"
"""The node of callers that send no spans."""


def by_message(topic: str, reader: str) -> Counted:
    """Each message of a topic is due to be read by a group, or by a service without a group.

    Args:
        topic: its name.
        reader: the node of the group or service.
    """
    return Counted(EdgePlace(f"topic:{topic}", (reader,)), EdgePlace(None, (f"topic:{topic}",)))


def by_visit(visit: Span, callees: tuple[str, ...], causality: Causality) -> Counted | None:
    """Each visit of a service is due to lead to a call or a message; None if nothing counts such visits.

    Args:
        visit: a server or consumer span, or the root.
        callees: the nodes that are called, or published to.
        causality: the spans.
    """
    node = node_of(visit)
    if is_consuming(visit):
        due = None if visit.group is None else EdgePlace(f"group:{visit.group}", (node,))
    elif visit.kind == SERVER:
        caller = causality.cause(visit)
        called = caller is not None and caller.kind == CLIENT
        outside = visit.parent_id is None and caller is None
        source = node_of(caller) if caller is not None and called else _ENTRY if outside else None
        due = EdgePlace(source, (node,))
    else:
        due = None
    return None if due is None else Counted(EdgePlace(node, callees), due)


def node_of(span: Span) -> str:
    """The node of the service of a span."""
    return service_node(own_name(span), span.namespace)


def service_node(name: str, namespace: str | None) -> str:
    """The node of a service."""
    return f"service:{namespace}/{name}" if namespace else f"service:{name}"
