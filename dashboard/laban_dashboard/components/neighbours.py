"""Links to the orders before and after one."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from streamlit.components import v2

from laban_dashboard.components.assets import asset
from laban_dashboard.components.link_list import Link

_component = v2.component(
    "laban_neighbours", html=asset("neighbours.html"), css=asset("neighbours.css"), js=asset("neighbours.js")
)


@dataclass(frozen=True, slots=True)
class NeighbourLinks:
    """The orders before and after one among some; the title says among which, printable."""

    title: str
    previous: Link | None
    next: Link | None


def neighbours(rows: Sequence[NeighbourLinks], key: str, on_open: Callable[[], None]) -> None:
    """Draw the links; a plain click sets `st.session_state[key]["open"]` and calls `on_open`."""
    _component(data={"rows": [asdict(row) for row in rows]}, key=key, on_open_change=on_open)
