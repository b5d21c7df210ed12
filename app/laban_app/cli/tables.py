"""The service map and the status as tables for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from laban_app.cli import terminal
from laban_app.cli.hanging import Hanging
from laban_app.cli.lag_text import LAG_STYLES
from laban_mapper.contracts import MOST_SHOWN, contract_name, edge_labels, published
from laban_mapper.lag import lag_mark
from laban_mapper.model import CollectorStatus, Edge, LogCounts, Node, ServiceMap, Status, StoreVerification
from laban_mapper.names import shortened
from laban_mapper.times import format_duration, time_range

_KIND_WORDS: Final = {
    "service": "",
    "topic": " (topic)",
    "group": " (group)",
    "database": " (database)",
    "external": " (external)",
    "entry": "",
    "unseen": "",
    "other": "",
}
_INDENT: Final = " " * 8
_SIZE_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def show_map(service_map: ServiceMap, console: Console) -> None:
    """Print the calls, grouped by caller, callers before callees."""
    from laban_mapper.topology import callers_first  # networkx is slow to load

    seconds = max((service_map.until - service_map.since).total_seconds(), 1.0)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("caller → callee", overflow="fold")  # only names wrap on a narrow terminal
    table.add_column("protocol", no_wrap=True)
    for heading in ("calls", "errors", "p50", "p95", "p99"):
        table.add_column(heading, justify="right", no_wrap=True)
    nodes = {node.id: node for node in service_map.nodes}
    of_topics = published(service_map.edges)
    for source in callers_first(service_map):
        edges = [edge for edge in service_map.edges if edge.source == source]
        if edges:
            table.add_row(_marked(nodes[source], "bold cyan"))
        for edge in edges:
            table.add_row(*_edge(edge, nodes[edge.target]))
            for row in _contracts(edge, of_topics):
                table.add_row(*row)
    console.print(table)
    console.print()
    legend = "──▶ sync, latency   ┄┄▶ async, time in the queue"
    when = f"{time_range(service_map.since, service_map.until)} ({format_duration(seconds * 1000)})"
    console.print(Text(f"{legend}   {when}", style="dim"))
    if service_map.truncated:
        busiest = "Only the busiest edges; the others are added up in the nodes named “other …”"
        console.print(Text(busiest, style="dim"))
    if service_map.callers_not_seen:
        calls = terminal.count(service_map.callers_not_seen, "call")
        console.print(
            Text(f"{calls} by callers not seen: sampled out, lost, late or not traced", style="dim")
        )
    if service_map.counted_to:
        newest = f"spans stored after {service_map.counted_to:%H:%M:%S} UTC are not counted yet"
        console.print(Text(f"Very many spans arrive: {newest}", style="yellow"))


def show_status(status: Status, console: Console) -> None:
    """Print what is stored and how the collector is doing."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_row(Text("laban", style="dim"), status.version)
    about = "about " if status.traces_estimated else ""
    traces = terminal.count(status.traces, "trace")
    table.add_row(Text("spans", style="dim"), f"{status.spans:,} in {about}{traces}")
    table.add_row(Text("services", style="dim"), ", ".join(status.services) or "none yet")
    if status.first and status.last:
        table.add_row(Text("from", style="dim"), f"{status.first:%Y-%m-%d %H:%M:%S} UTC")
        table.add_row(Text("to", style="dim"), f"{status.last:%Y-%m-%d %H:%M:%S} UTC")
    for warning in status.warnings:
        table.add_row(Text("warning", style="dim"), Text(warning, style="yellow"))
    for name, value in _collector_rows(status.collector) if status.collector else ():
        table.add_row(Text(name, style="dim"), value)
    console.print(table)


def _contracts(edge: Edge, of_topics: Mapping[str, Sequence[str]]) -> Iterator[tuple[RenderableType, ...]]:
    """The event types of an edge that are not told above it; of several, the calls of those that failed."""
    if edge.source.startswith("group:"):
        return
    shown = edge_labels(edge, of_topics)
    if shown:
        yield (Hanging(Text(_INDENT), Text(", ".join(shown), style="dim")),)
    failed = [one for one in edge.contracts if one.errors] if len(edge.contracts) > 1 else []
    for one in failed[:MOST_SHOWN]:
        name = contract_name(one.event_type, one.version)
        yield (
            Hanging(Text(_INDENT), Text(name, style="dim")),
            "",
            Text(str(one.calls), style="dim"),
            Text(str(one.errors), style="red"),
        )


def _edge(edge: Edge, target: Node) -> tuple[RenderableType, ...]:
    arrow = "──▶" if edge.kind == "sync" else "┄┄▶"
    errors = Text(str(edge.errors), style="bold red" if edge.errors else "dim")
    style = "" if edge.kind == "sync" else "magenta"
    return (
        Hanging(Text(f"  {arrow} ", style=style), _marked(target, style)),
        edge.protocol,
        str(edge.calls),
        errors,
        *("–" if ms is None else format_duration(ms) for ms in (edge.p50_ms, edge.p95_ms, edge.p99_ms)),
    )


def _marked(node: Node, style: str) -> Text:
    """The name of a node, and how it lags if it is a group that does not keep up."""
    mark = lag_mark(node)
    name = Text(_name(node), style=style)
    return name if mark is None else name + Text(f"  ⏸ {mark}", style=LAG_STYLES[node.lag_status or "OK"])


def _name(node: Node) -> str:
    return f"{shortened(node.name)}{_KIND_WORDS[node.kind]}"


def _collector_rows(status: CollectorStatus) -> Iterator[tuple[str, Text]]:
    """Names and values, problems first."""
    if status.failure is not None:
        yield "database", Text(f"NOT AVAILABLE: {status.failure}", style="bold red")
    if status.doing:
        yield "doing", Text(status.doing, style="yellow")
    if not status.ledger_agrees:
        yield "ledger", Text(f"checked at the start: {status.ledger}", style="bold red")
    for name in status.set_aside:
        yield "quarantined", Text(name, style="red")
    for rescue in status.rescues:
        whole = rescue.state == "done" and not rescue.lost and not rescue.incomplete and rescue.exact
        yield "rescue", Text(rescue.sentence, style="" if whole else "bold red")
    yield "received", Text(f"{terminal.count(status.received, 'span')} since the start")
    duplicates = terminal.count(status.duplicates, "duplicate")
    yield "stored", Text(f"{terminal.count(status.stored, 'span')}, {duplicates}")
    yield "refused", _refused(status)
    if any(status.logs.model_dump().values()):
        yield "logs", Text(_logs(status.logs))
    yield (
        "in flight",
        Text(f"{_size(status.in_flight)}; {terminal.count(status.unloaded, 'span')} in the journal"),
    )
    yield "commits", _commits(status)
    yield (
        "file",
        Text(
            f"{_size(status.file)}, of which {_size(status.file - status.used)} free; log {_size(status.wal)}"
        ),
    )
    if status.others:
        yield "map", Text(_others(status), style="yellow")
    if status.forgotten:
        yield "deleted", Text(f"{terminal.count(status.forgotten, 'span')} by retention")
    yield "verified", _verified(status.verification)
    if status.ledger_agrees:
        yield "ledger", Text(f"checked at the start: {status.ledger}")


def _logs(logs: LogCounts) -> str:
    parts = [f"{terminal.count(logs.stored, 'record')} stored"]
    parts += [f"{logs.rejected:,} rejected"] if logs.rejected else []
    parts += [f"{terminal.count(logs.refused, 'request')} refused"] if logs.refused else []
    parts += [f"{logs.forgotten:,} deleted by retention"] if logs.forgotten else []
    return ", ".join(parts)


def _refused(status: CollectorStatus) -> Text:
    parts = [
        f"{terminal.count(count, 'request')} {reason}" for reason, count in sorted(status.refused.items())
    ]
    if status.rejected:
        parts.append(f"{terminal.count(status.rejected, 'span')} of accepted requests")
    return Text(", ".join(parts), style="yellow") if parts else Text("none")


def _verified(found: StoreVerification) -> Text:
    if found.damage is not None:
        return Text(f"DAMAGED: {found.damage}", style="bold red")
    if found.age_s is None:
        return Text("not yet since the start")
    rows = terminal.count(found.rows, "row")
    return Text(f"{format_duration(found.age_s * 1000)} ago: {found.blocks:,} blocks and {rows} are intact")


def _others(status: CollectorStatus) -> str:
    """The calls that the map does not tell apart, because there were too many names in an hour."""
    parts = ", ".join(
        f"{terminal.count(calls, 'call')} of {node.replace(':', ' ')}"
        for node, calls in sorted(status.others.items())
    )
    return f"{parts}: an hour had more names than the limit"


def _commits(status: CollectorStatus) -> Text:
    if status.commit_mean is None:
        return Text("none yet")
    each = format_duration(status.commit_mean * 1000)
    return Text(f"{terminal.count(status.commits, 'journal write')}, {each} each")


def _size(number: float) -> str:
    for unit in _SIZE_UNITS:
        if number < 1000 or unit == _SIZE_UNITS[-1]:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    raise AssertionError  # the last unit fits every size
