"""The direction in which a picture is read: from the callers on the left to the callees on the right."""

from collections.abc import Collection, Iterable, Mapping


def depths(
    nodes: Collection[str], pairs: Iterable[tuple[str, str]], entries: Iterable[str]
) -> Mapping[str, int]:
    """How many arrows each node is away from where requests come in, by the shortest way; sorted by that.

    Nodes that no entry reaches begin at those without an arrow to them, or else at the first of a circle.

    Args:
        nodes: node IDs.
        pairs: the ends of the arrows.
        entries: node IDs where requests come in.
    """
    below: dict[str, set[str]] = {node: set() for node in nodes}
    called: set[str] = set()
    for source, target in pairs:
        below[source].add(target)
        called.add(target)
    found: dict[str, int] = {}
    _reach(sorted(entries), below, found)
    _reach([node for node in sorted(nodes) if node not in called and node not in found], below, found)
    for node in sorted(nodes):
        if node not in found:
            _reach([node], below, found)
    return dict(sorted(found.items(), key=lambda one: (one[1], one[0])))


def _reach(start: list[str], below: Mapping[str, set[str]], found: dict[str, int]) -> None:
    """Number the nodes that can be reached and have no number yet, one step after the other."""
    layer, depth = start, 0
    while layer:
        found.update(dict.fromkeys(layer, depth))
        layer = sorted({after for node in layer for after in below[node]} - found.keys())
        depth += 1
