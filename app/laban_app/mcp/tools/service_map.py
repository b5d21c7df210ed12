"""The tool that shows the service map: the calls and messages of a system, or around a node."""

from functools import partial
from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.arguments import Cursor, Since, Until, start_of
from laban_app.mcp.asking import Asking, InvalidArgument, time_of
from laban_app.mcp.reply import PageReply, Told, Words, told_page
from laban_app.mcp.server import Registry
from laban_app.mcp.tools.map_names import EdgeReply, MapNames, range_of, services_of
from laban_mapper.diagrams.scope import around

Focus = Annotated[
    str | None,
    Field(max_length=200, description="Only this service, topic, group or database, and its neighbours."),
]


Entry = Annotated[
    str | None,
    Field(
        max_length=300,
        description="Only the edges that sampled traces of this entry operation, such as POST /orders, have; "
        "their figures are of all traffic.",
    ),
]


class MapReply(PageReply):
    """A page of the map: the busiest edges first."""

    since: str
    until: str
    nodes: int
    callers_not_seen: int
    items: list[EdgeReply]


def add_service_map(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="Service map",
        description="Which service calls which, and which topics and consumer groups connect them: calls, "
        "errors and latency of each edge, the busiest first, in pages. Give `focus` for one service or topic "
        "and its neighbours. Use it to learn the system, or who depends on a service.",
    )
    async def service_map(
        focus: Focus = None,
        entry: Entry = None,
        since: Since = None,
        until: Until = None,
        cursor: Cursor = None,
    ) -> Annotated[CallToolResult, MapReply]:
        return await asking.tell(lambda answers: _map(answers, focus, entry, since, until, cursor))


def _map(
    answers: TraceAnswers,
    focus: str | None,
    entry: str | None,
    since: str | None,
    until: str | None,
    cursor: str | None,
) -> Told:
    start = start_of(cursor)
    found = answers.service_map(time_of(since), time_of(until), entry=entry)
    shown = found if focus is None else around(found, focus)
    if focus is not None and not shown.nodes:
        raise InvalidArgument(f"The map has no node with the name {focus!r}. {services_of(found)}")
    names = MapNames(shown)
    edges = sorted(shown.edges, key=lambda edge: -edge.calls)
    words = Words(next=["edge for one connection over time", "laban://diagram/services for a drawing"])
    if found.truncated:
        words.left_out.append("edges with few calls: they are added up in nodes named other")
    if found.callers_not_seen:
        words.left_out.append(
            f"{found.callers_not_seen:,} calls by callers that were not seen: "
            "sampled out, lost, late or not traced"
        )
    if found.counted_to:
        words.left_out.append(f"spans that were stored after {found.counted_to:%H:%M:%S} UTC")
    return told_page(
        edges,
        start,
        names.line,
        names.reply,
        partial(
            MapReply,
            since=f"{found.since:%Y-%m-%dT%H:%M:%SZ}",
            until=f"{found.until:%Y-%m-%dT%H:%M:%SZ}",
            nodes=len(shown.nodes),
            callers_not_seen=found.callers_not_seen,
        ),
        head=[
            f"{len(shown.nodes):,} nodes, {len(edges):,} edges, {range_of(found)}",
            (
                "each: from → to, protocol, calls, errors, p50/p95/p99; of messages to a group the time in "
                "the queue"
            ),
        ],
        words=words,
        empty="no calls in this time range; what_is_stored tells which time range has spans",
    )
