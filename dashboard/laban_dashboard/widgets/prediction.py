"""The answer to a what-if question: each entry operation before and after, and what that rests on."""

from collections.abc import Iterable
from typing import Final

import streamlit as st

from laban_dashboard.presentation import formatting
from laban_dashboard.widgets.browser_timezone import browser_timezone
from laban_mapper.model_whatif import WhatIf, WhatIfEntry
from laban_mapper.names import shortened
from laban_mapper.whatif.words import (
    MOST_ENTRIES,
    OutcomeRow,
    basis,
    joined,
    more_steps,
    others,
    outcome_rows,
    step_rows,
)

_MOST_ASSUMPTIONS: Final = 30


def prediction(answer: WhatIf) -> None:
    """Draw what becomes of the requests, and the assumptions."""
    st.markdown(f"## If {formatting.escape_markdown(joined(answer.changes))}")
    affected = [entry for entry in answer.entries if entry.affected]
    for number, entry in enumerate(affected[:MOST_ENTRIES]):
        _entry(entry, number)
    for line in others(answer.model_copy(update={"since": None}), affected, "laban whatif"):
        st.caption(formatting.escape_markdown(line))
    if answer.since and answer.until:
        window = formatting.time_range(answer.since, answer.until, browser_timezone())
        st.caption(f"Traces of {window}", help=formatting.utc_range(answer.since, answer.until))
    _assumptions(answer.assumptions)


def _entry(entry: WhatIfEntry, number: int) -> None:
    with st.container(border=True, gap="small", key=f"entry-{number}"):
        name = formatting.escape_markdown(shortened(entry.entry))
        st.markdown(f"**{name}** :small[:gray[{formatting.escape_markdown(basis(entry))}]]")
        st.table([_outcome(row) for row in outcome_rows(entry)], hide_index=True)
        if entry.late:
            with st.expander(f"{formatting.count(len(entry.late) + entry.late_more, 'step')} late, or never"):
                st.table(
                    [
                        {
                            "Step": formatting.escape_markdown(row.name),
                            "Before": formatting.escape_markdown(row.before),
                            "After": _marked(row.after, "red" if row.never else None),
                        }
                        for row in step_rows(entry)
                    ],
                    hide_index=True,
                )
                if more_steps(entry):
                    st.caption(f"and {formatting.count(more_steps(entry), 'more step')}: laban whatif --json")


def _outcome(row: OutcomeRow) -> dict[str, str]:
    after = formatting.escape_markdown(row.after)
    return {
        "Requests": row.name.capitalize() if row.name.startswith("fail") else row.name,
        "Before": formatting.escape_markdown(row.before),
        "After": after if row.before == row.after else f"**{after}**",
        "Range": formatting.escape_markdown(row.between),
    }


def _marked(text: str, colour: str | None) -> str:
    shown = formatting.escape_markdown(text)
    return shown if colour is None else f":{colour}[**{shown}**]"


def _assumptions(assumptions: Iterable[str]) -> None:
    told = list(assumptions)
    if not told:
        return
    with st.container(border=True, key="assumptions"):
        st.markdown("**This rests on**")
        lines = [f"- {formatting.escape_markdown(one)}" for one in told[:_MOST_ASSUMPTIONS]]
        if len(told) > _MOST_ASSUMPTIONS:
            lines.append(f"- and {len(told) - _MOST_ASSUMPTIONS} more: laban whatif --json")
        st.markdown("\n".join(lines))
        st.caption(
            "The range is no promise: it has the extremes of what was assumed, and how much the numbers "
            "could differ if other traces had been drawn (90 %). Queues and load stay as they were."
        )
