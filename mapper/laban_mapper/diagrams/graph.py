"""What a diagram shows, as one value: a selection of the service map, and how it is to be looked at."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from laban_mapper.model import NodeKind, ServiceMap, Story
from laban_mapper.names import counted, shortened
from laban_mapper.printable import printable

Labels = Literal["all", "rate", "latency", "contract", "none"]
LABELS: Final[tuple[Labels, ...]] = get_args(Labels)
Topics = Literal["show", "collapse"]
TOPICS: Final[tuple[Topics, ...]] = get_args(Topics)
Theme = Literal["auto", "light", "dark", "inherit"]
THEMES: Final[tuple[Theme, ...]] = get_args(Theme)

TITLE: Final = "Service map"
_TITLE_WIDTH: Final = 120
_COUNTED: Final[dict[NodeKind, str]] = {
    "service": "service",
    "topic": "topic",
    "group": "consumer group",
    "database": "database",
    "external": "external",
}
"""What the legend counts, and calls it."""


@dataclass(frozen=True, slots=True)
class View:
    """How a selection is drawn.

    Attributes:
        labels: what the arrows tell. `contract` (groups, event types and versions) and `none` tell nothing
            that changes with the traffic, nor does the color of the arrows.
        topics: whether topics are nodes, or names on the arrows from publishers to consumers.
        by_namespace: whether the services of a namespace stand together.
        theme: the colors of pictures. `auto` follows the reader's preference where the format can, and is
            light elsewhere; `inherit` takes the color of the page's text (SVG).
    """

    labels: Labels = "all"
    topics: Topics = "show"
    by_namespace: bool = False
    theme: Theme = "auto"

    @property
    def with_numbers(self) -> bool:
        """Whether anything that is drawn depends on how much traffic there was."""
        return self.labels not in ("contract", "none")


@dataclass(frozen=True, slots=True)
class Graph:
    """A selection of a service map, and how it is drawn; every format writes this value, and nothing else.

    Attributes:
        shown: the nodes and edges that are drawn.
        title: above the drawing; empty: no title and no legend.
        note: what the selection leaves out, in one sentence.
        version: of laban.
        view: how it is drawn.
        service: the node ID of the one service that the graph is about; None: of more, or of something else.
        story: of the order of which the graph is the scope; formats with sequences draw its steps.
    """

    shown: ServiceMap
    title: str = TITLE
    note: str | None = None
    version: str = ""
    view: View = field(default_factory=View)
    service: str | None = None
    story: Story | None = None

    def heading(self) -> str:
        """The title in one line; empty without one."""
        return shortened(printable(self.title), _TITLE_WIDTH)

    def legend(self) -> str:
        """The time range, the size and laban's version, in one line."""
        kinds = Counter(node.kind for node in self.shown.nodes)
        counts = [counted(kinds[kind], noun) for kind, noun in _COUNTED.items() if kinds[kind]]
        parts = [
            _window(self.shown.since, self.shown.until),
            ", ".join(counts),
            printable(f"laban {self.version}".strip()),
        ]
        return " · ".join(filter(None, parts))


def _window(since: datetime, until: datetime) -> str:
    """A time range for people: `2026-11-23 09:00–10:00 UTC`."""
    begin, end = since.astimezone(UTC), until.astimezone(UTC)
    precise = "%H:%M" if begin.second == end.second == 0 else "%H:%M:%S"
    last = end.strftime(precise) if begin.date() == end.date() else end.strftime(f"%Y-%m-%d {precise}")
    return f"{begin.strftime(f'%Y-%m-%d {precise}')}–{last} UTC"
