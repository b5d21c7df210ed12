"""Keeps off the map what may be an artefact of the order in which spans arrive.

A call whose callee has not reported yet looks like a call to a host outside, and the reverse. A second later,
it is a call between two services. So what involves an unknown party is drawn only after it has been there for
some time.
"""

from dataclasses import dataclass, field
from typing import Final

from laban_dashboard.presentation.map.labels import edge_id
from laban_mapper.model import ServiceMap

SETTLES_S: Final = 5.0
_UNKNOWN: Final = ("entry", "external", "unseen")


@dataclass(slots=True)
class Settling:
    """What one browser has seen of edges from and to parties that send no spans."""

    _first: dict[str, float] = field(default_factory=dict[str, float])
    """When each edge was seen first, in seconds of a monotonic clock."""
    _begun: bool = False

    def settled(self, found: ServiceMap, now: float) -> ServiceMap:
        """Return the map without edges to unknown parties that came within SETTLES_S seconds.

        Args:
            found: the map.
            now: seconds of a monotonic clock. The first map of all is believed.
        """
        unknown = {node.id for node in found.nodes if node.kind in _UNKNOWN}
        hidden: set[str] = set()
        for edge in found.edges:
            if edge.source in unknown or edge.target in unknown:
                since = self._first.setdefault(edge_id(edge), now if self._begun else now - SETTLES_S)
                hidden |= {edge_id(edge)} if now - since < SETTLES_S else set()
        self._begun = True
        if not hidden:
            return found
        edges = [edge for edge in found.edges if edge_id(edge) not in hidden]
        ends = {end for edge in edges for end in (edge.source, edge.target)}
        nodes = [node for node in found.nodes if node.id in ends or node.id not in unknown]
        return found.model_copy(update={"edges": edges, "nodes": nodes})
