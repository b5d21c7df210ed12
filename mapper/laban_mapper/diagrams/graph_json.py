"""A graph as JSON, in the shapes of `laban map --json`."""

import json

from laban_mapper.diagrams.graph import Graph


def write(graph: Graph) -> bytes:
    """One JSON object; the same graph gives the same bytes. Whatever a terminal could obey is escaped."""
    shown = graph.shown.model_dump(mode="json", by_alias=True, include={"since", "until"})
    parts = graph.shown.model_dump(mode="json", by_alias=True, include={"nodes", "edges"})
    head = {"title": graph.title, "laban": graph.version, "note": graph.note}
    text = json.dumps({**head, **shown, **parts}, indent=2).replace("\x7f", r"\u007f")
    return f"{text}\n".encode()
