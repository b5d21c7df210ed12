"""The panel beside the map: what is known about the selected node or edge."""

from collections.abc import Iterable, Sequence

import streamlit as st

from laban_dashboard import words
from laban_dashboard.map_view import Shown, edge_id
from laban_dashboard.status_words import badge
from laban_mapper.model import Edge, GroupLag, Node

KIND_WORDS = {
    "service": "service",
    "topic": "Kafka topic",
    "group": "consumer group",
    "database": "database",
    "external": "called, but sends no spans",
    "entry": "calls, but sends no spans",
}
_KIND_COLOURS = {"service": "blue", "topic": "orange", "group": "green", "database": "violet"}


def panel(shown: Shown, selected: str | None, seconds: float, lag: Sequence[GroupLag]) -> None:
    """Draw what is known about `selected`, an id of a node or an edge; a summary where nothing is."""
    with st.container(border=True, key="panel", gap="xsmall", width=310):
        for node in shown.nodes:
            if node.id == selected:
                return _node(node, shown, seconds, lag)
        for edge in shown.edges:
            if edge_id(edge) == selected:
                return _edge(edge, shown, seconds)
        return _summary(shown, seconds, lag)


def _summary(shown: Shown, seconds: float, lag: Iterable[GroupLag]) -> None:
    st.markdown("#### Overview")
    services = sum(node.kind == "service" for node in shown.nodes)
    topics = sum(node.kind == "topic" for node in shown.nodes)
    st.caption(
        f"{words.count(services, 'service')} · {words.count(topics, 'topic')}. Click a node or an arrow."
    )
    failing = sorted((edge for edge in shown.edges if edge.errors), key=lambda edge: -edge.errors)
    if failing:
        st.markdown("**Most errors**")
        _edges(failing[:3], shown, seconds)
    slow = sorted((edge for edge in shown.edges if edge.p95_ms), key=lambda edge: -(edge.p95_ms or 0))
    if slow:
        st.markdown("**Slowest**")
        _edges(slow[:3], shown, seconds)
    late = [group for group in lag if group.status != "OK"]
    if late:
        st.markdown("**Behind**")
        st.markdown(
            "\n\n".join(
                f"{words.plain(group.group)} {badge(group.status)} {words.count(group.messages, 'message')}"
                for group in late
            )
        )
        st.page_link("views/lag.py", label="Lag over time", icon=":material/stacked_line_chart:")


def _node(node: Node, shown: Shown, seconds: float, lag: Iterable[GroupLag]) -> None:
    colour = _KIND_COLOURS.get(node.kind, "gray")
    st.markdown(f"#### {words.plain(node.name)}")
    st.markdown(f":{colour}-badge[{KIND_WORDS[node.kind]}]")
    incoming = [edge for edge in shown.edges if edge.target == node.id]
    outgoing = [edge for edge in shown.edges if edge.source == node.id]
    _figures(sum(edge.calls for edge in incoming), sum(edge.errors for edge in incoming), seconds, "in")
    for title, edges in (("From", incoming), ("To", outgoing)):
        if edges:
            st.markdown(f"**{title}**")
            _edges(sorted(edges, key=lambda edge: -edge.calls), shown, seconds)
    if node.kind == "group":
        _lag(node.name, lag)
    if node.kind == "service":
        _link_to_latency(node.name)


def _edge(edge: Edge, shown: Shown, seconds: float) -> None:
    source, target = _name(edge.source, shown), _name(edge.target, shown)
    st.markdown(f"#### {words.plain(source)} → {words.plain(target)}")
    how = ":violet-badge[by message]" if edge.kind == "async" else ":gray-badge[waits for the answer]"
    st.markdown(f"{how} :gray-badge[{words.plain(edge.protocol)}]")
    _figures(edge.calls, edge.errors, seconds, "")
    st.markdown("**Time in the queue**" if edge.kind == "async" else "**Latency**")
    with st.container(horizontal=True, gap="medium"):
        for label, value in (("p50", edge.p50_ms), ("p95", edge.p95_ms), ("p99", edge.p99_ms)):
            st.metric(label, words.duration(value), width="content")
    _evidence(edge)
    services = {node.id for node in shown.nodes if node.kind == "service"}
    if edge.source in services:
        _link_to_latency(f"{source} → {target}" if edge.target in services else source)


def _figures(calls: int, errors: int, seconds: float, direction: str) -> None:
    left, right = st.columns(2, gap="xsmall", wrap=False)
    left.metric(
        f"Calls {direction}".strip(),
        f"{calls:,}",
        words.rate(calls, seconds),
        delta_color="off",
        delta_arrow="off",
    )
    right.metric(
        "Errors",
        f"{errors:,}",
        words.share(errors, calls) if errors else None,
        delta_color="inverse" if errors else "off",
        delta_arrow="off",
    )


def _edges(edges: Iterable[Edge], shown: Shown, seconds: float) -> None:
    lines: list[str] = []
    for edge in edges:
        figures = [words.rate(edge.calls, seconds)]
        if edge.p95_ms is not None:
            figures.append(f"p95 {words.duration(edge.p95_ms)}")
        if edge.errors:
            figures.append(f":red[{words.share(edge.errors, edge.calls)} errors]")
        ends = f"{words.plain(_name(edge.source, shown))} → {words.plain(_name(edge.target, shown))}"
        lines.append(f"{ends}  \n:small[:gray[{' · '.join(figures)}]]")
    st.markdown("\n\n".join(lines))


def _evidence(edge: Edge) -> None:
    """How the edge was seen, each way in its own words."""
    ways = (
        (edge.evidence.parent, "by a parent span"),
        (edge.evidence.link, "by a span link"),
        (edge.evidence.attribute, "by attributes alone (the other side sends no spans)"),
    )
    seen = [f"{number:,} {way}" for number, way in ways if number]
    if seen:
        st.caption("Seen " + ", ".join(seen) + ".")


def _lag(group: str, lag: Iterable[GroupLag]) -> None:
    for found in lag:
        if found.group == group:
            waits = [partition.seconds for partition in found.topics if partition.seconds is not None]
            st.markdown(f"**Lag** {badge(found.status)}")
            behind = f", about {words.duration(max(waits) * 1000)}" if waits and found.messages else ""
            st.markdown(f"{words.count(found.messages, 'message')} behind{behind}")
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


def _name(node_id: str, shown: Shown) -> str:
    return next((node.name for node in shown.nodes if node.id == node_id), node_id)
