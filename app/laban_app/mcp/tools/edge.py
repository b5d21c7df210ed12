"""The tool that shows one edge of the service map, over time and with the contracts of its messages."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Final

from mcp_types import CallToolResult
from pydantic import Field

from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.arguments import Since, Until
from laban_app.mcp.asking import Asking, InvalidArgument, time_of
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import Fact, Reply, Told, Words, safe, told_facts
from laban_app.mcp.server import Registry
from laban_app.mcp.tools.map_names import NAMED, EdgeReply, MapNames, range_of, services_of
from laban_mapper.contracts import contract_name
from laban_mapper.model import Edge, LatencyHistory, LatencyPoint, ServiceMap
from laban_mapper.times import format_duration

_MOST: Final = 1_000
"""Tokens of the answer."""
_CONTRACTS: Final = 4
_WAYS: Final = 5
_BETWEEN: Final = ("topic", "group")

End = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="A name on the map: a service, topic, group or database; or its ID such as topic:orders.",
    ),
]


class EdgeDetails(Reply):
    """One edge, or the ways by which messages go from one service to another."""

    edges: list[EdgeReply]
    contracts: list[str] | None = None
    evidence: dict[str, int] | None = None
    over_time: list[str] | None = None


def add_edge(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="One edge of the map",
        description="Calls from one node of the map to another: how many, how many failed, how fast, how "
        "that was over time, and the event types and versions of its messages. Also finds the way of "
        "messages through topics and consumer groups. Use it if one connection looks slow or failing.",
    )
    async def edge(
        source: End, target: End, since: Since = None, until: Until = None
    ) -> Annotated[CallToolResult, EdgeDetails]:
        return await asking.tell(lambda answers: _edge(answers, source, target, since, until))


def _edge(answers: TraceAnswers, source: str, target: str, since: str | None, until: str | None) -> Told:
    begin, end = time_of(since), time_of(until)
    found = answers.service_map(begin, end)
    names = MapNames(found)
    ways = list(_ways(found, source, target))
    if not ways:
        raise InvalidArgument(
            f"The map has no call and no message from {source!r} to {target!r} in this time range. "
            f"{_neighbours(found, source, names)}"
        )
    direct = [edge for way in ways[:_WAYS] for edge in way]
    edges = list({(edge.source, edge.target, edge.protocol): edge for edge in direct}.values())
    history = answers.latency("edge", begin, end)
    facts = [
        Fact("time", range_of(found), {}),
        *(
            Fact("edge" if number == 0 else "and", names.line(edge), {}, need=0 if number == 0 else number)
            for number, edge in enumerate(edges)
        ),
        *_contracts(edges, names),
        *_evidence(edges),
        *_over_time(history, [names.history(edge) for edge in edges]),
    ]
    replies = [names.reply(edge) for edge in edges]
    words = Words(next=["find_orders with the service for examples", "order_timeline of one of them"])
    if len(ways) > _WAYS:
        words.left_out.append(f"{len(ways) - _WAYS:,} more ways")
    return told_facts(facts, partial(EdgeDetails, edges=replies[:_WAYS]), words, _MOST)


def _neighbours(found: ServiceMap, source: str, names: MapNames) -> str:
    """Where calls and messages of a node go; if there are none, which services there are."""
    begins = {node.id for node in found.nodes if source in (node.name, node.id)}
    targets = list(dict.fromkeys(names.name(one.target) for one in found.edges if one.source in begins))
    if not targets:
        return services_of(found)
    more = f" and {len(targets) - NAMED} more" if len(targets) > NAMED else ""
    return f"From there, they go to {', '.join(targets[:NAMED])}{more}."


def _ways(found: ServiceMap, source: str, target: str) -> Iterator[list[Edge]]:
    """The edges from one node to another; or else the ways of messages through a topic and a group."""
    begins = {node.id for node in found.nodes if source in (node.name, node.id)}
    ends = {node.id for node in found.nodes if target in (node.name, node.id)}
    kinds = {node.id: node.kind for node in found.nodes}
    onward: dict[str, list[Edge]] = {}
    for one in found.edges:
        onward.setdefault(one.source, []).append(one)
    stack = [[one] for begin in sorted(begins) for one in onward.get(begin, [])]
    while stack:
        way = stack.pop()
        end = way[-1].target
        if end in ends:
            yield way
        elif kinds.get(end) in _BETWEEN and len(way) < 3:
            stack += [[*way, one] for one in onward.get(end, [])]


def _contracts(edges: Sequence[Edge], names: MapNames) -> Iterator[Fact]:
    told = [
        harmless(
            f"{names.name(edge.target)}: {contract_name(one.event_type, one.version)}, {one.calls:,} "
            f"messages, {one.errors:,} failed, {one.first:%m-%d %H:%M} to {one.last:%m-%d %H:%M}"
        )
        for edge in edges
        for one in edge.contracts[:_CONTRACTS]
    ]
    if told:
        yield Fact("event types and versions", "; ".join(told), {"contracts": told}, need=20)


def _evidence(edges: Sequence[Edge]) -> Iterator[Fact]:
    counts = {
        "parent": sum(edge.evidence.parent for edge in edges),
        "link": sum(edge.evidence.link for edge in edges),
        "attribute": sum(edge.evidence.attribute for edge in edges),
    }
    told = ", ".join(f"{number:,} by {what}" for what, number in counts.items() if number)
    if told:
        yield Fact("known by", told, {"evidence": counts}, need=21)


def _over_time(history: LatencyHistory, wanted: Sequence[str]) -> Iterator[Fact]:
    """The first, the slowest and the newest part of the time range, of each edge that has latencies."""
    told = list[str]()
    for name in dict.fromkeys(wanted):
        points = [point for point in history.points if point.name == name]
        if points:
            told.append(f"{safe(name)}: {'; '.join(_parts(points))}")
    if told:
        step = format_duration(history.bucket_s * 1000)
        yield Fact(f"over time, in parts of {step}", ". ".join(told), {"over_time": told}, need=10)


def _parts(points: Sequence[LatencyPoint]) -> list[str]:
    failing = max(points, key=lambda point: point.errors)
    named = {
        "first": points[0],
        "slowest": max(points, key=lambda point: point.p95_ms),
        **({"most errors": failing} if failing.errors else {}),
        "newest": points[-1],
    }
    names: dict[str, list[str]] = {}
    for name, point in named.items():
        names.setdefault(_point(point), []).append(name)
    return [f"{', '.join(same)} {point}" for point, same in names.items()]


def _point(point: LatencyPoint) -> str:
    return (
        f"{point.time:%m-%d %H:%M:%S}: {point.calls:,} calls, {point.errors:,} errors, "
        f"p50 {format_duration(point.p50_ms)}, p95 {format_duration(point.p95_ms)}"
    )
