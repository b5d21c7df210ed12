"""Summarizes a demo with the answers of laban's own commands."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from laban_samples.demo.laban_processes import Json, query_laban, run_laban
from laban_samples.messaging.cluster import KafkaCluster

EdgeSummary = TypedDict(
    "EdgeSummary",
    {"from": str, "to": str, "kind": str, "protocol": str, "calls": int, "errors": int},
)


class LagSummary(TypedDict):
    """How many messages of a topic a consumer group has not processed."""

    group: str
    topic: str
    messages: int


class Summary(TypedDict):
    """The output of `laban demo --once --json`.

    `lag` is what laban polled while the shop ran. `left` is what the groups had not processed when the shop
    stopped, as the broker tells it; empty if they processed all messages.
    """

    database: str
    orders: list[str]
    spans: int
    services: list[str]
    edges: list[EdgeSummary]
    lag: list[LagSummary]
    left: list[LagSummary]
    diagram: str


def summarize(database: Path, orders: list[str], left: list[LagSummary], diagram: Path) -> Summary:
    """Query status, map, lag and diagram of a database that no process writes to anymore.

    Raises:
        ProcessFailed: a command failed.
    """
    status = query_laban("status", database)
    run_laban("diagram", "--format", "svg", "-o", str(diagram), "--db", str(database))
    return {
        "database": str(database),
        "orders": orders,
        "spans": status["spans"],
        "services": status["services"],
        "edges": [edge_summary(edge) for edge in query_laban("map", database)["edges"]],
        "lag": lag_summary(query_laban("lag", database)),
        "left": left,
        "diagram": str(diagram),
    }


def left_summary(cluster: KafkaCluster, left: Mapping[tuple[str, str], int]) -> list[LagSummary]:
    """Return the messages that groups left, by their full names in the cluster."""
    return [
        {"group": cluster.group(group), "topic": cluster.topic(topic), "messages": messages}
        for (group, topic), messages in left.items()
    ]


def edge_summary(edge: Json) -> EdgeSummary:
    """Return the fields of an edge that belong in the summary."""
    return {
        "from": edge["from"],
        "to": edge["to"],
        "kind": edge["kind"],
        "protocol": edge["protocol"],
        "calls": edge["calls"],
        "errors": edge["errors"],
    }


def lag_summary(report: Json) -> list[LagSummary]:
    """Add up the lag of all partitions per consumer group and topic."""
    totals: dict[tuple[str, str], int] = {}
    for group in report["groups"]:
        for row in group["topics"]:
            key = (group["group"], row["topic"])
            # The lag of a group without a commit is the whole log, at most `end` messages.
            lag = row["messages"] if row["messages"] is not None else row["end"]
            totals[key] = totals.get(key, 0) + lag
    return [
        {"group": group, "topic": topic, "messages": messages} for (group, topic), messages in totals.items()
    ]
