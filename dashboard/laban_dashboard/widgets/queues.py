"""The queues of consumer groups: how fast they drain, which orders wait, and what made them."""

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.lag_queues import known_line, queue_line, waiting_rows, worst_queues
from laban_mapper.model import GroupLag, WaitingTopic
from laban_mapper.names import shortened

_QUEUES: Final = 4
_WAITING: Final = 10


def queues(groups: Sequence[GroupLag], names: Mapping[tuple[str, str | None], str]) -> None:
    """Draw the queues of these groups, each with its causes and the messages that wait longest."""
    found = worst_queues(groups)
    st.markdown("## What waits, and why")
    if not found:
        behind = any(group.messages for group in groups)
        st.caption("What is behind is processed, but not committed yet." if behind else "No message waits.")
        return
    for group, topic in found[:_QUEUES]:
        name = names.get((group.group, group.cluster), group.group)
        _queue(topic, f"{shortened(topic.topic)} → {shortened(name)}", f"{name}-{topic.topic}")
    if len(found) > _QUEUES:
        st.caption(
            f"{formatting.count(len(found) - _QUEUES, 'more queue')}: choose a group above to see its queues."
        )


def _queue(topic: WaitingTopic, title: str, key: str) -> None:
    with st.container(border=True, gap="xsmall", key=f"queue-{key}"):
        st.markdown(
            f"**{formatting.escape_markdown(title)}** · {formatting.escape_markdown(queue_line(topic))}"
        )
        for cause in topic.causes:
            colour = "red" if cause.kind == "failing" else "orange"
            st.markdown(f":{colour}-badge[{cause.kind}] {formatting.escape_markdown(cause.sentence)}")
        if not topic.causes:
            st.caption("No cause is known: no span of its consumers in the last hour.")
        rows = list(waiting_rows(topic, _WAITING))
        for number, row in enumerate(rows):
            with st.container(horizontal=True, vertical_alignment="center", key=f"waits-{key}-{number}"):
                st.page_link(
                    "views/order.py",
                    label=formatting.escape_markdown(shortened(row.label)),
                    icon=":material/receipt_long:",
                    query_params={"order": row.query},
                    width=260,
                )
                st.caption(formatting.escape_markdown(row.details))
        st.caption(known_line(topic, len(rows)))
