"""The graph, the lag and the status for the terminal."""

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laban_app.cli.collector_text import collector_rows
from laban_mapper.model import Edge, LagReport, Node, ServiceMap, Status
from laban_mapper.times import in_words

_KIND_WORDS: Final = {
    "service": "",
    "topic": " (topic)",
    "group": " (group)",
    "database": " (database)",
    "external": " (external)",
    "entry": "",
}
_LAG_STYLES: Final = {
    "OK": "green",
    "WARN": "yellow",
    "STALL": "bold red",
    "STOP": "bold red",
    "REWIND": "magenta",
}


def show_map(service_map: ServiceMap, console: Console) -> None:
    """Print who talks to whom, caller by caller, callers before those they call."""
    from laban_mapper.topology import callers_first  # networkx is slow to load

    seconds = max((service_map.until - service_map.since).total_seconds(), 1.0)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("who → whom", no_wrap=True)
    table.add_column("by")
    for heading in ("calls", "errors", "p50", "p95", "p99"):
        table.add_column(heading, justify="right", no_wrap=True)
    nodes = {node.id: node for node in service_map.nodes}
    for source in callers_first(service_map):
        edges = [edge for edge in service_map.edges if edge.source == source]
        if edges:
            table.add_row(Text(_name(nodes[source]), style="bold cyan"))
        for edge in edges:
            table.add_row(*_edge(edge, nodes[edge.target]))
    console.print(table)
    console.print()
    window = f"{service_map.since:%Y-%m-%d %H:%M:%S} to {service_map.until:%H:%M:%S} UTC"
    legend = "──▶ sync, latency   ┄┄▶ async, time in the queue"
    console.print(Text(f"{legend}   {window} ({in_words(seconds * 1000)})", style="dim"))


def show_lag(report: LagReport, console: Console) -> None:
    """Print how far each group is behind, partition by partition."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("group", "status", "topic"):
        table.add_column(heading, no_wrap=True)
    for heading in ("partition", "committed", "end", "behind", "time behind"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in report.groups:
        name, status = group.group, Text(group.status, style=_LAG_STYLES[group.status])
        for lag in group.topics:
            table.add_row(
                Text(name, style="bold cyan"),
                status,
                lag.topic,
                str(lag.partition),
                "–" if lag.committed is None else str(lag.committed),
                str(lag.end),
                "–"
                if lag.messages is None
                else Text(str(lag.messages), style="bold" if lag.messages else "dim"),
                "–" if lag.seconds is None else in_words(lag.seconds * 1000),
            )
            name, status = "", Text("")
    console.print(table)


def show_status(status: Status, console: Console) -> None:
    """Print what the store holds, and how its collector is doing."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_row(Text("laban", style="dim"), status.version)
    table.add_row(Text("spans", style="dim"), f"{status.spans:,} in about {status.traces:,} traces")
    table.add_row(Text("services", style="dim"), ", ".join(status.services) or "none yet")
    if status.first and status.last:
        table.add_row(Text("from", style="dim"), f"{status.first:%Y-%m-%d %H:%M:%S} UTC")
        table.add_row(Text("to", style="dim"), f"{status.last:%Y-%m-%d %H:%M:%S} UTC")
    for name, value in collector_rows(status.collector) if status.collector else ():
        table.add_row(Text(name, style="dim"), value)
    console.print(table)


def _edge(edge: Edge, target: Node) -> tuple[Text | str, ...]:
    arrow = "──▶" if edge.kind == "sync" else "┄┄▶"
    errors = Text(str(edge.errors), style="bold red" if edge.errors else "dim")
    return (
        Text(f"  {arrow} {_name(target)}", style="" if edge.kind == "sync" else "magenta"),
        edge.protocol,
        str(edge.calls),
        errors,
        *("–" if ms is None else in_words(ms) for ms in (edge.p50_ms, edge.p95_ms, edge.p99_ms)),
    )


def _name(node: Node) -> str:
    return f"{node.name}{_KIND_WORDS[node.kind]}"
