"""Adds up edges of a map."""

from collections.abc import Sequence
from typing import Final

from laban_mapper.model import Edge, Evidence

_SEVERAL: Final = "several protocols"


def summed(source: str, target: str, edges: Sequence[Edge]) -> Edge:
    """One edge for several; percentiles of parts do not add up, so they are unknown."""
    if len(edges) == 1:
        return edges[0].model_copy(update={"source": source, "target": target})
    protocols = {edge.protocol for edge in edges}
    return Edge(
        source=source,
        target=target,
        kind=edges[0].kind,
        protocol=protocols.pop() if len(protocols) == 1 else _SEVERAL,
        calls=sum(edge.calls for edge in edges),
        errors=sum(edge.errors for edge in edges),
        evidence=Evidence(
            parent=sum(edge.evidence.parent for edge in edges),
            link=sum(edge.evidence.link for edge in edges),
            attribute=sum(edge.evidence.attribute for edge in edges),
        ),
    )
