"""The colors of pictures, light and dark; text on each has a contrast of at least 4.5 to 1."""

from typing import Final, NamedTuple

from laban_mapper.model import NodeKind


class Palette(NamedTuple):
    """The colors of a picture, as `#rrggbb`.

    Attributes:
        paper: the background.
        ink: titles and names.
        faint: legends and labels.
        frame: around groups of nodes.
        sync: arrows of calls.
        messages: arrows of messages.
        failing: arrows of calls that fail, and of groups that do not keep up.
        queued: the messages in a topic.
        fills: of nodes, by kind.
        lines: around nodes, by kind.
    """

    paper: str
    ink: str
    faint: str
    frame: str
    sync: str
    messages: str
    failing: str
    queued: str
    fills: dict[NodeKind, str]
    lines: dict[NodeKind, str]


LIGHT: Final = Palette(
    paper="#ffffff",
    ink="#1f2937",
    faint="#475569",
    frame="#94a3b8",
    sync="#1d4ed8",
    messages="#7c3aed",
    failing="#c81e1e",
    queued="#fcd34d",
    fills={
        "service": "#dbeafe",
        "topic": "#fef3c7",
        "group": "#fef2f2",
        "database": "#dcfce7",
        "external": "#f1f5f9",
        "entry": "#f8fafc",
        "unseen": "#f9fafb",
        "other": "#e5e7eb",
    },
    lines={
        "service": "#2563eb",
        "topic": "#b45309",
        "group": "#dc2626",
        "database": "#15803d",
        "external": "#64748b",
        "entry": "#647488",
        "unseen": "#657389",
        "other": "#6b7280",
    },
)
"""Every color occurs once, so that SVG can give each its dark counterpart."""

DARK: Final = Palette(
    paper="#0f172a",
    ink="#f1f5f9",
    faint="#b6c2d2",
    frame="#5b6b82",
    sync="#7fb0ff",
    messages="#bfa3ff",
    failing="#ff8a8a",
    queued="#9a7318",
    fills={
        "service": "#1e3a6e",
        "topic": "#5a3d0c",
        "group": "#5b1f24",
        "database": "#14492a",
        "external": "#27324a",
        "entry": "#1e293b",
        "unseen": "#1e293a",
        "other": "#374151",
    },
    lines={
        "service": "#7cb0fd",
        "topic": "#f0b44c",
        "group": "#fa8080",
        "database": "#57d98a",
        "external": "#93a3b8",
        "entry": "#94a3b9",
        "unseen": "#94a3ba",
        "other": "#9ca3af",
    },
)


def pairs(first: Palette, second: Palette) -> dict[str, str]:
    """By color of one palette, the color of the other with the same meaning."""
    plain = {
        getattr(first, name): getattr(second, name)
        for name in ("paper", "ink", "faint", "frame", "sync", "messages", "failing", "queued")
    }
    fills = {first.fills[kind]: second.fills[kind] for kind in first.fills}
    return plain | fills | {first.lines[kind]: second.lines[kind] for kind in first.lines}
