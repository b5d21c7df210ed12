"""Links to the orders before and after one: among all, and of the same customer or another shared key."""

from typing import Final, cast
from urllib.parse import urlencode

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_dashboard.components.link_list import Link
from laban_dashboard.components.neighbours import NeighbourLinks, neighbours
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.orders_rows import query_of
from laban_mapper.model import Neighbour, NeighbourRow, Neighbours

_KNOWN: Final = "order_neighbours"
_SHOWN: Final = "neighbours"
"""The key of the component."""


def order_neighbours(answers: Answers, key: str, value: str) -> None:
    """Draw the links; they are asked for once for each order."""
    found = _found(answers, key, value)
    rows = [_row(row, found.key) for row in found.rows]
    if rows:
        neighbours(rows, _SHOWN, _open)


def _found(answers: Answers, key: str, value: str) -> Neighbours:
    known = cast("tuple[str, str, Neighbours] | None", st.session_state.get(_KNOWN))
    if known is None or known[:2] != (key, value):
        known = (key, value, answers.neighbours(key, value))
        st.session_state[_KNOWN] = known
    return known[2]


def _row(row: NeighbourRow, key: str) -> NeighbourLinks:
    title = "All orders" if row.value is None else formatting.plain(f"{row.key} {row.value}")
    if row.orders is not None:
        title += f" · {'at least ' if row.truncated else ''}{formatting.count(row.orders, 'order')}"
    return NeighbourLinks(title, _link(row.previous, key), _link(row.next, key))


def _link(order: Neighbour | None, key: str) -> Link | None:
    if order is None:
        return None
    query = query_of(key, order.value)
    return Link(query, formatting.plain(order.value), f"order?{urlencode({'order': query})}")


def _open() -> None:
    opened = st.session_state[_SHOWN].get("open")
    if isinstance(opened, str):
        st.session_state["order"] = opened
