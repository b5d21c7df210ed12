"""The names of nodes in a choreography."""

from typing import Final

from laban_mapper.drift.folding import folded

SERVICE_KIND: Final = "service:"
ENTRY: Final = "entry:clients"
"""The caller of everything that begins without one."""
_KINDS: Final = ("service", "database", "external", "entry", "topic", "group", "other", "unseen")


def name_of(node: str) -> str:
    """The name of a node, without IDs: of a service its name, of others with the kind before it."""
    kind, _, name = node.partition(":")
    if kind != "service":
        return f"{kind}:{folded(name)}"
    name = folded(name)
    return f"{SERVICE_KIND}{name}" if name.partition(":")[0] in _KINDS and ":" in name else name


def in_words(name: str) -> str:
    """The name of a node for people: `database postgresql/orders`, `order`, `callers outside`."""
    if name == ENTRY:
        return "callers outside"
    kind, colon, rest = name.partition(":")
    return f"{kind} {rest}" if colon and kind in _KINDS else name
