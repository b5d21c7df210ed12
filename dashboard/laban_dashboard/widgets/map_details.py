"""The panel next to the map: details of the selected node or edge."""

from collections.abc import Iterable, Sequence

import streamlit as st

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.lag_charts import lag_caption
from laban_dashboard.presentation.map_elements import NODE_KIND_LABELS, VisibleMap, edge_id, edge_label
from laban_dashboard.presentation.status_labels import status_badge
from laban_mapper.model import Edge, GroupLag, Node

_KIND_COLOURS = {"service": "blue", "topic": "orange", "group": "green", "database": "violet"}


def details_panel(visible: VisibleMap, selected: str | None, seconds: float, lag: Sequence[GroupLag]) -> None:
    """Draw the details of `selected`, the ID of a node or edge; an overview if nothing is selected."""
    with st.container(border=True, key="panel", gap="xsmall", width=310):
        for node in visible.nodes:
            if node.id == selected:
                return _node(node, visible, seconds, lag)
        for edge in visible.edges:
            if edge_id(edge) == selected:
                return _edge(edge, visible, seconds)
        return _overview(visible, seconds, lag)


def _overview(visible: VisibleMap, seconds: float, lag: Iterable[GroupLag]) -> None:
    st.markdown("#### Overview")
    services = sum(node.kind == "service" for node in visible.nodes)
    topics = sum(node.kind == "topic" for node in visible.nodes)
    counts = f"{formatting.count(services, 'service')} · {formatting.count(topics, 'topic')}"
    st.caption(f"{counts}. Click a node or edge.")
    failing = sorted((edge for edge in visible.edges if edge.errors), key=lambda edge: -edge.errors)
    if failing:
        st.markdown("**Most errors**")
        _edges(failing[:3], visible, seconds)
    slow = sorted((edge for edge in visible.edges if edge.p95_ms), key=lambda edge: -(edge.p95_ms or 0))
    if slow:
        st.markdown("**Slowest**")
        _edges(slow[:3], visible, seconds)
    lagging = [group for group in lag if group.status != "OK"]
    if lagging:
        st.markdown("**Consumer lag**")
        st.markdown(
            "\n\n".join(
                f"{formatting.escape_markdown(group.group)} {status_badge(group.status)} "
                f"{formatting.count(group.messages, 'message')}"
                for group in lagging
            )
        )
        st.page_link("views/lag.py", label="Lag over time", icon=":material/stacked_line_chart:")


def _node(node: Node, visible: VisibleMap, seconds: float, lag: Iterable[GroupLag]) -> None:
    colour = _KIND_COLOURS.get(node.kind, "gray")
    st.markdown(f"#### {formatting.escape_markdown(node.name)}")
    st.markdown(f":{colour}-badge[{NODE_KIND_LABELS[node.kind]}]")
    incoming = [edge for edge in visible.edges if edge.target == node.id]
    outgoing = [edge for edge in visible.edges if edge.source == node.id]
    _figures(sum(edge.calls for edge in incoming), sum(edge.errors for edge in incoming), seconds, "in")
    for title, edges in (("From", incoming), ("To", outgoing)):
        if edges:
            st.markdown(f"**{title}**")
            _edges(sorted(edges, key=lambda edge: -edge.calls), visible, seconds)
    if node.kind == "group":
        _lag(node.name, lag)
    if node.kind == "service":
        _link_to_latency(node.name)


def _edge(edge: Edge, visible: VisibleMap, seconds: float) -> None:
    source, target = _name(edge.source, visible), _name(edge.target, visible)
    st.markdown(f"#### {formatting.escape_markdown(edge_label(edge, visible.nodes))}")
    how = ":violet-badge[asynchronous]" if edge.kind == "async" else ":gray-badge[synchronous]"
    st.markdown(f"{how} :gray-badge[{formatting.escape_markdown(edge.protocol)}]")
    _figures(edge.calls, edge.errors, seconds, "")
    st.markdown("**Time in queue**" if edge.kind == "async" else "**Latency**")
    with st.container(horizontal=True, gap="medium"):
        for label, value in (("p50", edge.p50_ms), ("p95", edge.p95_ms), ("p99", edge.p99_ms)):
            st.metric(label, formatting.duration(value), width="content")
    _evidence(edge)
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


def _edges(edges: Iterable[Edge], visible: VisibleMap, seconds: float) -> None:
    lines: list[str] = []
    for edge in edges:
        figures = [formatting.rate(edge.calls, seconds)]
        if edge.p95_ms is not None:
            figures.append(f"p95 {formatting.duration(edge.p95_ms)}")
        if edge.errors:
            figures.append(f":red[{formatting.percentage(edge.errors, edge.calls)} errors]")
        ends = formatting.escape_markdown(edge_label(edge, visible.nodes))
        lines.append(f"{ends}  \n:small[:gray[{' · '.join(figures)}]]")
    st.markdown("\n\n".join(lines))


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
            st.markdown(f"{messages}{lag_caption(found)}")
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
    return next((node.name for node in visible.nodes if node.id == node_id), node_id)
