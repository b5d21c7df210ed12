"""The edges of the map as a table: the same data for screen readers, for sorting and to download."""

from collections import Counter

import streamlit as st

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.cells import safe_rows
from laban_dashboard.presentation.map.labels import node_label, node_name
from laban_dashboard.presentation.map.scope import VisibleMap
from laban_mapper.printable import printable


def edges_table(visible: VisibleMap, seconds: float) -> None:
    """Draw one row for each edge; call counts become rates over `seconds`."""
    known = Counter(node.name for node in visible.nodes)
    names = {node.id: (node_label if known[node.name] > 1 else node_name)(node) for node in visible.nodes}
    rows = [
        {
            "from": names[edge.source],
            "to": names[edge.target],
            "kind": edge.kind,
            "protocol": printable(edge.protocol),
            "calls": edge.calls,
            "rate": formatting.rate(edge.calls, seconds),
            "errors": edge.errors,
            "p50 ms": edge.p50_ms,
            "p95 ms": edge.p95_ms,
            "p99 ms": edge.p99_ms,
        }
        for edge in visible.edges
    ]
    st.dataframe(
        safe_rows(rows),
        hide_index=True,
        key="edges",
        placeholder=formatting.NO_VALUE,
        column_config={
            "from": "Source",
            "to": "Target",
            "kind": "Kind",
            "protocol": "Protocol",
            "calls": st.column_config.NumberColumn("Calls", format="localized"),
            "rate": "Rate",
            "errors": st.column_config.NumberColumn("Errors", format="localized"),
            "p50 ms": st.column_config.NumberColumn("p50", format="%.1f ms"),
            "p95 ms": st.column_config.NumberColumn("p95", format="%.1f ms"),
            "p99 ms": st.column_config.NumberColumn("p99", format="%.1f ms"),
        },
    )
