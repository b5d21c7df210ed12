"""From a service map and what somebody wants to see to the one value that all formats write."""

from dataclasses import dataclass, field, replace
from typing import Final

from laban_mapper.diagrams.graph import TITLE, Graph, View
from laban_mapper.diagrams.namespaces import folded
from laban_mapper.diagrams.scope import around, named, of_order
from laban_mapper.diagrams.selection import busiest, is_large
from laban_mapper.model import ServiceMap, Story
from laban_mapper.names import counted

_SPACES: Final = 2
_CROWDED: Final = 40
"""Edges beyond which a picture tells only rates."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see.

    Attributes:
        service: only this node, and what is near; a name or an ID.
        depth: how many calls or messages up and down are near.
        top: only so many nodes, the busiest.
        everything: all nodes, also if a picture of them takes long.
        view: how it is drawn.
        fitting: whether a crowded picture has shorter labels than `view` says.
    """

    service: str | None = None
    depth: int = 1
    top: int | None = None
    everything: bool = False
    view: View = field(default_factory=View)
    fitting: bool = False


def choose(
    found: ServiceMap, wanted: Wanted, version: str, *, picture: bool, story: Story | None = None
) -> Graph:
    """What is drawn of a map; no node has the wanted name: a graph without edges.

    Args:
        found: the map; limited to an entry operation if it has an `entry`.
        wanted: which part, and how.
        version: of laban.
        picture: whether somebody looks at it, so that it must not be large.
        story: of the order to which the map is limited.
    """
    shown, notes = found, list[str]()
    if found.entry is not None:
        notes.append(
            f"What {found.entry.traces:,} of {counted(found.entry.of, 'trace')} of {found.entry.name} touch; "
            "numbers are of all traffic."
        )
    if story is not None:
        shown = of_order(shown, story)
        notes.append(
            "Databases and callees without spans are not drawn for an order; numbers are of all traffic."
        )
    if wanted.service is not None:
        shown = around(shown, wanted.service, wanted.depth)
    shown, left_out = _cut(shown, wanted, picture=picture)
    notes += left_out
    crowded = picture and wanted.fitting and len(shown.edges) > _CROWDED
    return Graph(
        shown=shown,
        title=_title(found, wanted, story),
        note=" ".join(notes) or None,
        version=version,
        view=replace(wanted.view, labels="rate") if crowded else wanted.view,
        service=_service(found, wanted.service),
        story=story,
    )


def _service(found: ServiceMap, name: str | None) -> str | None:
    meant = named(found, name) if name is not None else []
    return meant[0].id if len(meant) == 1 and meant[0].kind == "service" else None


def _cut(shown: ServiceMap, wanted: Wanted, *, picture: bool) -> tuple[ServiceMap, list[str]]:
    """A map that is not too large for a picture, and what it leaves out."""
    if wanted.top is not None:
        selected = busiest(shown, wanted.top)
        return selected.shown, [selected.note] if selected.note else []
    notes: list[str] = []
    if wanted.everything or not picture or not is_large(shown):
        return shown, notes
    if len({node.namespace for node in shown.nodes if node.namespace}) >= _SPACES:
        shown, note = folded(shown)
        notes.append(note)
    if is_large(shown):
        selected = busiest(shown)
        shown, notes = selected.shown, [*notes, *([selected.note] if selected.note else [])]
    return shown, notes


def _title(found: ServiceMap, wanted: Wanted, story: Story | None) -> str:
    parts = [
        f"{story.key} {story.value}" if story else "",
        found.entry.name if found.entry else "",
        f"{wanted.service}, up to {counted(wanted.depth, 'call')} away" if wanted.service else "",
    ]
    return " · ".join(part for part in parts if part) or TITLE
