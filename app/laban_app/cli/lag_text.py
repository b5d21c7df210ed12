"""The consumer lag as a table for the terminal."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laban_mapper.lag import problem_place
from laban_mapper.model import GroupLag, LagReport, LagStatus, PartitionLag
from laban_mapper.times import format_duration

LAG_STYLES: Final[dict[LagStatus, str]] = {
    "OK": "green",
    "WARN": "yellow",
    "STALL": "bold red",
    "STOP": "bold red",
    "REWIND": "magenta",
}


def show_lag(report: LagReport, console: Console) -> None:
    """Print how far behind each group is, one row per partition, and what could not be read."""
    clusters = len({group.cluster for group in report.groups}) > 1
    lost = any(group.lost for group in report.groups)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("group", overflow="fold")  # only names wrap on a narrow terminal
    if clusters:
        table.add_column("cluster", overflow="fold")
    table.add_column("status", no_wrap=True)
    table.add_column("topic", overflow="fold")
    for heading in ("partition", "committed", "end", "behind", *(["lost"] if lost else []), "time behind"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in report.groups:
        for row in _rows(group, lost=lost):
            name, rest = row[0], row[1:]
            table.add_row(name, *([group.cluster or ""] if clusters else []), *rest)
    console.print(table)
    _legend(report, console)


def polled(report: LagReport) -> str:
    """When a broker was asked last: a file, or a collector without a broker, tells nothing newer."""
    newest = max(lag.time for group in report.groups for lag in group.topics)
    return f"polled at {newest:%Y-%m-%d %H:%M:%S} UTC"


def _rows(group: GroupLag, *, lost: bool) -> Iterator[tuple[Text | str, ...]]:
    name = Text(group.group, style="bold cyan")
    if not group.topics:
        yield (name, Text(group.problem or "unknown", style="yellow"))
    status: Text | str = _status(group)
    for lag in group.topics:
        yield (
            name,
            status,
            lag.topic,
            str(lag.partition),
            "–" if lag.committed is None else str(lag.committed),
            str(lag.end),
            "–" if lag.messages is None else Text(str(lag.messages), style="bold" if lag.messages else "dim"),
            *([_lost(lag)] if lost else []),
            Text(f"? {lag.problem}", style="yellow") if lag.problem else _behind(lag),
        )
        name, status = Text(""), ""


def _status(group: GroupLag) -> Text:
    return Text(group.status or "unknown", style=LAG_STYLES[group.status] if group.status else "yellow")


def _lost(lag: PartitionLag) -> Text:
    return Text(str(lag.lost), style="bold red" if lag.lost else "dim")


def _behind(lag: PartitionLag) -> str:
    if lag.seconds is None:
        return "–"
    about = "~" if lag.seconds_from == "interpolated" else ""
    return f"{about}{format_duration(lag.seconds * 1000)}"


def _legend(report: LagReport, console: Console) -> None:
    partitions = [lag for group in report.groups for lag in group.topics]
    notes = [polled(report)] if partitions else []
    if any(lag.seconds_from == "interpolated" and lag.problem is None for lag in partitions):
        notes.append("~ estimated from the growth of the log")
    if any(lag.lost for lag in partitions):
        notes.append("lost: deleted by retention before the group read them")
    if notes:
        console.print()
        console.print(Text("   ".join(notes), style="dim"))
    for problem in report.problems:
        console.print(Text(f"Not read: {problem_place(problem)}: {problem.reason}", style="yellow"))
