"""Sums a demo up by asking laban's own commands, as anybody would."""

from pathlib import Path
from typing import TypedDict

from laban_samples.observer import Json, ask, run_laban

EdgeSummary = TypedDict(
    "EdgeSummary",
    {"from": str, "to": str, "kind": str, "protocol": str, "calls": int, "errors": int},
)


class LagSummary(TypedDict):
    """By how many messages a group was behind in a topic at the end."""

    group: str
    topic: str
    messages: int


class Summary(TypedDict):
    """What `laban demo --once --json` prints."""

    database: str
    orders: list[str]
    spans: int
    services: list[str]
    edges: list[EdgeSummary]
    lag: list[LagSummary]
    diagram: str


def summarize(database: Path, orders: list[str], diagram: Path) -> Summary:
    """Ask for the contents, the map, the lag and the diagram of a database that nobody writes anymore.

    Raises:
        PartFailed: a command failed.
    """
    status = ask("status", database)
    run_laban("diagram", "--format", "svg", "-o", str(diagram), "--db", str(database))
    return {
        "database": str(database),
        "orders": orders,
        "spans": status["spans"],
        "services": status["services"],
        "edges": [edge_summary(edge) for edge in ask("map", database)["edges"]],
        "lag": lag_summary(ask("lag", database)),
        "diagram": str(diagram),
    }


def edge_summary(edge: Json) -> EdgeSummary:
    """The part of an edge that the summary has."""
    return {
        "from": edge["from"],
        "to": edge["to"],
        "kind": edge["kind"],
        "protocol": edge["protocol"],
        "calls": edge["calls"],
        "errors": edge["errors"],
    }


def lag_summary(report: Json) -> list[LagSummary]:
    """The lag of each group and topic, its partitions added up."""
    added: dict[tuple[str, str], int] = {}
    for group in report["groups"]:
        for row in group["topics"]:
            key = (group["group"], row["topic"])
            # A group that has committed nothing is behind by all that there is, which `end` bounds.
            behind = row["messages"] if row["messages"] is not None else row["end"]
            added[key] = added.get(key, 0) + behind
    return [
        {"group": group, "topic": topic, "messages": messages} for (group, topic), messages in added.items()
    ]
