"""The panel next to the map: details of the selected node or edge."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import streamlit as st

from laban_dashboard.components.link_list import Link, Tone, link_list
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.lag_charts import by_severity, lag_caption
from laban_dashboard.presentation.map.changes import Change
from laban_dashboard.presentation.map.labels import (
    NAMESPACE,
    edge_id,
    edge_label,
    kind_label,
    node_name,
)
from laban_dashboard.presentation.map.scope import VisibleMap
from laban_dashboard.presentation.status_labels import status_badge
from laban_dashboard.widgets import map_url
from laban_mapper.model import STANDS, Edge, GroupLag, Node

_KIND_COLOURS: Final = {"service": "blue", "topic": "orange", "group": "green", "database": "violet"}
_WORST: Final = 3
_LISTED: Final = 12


def details_panel(
    visible: VisibleMap,
    selected: str | None,
    seconds: float,
    lag: Sequence[GroupLag],
    changed: Sequence[Change] = (),
) -> None:
    """Draw the details of `selected`, the ID of a node or edge; an overview if nothing is selected."""
    with st.container(border=True, key="panel", gap="xsmall", width=310):
        for node in visible.nodes:
            if node.id == selected:
                return _node(node, visible, seconds, lag)
        for edge in visible.edges:
            if edge_id(edge) == selected:
                return _edge(edge, visible, seconds)
        return _overview(visible, seconds, lag, changed)


def _overview(
    visible: VisibleMap, seconds: float, lag: Sequence[GroupLag], changed: Sequence[Change]
) -> None:
    st.markdown("## Overview")
    services = sum(node.kind == "service" for node in visible.nodes)
    topics = sum(node.kind == "topic" for node in visible.nodes)
    services += visible.folded
    counts = [formatting.count(services, "service"), *([formatting.count(topics, "topic")] if topics else [])]
    st.caption(f"{' · '.join(counts)}. Click a node or edge; click a node twice to see only its neighbours.")
    if changed:
        links = [Link(one.element, one.sentence, _select(one.element)) for one in changed[:_LISTED]]
        _links("Since the hour before", links, "changes", more=len(changed) - len(links))
    lagging = [group for group in by_severity(lag) if group.status != "OK"]
    if lagging:
        _links("Consumer lag", [_group_link(group) for group in lagging[:_LISTED]], "lagging")
    _failing([node for inside in visible.failing_inside.values() for node in inside])
    failing = sorted((edge for edge in visible.edges if edge.errors), key=lambda edge: -edge.errors)
    if failing:
        _edges("Most errors", failing[:_WORST], visible, seconds)
    slow = sorted((edge for edge in visible.edges if edge.p95_ms), key=lambda edge: -(edge.p95_ms or 0))
    if slow:
        _edges("Slowest", slow[:_WORST], visible, seconds)


def _group_link(group: GroupLag) -> Link:
    node = f"group:{group.group}"
    note = f"{group.status or 'unknown'} · {group.messages:,} {lag_caption(group)}"
    tone: Tone = "bad" if group.status in STANDS else "warn"
    return Link(node, formatting.plain(group.group), _select(node), formatting.plain(note), tone)


def _node(node: Node, visible: VisibleMap, seconds: float, lag: Iterable[GroupLag]) -> None:
    colour = _KIND_COLOURS.get(node.kind, "gray")
    st.markdown(f"## {formatting.escape_markdown(node_name(node))}")
    st.markdown(f":{colour}-badge[{kind_label(node)}]")
    incoming = [edge for edge in visible.edges if edge.target == node.id]
    outgoing = [edge for edge in visible.edges if edge.source == node.id]
    _figures(sum(edge.calls for edge in incoming), sum(edge.errors for edge in incoming), seconds, "in")
    _links_of(node)
    _failing(visible.failing_inside.get(node.id, []))
    for title, edges in (("From", incoming), ("To", outgoing)):
        if edges:
            _edges(title, sorted(edges, key=lambda edge: -edge.calls), visible, seconds)
    if node.kind == "group":
        _lag(node.name, lag)
    if node.kind == "service":
        _link_to_latency(node.name)


def _failing(inside: Sequence[Node]) -> None:
    """Draw links to services of folded namespaces that fail."""
    if inside:
        links = [Link(node.id, node_name(node), _select(node.id), "fails often", "bad") for node in inside]
        _links("Failing in a namespace", links[:_LISTED], "inside", more=len(links) - _LISTED)


def _links_of(node: Node) -> None:
    """Draw links to other views of the map around a node."""
    links = []
    if map_url.parameter(map_url.FOCUS) != node.id:
        href = map_url.address(focus=node.id, select=node.id)
        links.append(Link(map_url.FOCUS, "Only this and its neighbours", href))
    if node.id.startswith(NAMESPACE) and node.namespace:
        href = map_url.address(open=map_url.with_opened(node.namespace), select=None)
        links.append(Link(map_url.OPEN, "Open this namespace", href))

    def follow() -> None:
        opened = st.session_state["panel-views"].get("open")
        if opened == map_url.FOCUS:
            map_url.set_parameter(map_url.FOCUS, node.id)
        elif opened == map_url.OPEN:
            map_url.set_parameter(map_url.OPEN, map_url.with_opened(node.namespace or ""))
            map_url.set_parameter(map_url.SELECT, None)

    if links:
        link_list("Views", links, "panel-views", follow)


def _edge(edge: Edge, visible: VisibleMap, seconds: float) -> None:
    source, target = _name(edge.source, visible), _name(edge.target, visible)
    st.markdown(f"## {formatting.escape_markdown(edge_label(edge, visible.nodes))}")
    how = ":violet-badge[asynchronous]" if edge.kind == "async" else ":gray-badge[synchronous]"
    st.markdown(f"{how} :gray-badge[{formatting.escape_markdown(edge.protocol)}]")
    _figures(edge.calls, edge.errors, seconds, "")
    st.markdown("**Time in queue**" if edge.kind == "async" else "**Latency**")
    with st.container(horizontal=True, gap="medium"):
        for label, value in (("p50", edge.p50_ms), ("p95", edge.p95_ms), ("p99", edge.p99_ms)):
            st.metric(label, formatting.duration(value), width="content")
    _evidence(edge)
    ends = [Link(end, _name(end, visible), _select(end)) for end in (edge.source, edge.target)]
    _links("Between", ends, "ends")
    services = {node.id for node in visible.nodes if node.kind == "service"}
    if edge.source in services:
        _link_to_latency(f"{source} → {target}" if edge.target in services else source)


def _figures(calls: int, errors: int, seconds: float, direction: str) -> None:
    left, right = st.columns(2, gap="xsmall", wrap=False)
    left.metric(
        f"Calls {direction}".strip(),
        f"{calls:,}",
        formatting.rate(calls, seconds),
        delta_color="off",
        delta_arrow="off",
    )
    right.metric(
        "Errors",
        f"{errors:,}",
        formatting.percentage(errors, calls) if errors else None,
        delta_color="inverse" if errors else "off",
        delta_arrow="off",
    )


def _edges(title: str, edges: Sequence[Edge], visible: VisibleMap, seconds: float) -> None:
    links = [_edge_link(edge, visible, seconds) for edge in edges[:_LISTED]]
    _links(title, links, f"edges-{title}", more=len(edges) - len(links))


def _edge_link(edge: Edge, visible: VisibleMap, seconds: float) -> Link:
    figures = [formatting.rate(edge.calls, seconds)]
    if edge.p95_ms is not None:
        figures.append(f"p95 {formatting.duration(edge.p95_ms)}")
    if edge.errors:
        figures.append(f"{formatting.percentage(edge.errors, edge.calls)} errors")
    element = edge_id(edge)
    tone: Tone = "bad" if edge.errors else ""
    label = edge_label(edge, visible.nodes)
    return Link(element, label, _select(element), " · ".join(figures), tone)


def _links(title: str, links: Sequence[Link], key: str, more: int = 0) -> None:
    """Draw links that select something on the map."""
    st.markdown(f"**{title}**")
    link_list(title, links, f"panel-{key}", _select_opened(f"panel-{key}"))
    if more > 0:
        st.caption(f"and {more:,} more")


def _select(element: str) -> str:
    return map_url.address(select=element)


def _select_opened(component: str) -> Callable[[], None]:
    return lambda: map_url.set_parameter(map_url.SELECT, st.session_state[component].get("open"))


def _evidence(edge: Edge) -> None:
    """Draw how many calls each kind of evidence supports."""
    kinds = (
        (edge.evidence.parent, "by parent span"),
        (edge.evidence.link, "by span link"),
        (edge.evidence.attribute, "by span attributes only (the other side is not traced)"),
    )
    seen = [f"{number:,} {way}" for number, way in kinds if number]
    if seen:
        st.caption(f"Evidence: {', '.join(seen)}.")


def _lag(group: str, lag: Iterable[GroupLag]) -> None:
    for found in lag:
        if found.group == group:
            st.markdown(f"**Lag** {status_badge(found.status)}")
            messages = f"{found.messages:,} " if found.messages else ""
            st.markdown(formatting.escape_markdown(f"{messages}{lag_caption(found)}"))
    st.page_link(
        "views/lag.py",
        label="Lag over time",
        icon=":material/stacked_line_chart:",
        query_params={"group": group},
    )


def _link_to_latency(of: str) -> None:
    st.page_link(
        "views/latency.py", label="Latency over time", icon=":material/timer:", query_params={"of": of}
    )


def _name(node_id: str, visible: VisibleMap) -> str:
    return next((node_name(node) for node in visible.nodes if node.id == node_id), node_id)
