"""Builds the choreography of a time range from the service map and from what spans name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from laban_collector.store.rows import SeenHop, SeenOperation, Span
from laban_mapper.drift.folding import folded, folded_operation
from laban_mapper.drift.naming import ENTRY, SERVICE_KIND, name_of
from laban_mapper.drift.proofs import Proofs
from laban_mapper.model import Edge, ServiceMap
from laban_mapper.model_drift import Choreography, SeenCall, SeenEvent, SeenGroup, SeenName, SeenTopic
from laban_mapper.profiles.steps import operation_without_ids
from laban_mapper.spans import SERVER

ANY: Final = "*"
"""Stands for all operations of a call that has too many to list."""
_MOST_OPERATIONS: Final = 100
"""Operations of one call that are told apart: code that puts IDs into names makes more and more."""
_TOPIC: Final = "topic:"
_GROUP: Final = "group:"
_OTHER_EVENTS: Final = "other"
"""The type of all events beyond a limit."""
_UNSEEN: Final = ("unseen:", "other:")
"""Nodes that stand for what is not known: they are no part of a choreography."""


def choreography_of(
    service_map: ServiceMap, operations: Sequence[SeenOperation] = (), hops: Sequence[SeenHop] = ()
) -> Choreography:
    """The choreography of a time range.

    Args:
        service_map: of the time range.
        operations: what server spans of the same time range name.
        hops: the newest traces of the same time range.
    """
    edges = [edge for edge in service_map.edges if not _is_unknown(edge)]
    proofs = Proofs(operations, hops)
    names = {name_of(node.id) for node in service_map.nodes if node.kind == "service"}
    return Choreography(
        since=service_map.since,
        until=service_map.until,
        services=[SeenName(name=name, traces=proofs.of_service(name)) for name in sorted(names)],
        calls=_calls(edges, _operations(operations), proofs),
        topics=_topics(edges, proofs),
        truncated=len(edges) < len(service_map.edges) or service_map.truncated,
    )


def _is_unknown(edge: Edge) -> bool:
    return edge.source.startswith(_UNSEEN) or edge.target.startswith(_UNSEEN)


def _bare(node: str) -> str:
    """The name of a topic or a group, without IDs."""
    return folded(node.partition(":")[2])


Ends = tuple[str, str]
Names = Mapping[str, SeenName]


def _calls(edges: Iterable[Edge], operations: Mapping[Ends, Names], proofs: Proofs) -> list[SeenCall]:
    counts: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    for edge in edges:
        if not edge.source.startswith((_TOPIC, _GROUP)) and not edge.target.startswith((_TOPIC, _GROUP)):
            counts[name_of(edge.source), name_of(edge.target), edge.kind, edge.protocol] += edge.calls
    return [
        SeenCall(
            source=source,
            target=target,
            kind="async" if kind == "async" else "sync",
            protocol=protocol,
            calls=calls,
            operations=_listed(operations.get((source, target), {}), protocol),
            traces=proofs.of_call(source, target),
        )
        for (source, target, kind, protocol), calls in sorted(counts.items())
    ]


def _listed(operations: Names, protocol: str) -> list[SeenName]:
    """The operations by name; one for all, if there are very many."""
    found = [one for key, one in sorted(operations.items()) if key.partition("\0")[0] == protocol]
    if len(found) <= _MOST_OPERATIONS:
        return found
    return [SeenName(name=ANY, calls=sum(one.calls for one in found), traces=found[0].traces)]


def _operations(rows: Iterable[SeenOperation]) -> dict[Ends, dict[str, SeenName]]:
    """What each caller asks of each service: by both names, then by protocol and operation."""
    found: defaultdict[Ends, dict[str, SeenName]] = defaultdict(dict)
    for row in rows:
        if row.caller is None and not row.is_entry:
            continue
        source = name_of(SERVICE_KIND + row.caller) if row.caller is not None else ENTRY
        operation = operation_name(row)
        if not operation:
            continue
        known = found[source, name_of(SERVICE_KIND + row.service)]
        key = f"{row.rpc_system or ('http' if row.http_method else 'rpc')}\0{operation}"
        before = known.get(key)
        calls = row.calls + (before.calls if before else 0)
        known[key] = SeenName(name=operation, calls=calls, traces=[row.trace_id])
    return found


def operation_name(row: SeenOperation) -> str:
    """An operation as in a story, without IDs: `POST /orders/{id}`, `shop.Pricing/Quote`."""
    span = Span(
        trace_id=row.trace_id,
        span_id="",
        parent_id=None,
        service=row.service,
        name=row.name or (row.http_method or ""),
        kind=SERVER,
        start=0,
        duration=0,
        status=0,
        http_method=row.http_method,
        http_route=row.http_route,
        rpc_service=row.rpc_service,
        rpc_method=row.rpc_method,
    )
    return folded_operation(operation_without_ids(span))


def _topics(edges: Sequence[Edge], proofs: Proofs) -> list[SeenTopic]:
    topics = sorted({_bare(end) for edge in edges for end in (edge.source, edge.target) if _is_topic(end)})
    served = _served(edges)
    return [_topic(topic, edges, served, proofs) for topic in topics]


def _topic(topic: str, edges: Sequence[Edge], served: Mapping[str, Names], proofs: Proofs) -> SeenTopic:
    into = [edge for edge in edges if _is_topic(edge.target) and _bare(edge.target) == topic]
    out = [edge for edge in edges if _is_topic(edge.source) and _bare(edge.source) == topic]
    publishers: defaultdict[str, int] = defaultdict(int)
    for edge in into:
        publishers[name_of(edge.source)] += edge.calls
    groups: defaultdict[str | None, int] = defaultdict(int)
    alone: defaultdict[str, int] = defaultdict(int)
    for edge in out:
        if edge.target.startswith(_GROUP):
            groups[_bare(edge.target)] += edge.calls
        else:
            groups[None] += edge.calls
            alone[name_of(edge.target)] += edge.calls
    return SeenTopic(
        name=topic,
        protocols=sorted({edge.protocol for edge in [*into, *out]}),
        publishers=[
            SeenName(name=name, calls=calls, traces=proofs.of_publisher(topic, name))
            for name, calls in sorted(publishers.items())
        ],
        groups=[
            SeenGroup(
                group=group,
                services=_workers(topic, group, alone, served, proofs),
                calls=calls,
                traces=proofs.of_group(topic, group),
            )
            for group, calls in sorted(groups.items(), key=lambda item: item[0] or "")
        ],
        events=_events(topic, into, proofs) or _events(topic, out, proofs),
    )


def _events(topic: str, edges: Iterable[Edge], proofs: Proofs) -> list[SeenEvent]:
    """The types and versions of messages, as far as messages tell one of them."""
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    for edge in edges:
        for contract in edge.contracts:
            if contract.event_type != _OTHER_EVENTS and (contract.event_type or contract.version):
                counts[contract.event_type or "", contract.version or ""] += contract.calls
    return [
        SeenEvent(
            type=kind or None,
            version=version or None,
            calls=calls,
            traces=proofs.of_event(topic, kind, version),
        )
        for (kind, version), calls in sorted(counts.items())
    ]


def _workers(
    topic: str, group: str | None, alone: Mapping[str, int], served: Mapping[str, Names], proofs: Proofs
) -> list[SeenName]:
    """The services that consume a topic in a group.

    Edges tell which services a group has, not of which topic: a proof tells, where there is one.
    """
    if group is None:
        return [
            SeenName(name=name, calls=calls, traces=proofs.of_worker(topic, None, name))
            for name, calls in sorted(alone.items())
        ]
    of_topic = {name for name in served.get(group, {}) if proofs.of_worker(topic, group, name)}
    return [
        SeenName(name=name, calls=found.calls, traces=proofs.of_worker(topic, group, name))
        for name, found in sorted(served.get(group, {}).items())
        if not of_topic or name in of_topic
    ]


def _served(edges: Iterable[Edge]) -> dict[str, dict[str, SeenName]]:
    """The services of each group."""
    found: defaultdict[str, dict[str, SeenName]] = defaultdict(dict)
    for edge in edges:
        if edge.source.startswith(_GROUP):
            name = name_of(edge.target)
            before = found[_bare(edge.source)].get(name)
            calls = edge.calls + (before.calls if before else 0)
            found[_bare(edge.source)][name] = SeenName(name=name, calls=calls)
    return found


def _is_topic(node: str) -> bool:
    return node.startswith(_TOPIC)
