"""The Orders page: the newest or the worst orders, with filters that the URL keeps."""

from datetime import UTC, datetime
from typing import cast, get_args

import streamlit as st

from laban_app.answers.protocol import Answers
from laban_dashboard.answer_source import known_services, shared_answers
from laban_dashboard.components.orders_table import orders_table
from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.orders_rows import bars_caption, orders_table_data
from laban_dashboard.widgets import notices
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_dashboard.widgets.order_links import open_clicked
from laban_dashboard.widgets.page_layout import page_header
from laban_dashboard.widgets.time_range_picker import time_range_picker
from laban_mapper.model import CauseKind, Orders
from laban_mapper.orders import OrderFilter, OrdersQuestion, Sort

REFRESH_S = 5
_TABLE = "orders_table"
_LISTED = 100
_STATES = ["Failed", "Slow", "Waiting"]
_SORTS = {"Newest first": "newest", "Worst first": "worst"}
_KEY = "order"


def _filters() -> OrdersQuestion:
    """Draw the filters, and return what they ask for."""
    with st.container(horizontal=True, vertical_alignment="center", key="filters"):
        states = st.pills(
            "Outcome",
            _STATES,
            selection_mode="multi",
            key="show",
            bind="query-params",
            label_visibility="collapsed",
        )
        service = st.selectbox(
            "Service",
            known_services(),
            index=None,
            format_func=formatting.plain,
            placeholder="Any service",
            key="service",
            bind="query-params",
            accept_new_options=True,
            label_visibility="collapsed",
            width=190,
        )
        cause = st.selectbox(
            "Cause",
            list(get_args(CauseKind)),
            index=None,
            format_func=lambda kind: str(kind).replace("_", " "),
            placeholder="Any cause",
            key="cause",
            bind="query-params",
            label_visibility="collapsed",
            width=170,
        )
        key = st.text_input(
            "Business key",
            value=_KEY,
            key="key",
            bind="query-params",
            label_visibility="collapsed",
            icon=":material/key:",
            width=150,
            help="The business key whose values are listed, such as order or customer.",
        )
        sort = st.segmented_control(
            "Sort",
            list(_SORTS),
            default="Newest first",
            required=True,
            key="sort",
            bind="query-params",
            label_visibility="collapsed",
        )
    only = OrderFilter(
        failed="Failed" in states,
        slow="Slow" in states,
        waiting="Waiting" in states,
        service=service or None,
        cause=cast("CauseKind | None", cause),
    )
    return OrdersQuestion(
        (key or "").strip() or _KEY, only, _LISTED, cast("Sort", _SORTS[sort or "Newest first"])
    )


def _footer(found: Orders, asked: OrdersQuestion) -> str:
    shown = formatting.count(len(found.orders), "order")
    if asked.only or asked.sort == "worst":
        shown += f" of the newest {found.looked_at:,}"
    return shown + (" · there are more: choose another time range" if found.truncated else "")


def _nothing(answers: Answers, found: Orders, asked: OrdersQuestion) -> None:
    if found.looked_at:
        looked_at = formatting.count(found.looked_at, "order")
        notices.empty_window(f"None of the newest {looked_at} is like that.", "Remove a filter.")
    else:
        none = f"No span has the business key {formatting.escape_markdown(asked.key)} in this time range."
        notices.no_orders(answers, asked.key, lambda: notices.empty_window(none))


def _body() -> None:
    answers = shared_answers()
    window = notices.current_window(answers, time_range)
    if window is None:
        return
    asked = _filters()
    found = answers.orders(asked, *window.asked)
    if not found.orders:
        _nothing(answers, found, asked)
        return
    until = None if window.live else window.until
    data = orders_table_data(found.orders, datetime.now(UTC), browser_timezone(), until)
    orders_table(data, _TABLE, lambda: open_clicked(_TABLE))
    st.caption(" · ".join(filter(None, (_footer(found, asked), bars_caption(found.orders)))))


with page_header("Orders"):
    time_range = time_range_picker()
notices.auto_refresh(_body, REFRESH_S)
