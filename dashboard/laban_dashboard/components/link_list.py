"""A list of links with notes below them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from streamlit.components import v2

from laban_dashboard.components.assets import asset

Tone = Literal["", "bad", "warn"]

_component = v2.component(
    "laban_link_list", html=asset("link_list.html"), css=asset("link_list.css"), js=asset("link_list.js")
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link.

    Attributes:
        id: what `on_open` finds.
        label: the text, printable.
        href: the address, which can be copied.
        note: a text below it, printable; may be empty.
        tone: of the note.
    """

    id: str
    label: str
    href: str
    note: str = ""
    tone: Tone = ""


def link_list(title: str, links: Sequence[Link], key: str, on_open: Callable[[], None]) -> None:
    """Draw links; a plain click sets `st.session_state[key]["open"]` to the link's ID and calls `on_open`.

    Args:
        title: of the list, for screen readers.
        links: of the list.
        key: of the component.
        on_open: the user clicked a link.
    """
    _component(
        data={"title": title, "links": [asdict(link) for link in links]}, key=key, on_open_change=on_open
    )
