"""L009: services that call each other in a circle, also by messages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import networkx as nx

from laban_mapper.findings.calls import SLACK, calls_of
from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.findings.words import chain_text
from laban_mapper.model import Edge
from laban_mapper.names import counted
from laban_mapper.profiles.steps import Occurrence

_LONGEST: Final = 12
"""Nodes of a circle that is looked for: with topics and groups, a circle of four services."""
_KINDS: Final = frozenset({"service", "topic", "group"})


class _Circle(NamedTuple):
    """The shortest circle of some services, and all of them."""

    nodes: Sequence[str]
    services: int


def _find(system: System) -> Iterator[Found]:
    names = {node.id: node.name for node in system.map.nodes}
    edges = [edge for edge in system.map.edges if _counts(edge)]
    sync = [edge for edge in edges if edge.kind == "sync"]
    for circle in _circles(sync):
        if not system.whole or _is_shown(circle, names, system):
            yield _by_calls(circle, names, system)
    for circle in _circles(edges):
        if any(node.startswith("topic:") for node in circle.nodes):
            yield _by_messages(circle, names, system)


def _counts(edge: Edge) -> bool:
    ends = (edge.source.partition(":")[0], edge.target.partition(":")[0])
    return edge.calls > 0 and edge.source != edge.target and _KINDS.issuperset(ends)


def _circles(edges: Iterable[Edge]) -> Iterator[_Circle]:
    """The shortest circle of each set of nodes that reach each other."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from(sorted((edge.source, edge.target) for edge in edges))
    for members in sorted(map(sorted, nx.strongly_connected_components(graph))):
        if len(members) > 1:
            part = graph.subgraph(members)
            shortest = min((_shortest(part, node) for node in members), key=lambda one: (len(one), one))
            if len(shortest) <= _LONGEST:
                services = [node for node in members if node.startswith("service:")]
                yield _Circle(_from_first_service(shortest), len(services))


def _shortest(graph: "nx.DiGraph[str]", node: str) -> list[str]:
    """The shortest way from a node back to it."""
    ways = [nx.shortest_path(graph, after, node) for after in sorted(graph.successors(node))]
    return [node, *min(ways, key=len)[:-1]]


def _from_first_service(nodes: list[str]) -> list[str]:
    first = min((node for node in nodes if node.startswith("service:")), default=nodes[0])
    at = nodes.index(first)
    return nodes[at:] + nodes[:at]


def _is_shown(circle: _Circle, names: dict[str, str], system: System) -> bool:
    """Whether a sampled trace shows each call of a circle.

    A ring of parents is counted as calls that no trace has: its spans contradict each other.
    """
    shown = {(call.caller.span.service, call.service) for trace in system.traces for call in calls_of(trace)}
    services = [names[node] for node in circle.nodes]
    return shown.issuperset(zip(services, [*services[1:], services[0]], strict=True))


def _by_calls(circle: _Circle, names: dict[str, str], system: System) -> Found:
    services = [names[node] for node in (*circle.nodes, circle.nodes[0])]
    within = {names[node] for node in circle.nodes}
    seen = [trace for trace in system.traces if _called_again(trace, within)]
    text = chain_text(services)
    if seen:
        sentence = (
            f"{text}: a service is called again while it waits, in {counted(len(seen), 'sampled trace')}"
        )
    else:
        sentence = f"{text}: these services call each other, but no sampled request went round"
    return Found(
        place=text,
        sentence=sentence + _more(circle),
        numbers={"services": circle.services, "traces": len(seen)},
        traces=proofs(seen),
        severity="warning" if seen else "info",
    )


def _called_again(trace: SampledTrace, services: set[str]) -> bool:
    """Whether a service is called through another one, and is still at what led to this call.

    A browser that is redirected goes round, too, but then nobody waits.
    """
    for call in calls_of(trace):
        if call.awaited and call.service in services:
            end = trace.causality.end(call.step.span) - SLACK
            before = [one.caller.span for one in call.chain()[:-1]]
            if any(span.service == call.service and trace.causality.end(span) >= end for span in before):
                return True
    return False


def _by_messages(circle: _Circle, names: dict[str, str], system: System) -> Found:
    shown = [node for node in circle.nodes if not node.startswith("group:")]
    text = chain_text([names[node] for node in (*shown, shown[0])])
    topics = {names[node] for node in shown if node.startswith("topic:")}
    rounds = {id(trace): (trace, _rounds(trace, topics)) for trace in system.traces}
    again = [(trace, number) for trace, number in rounds.values() if number > 1]
    most = max((number for _, number in again), default=0)
    if again:
        sentence = (
            f"{text}: a message led to another one of the same topic, up to {most:,} times in a row, in "
            f"{counted(len(again), 'sampled trace')}"
        )
    else:
        sentence = f"{text}: messages lead back to their publisher, but no sampled one went round again"
    return Found(
        place=text,
        sentence=sentence + _more(circle),
        numbers={"services": circle.services, "traces": len(again), "rounds": most},
        traces=proofs(trace for trace, _ in sorted(again, key=lambda one: -one[1])),
        severity="warning" if again else "info",
        advice=_LOOP if again else _EVENTS,
    )


def _rounds(trace: SampledTrace, topics: set[str]) -> int:
    """How often the publication of a topic led to another one of it by the same service, at most."""
    most = 0
    counts: dict[int, dict[tuple[str, str], int]] = {}
    for step in trace.steps:  # each after the step above it
        above = counts[id(step.above)] if step.above is not None else {}
        mine = above
        if step.kind == "publish" and step.span.topic in topics:
            key = (step.span.topic or "", _publisher(step))
            mine = {**above, key: above.get(key, 0) + 1}
            most = max(most, mine[key])
        counts[id(step)] = mine
    return most


def _publisher(step: Occurrence) -> str:
    return step.span.service


def _more(circle: _Circle) -> str:
    shown = sum(node.startswith("service:") for node in circle.nodes)
    return f"; {circle.services:,} services are in such circles with them" if circle.services > shown else ""


_LOOP: Final = (
    "Stop the loop: publish what happened under another name than what was asked for, and do not answer an "
    "event with the event itself. A counter of hops in a header keeps a mistake small."
)
_EVENTS: Final = (
    "That an event comes back as another event is usual in a choreography; see that none of them answers "
    "itself, and that one service knows the state of the whole (a saga)."
)

RULE = Rule(
    code="L009",
    name="cycle",
    severity="warning",
    why="Services in a circle can only be understood, tested and deployed together, and a circle of calls "
    "can use up all threads: each waits for the other.",
    advice="Ask which of the two needs the answer now. The other one can publish an event instead of "
    "calling back, or send what will be asked for with the call.",
    find=_find,
    compares="The circles of the map: of calls, and of calls and messages through topics and groups. It is "
    "a warning if a sampled trace goes round.",
    example="cart → pricing → cart: a service is called again while it waits, in 30 sampled traces",
)
