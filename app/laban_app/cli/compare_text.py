"""A comparison for the terminal: what the change brought, then both sides next to each other."""

from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from laban_app.cli.hanging import Hanging
from laban_mapper.drift.comparison.rows import Change, edge_rows, group_rows, pair, system_rows
from laban_mapper.model_compare import Comparison
from laban_mapper.names import shortened

_STYLES: Final[dict[Change, str]] = {
    "new": "green",
    "gone": "red",
    "rarer": "cyan",
    "more often": "yellow",
    "slower": "yellow",
    "faster": "cyan",
    "failing": "bold red",
    "same": "dim",
}
_NAME: Final = 60


def show_comparison(comparison: Comparison, console: Console, *, everything: bool) -> None:
    """Print a comparison whose texts are safe."""
    for sentence in comparison.brought:
        console.print(Padding(Text(sentence, style="bold"), expand=False))
    if not comparison.brought:
        console.print(Text("Nothing has changed that can be told.", style="bold"))
    console.print()
    console.print(_systems(comparison))
    console.print()
    _show_edges(comparison, console, everything=everything)
    if comparison.groups:
        console.print()
        console.print(_lag(comparison))
    untold = sum(item.kind == "too-little-traffic" for item in comparison.changes)
    notes = [*comparison.notes]
    if untold:
        notes.append(f"{untold} more may be gone: not enough traffic to tell (--json names them).")
    if comparison.truncated:
        notes.append("Only the busiest edges are compared.")
    if notes:
        console.print()
    for note in notes:
        console.print(Text(note, style="dim"))


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _systems(comparison: Comparison) -> Table:
    table = _table()
    table.add_column("")
    table.add_column(f"before: {shortened(comparison.before.name, _NAME)}")
    table.add_column(f"after: {shortened(comparison.after.name, _NAME)}")
    for row in system_rows(comparison):
        style = "" if row.before == row.after or row.name == "time" else "bold"
        table.add_row(Text(row.name, style="dim"), row.before, Text(row.after, style=style))
    return table


def _show_edges(comparison: Comparison, console: Console, *, everything: bool) -> None:
    table = _table()
    table.add_column("", overflow="fold")
    table.add_column("", no_wrap=True)
    for heading in ("calls", "errors", "p50", "p95"):
        table.add_column(heading, justify="right", no_wrap=True)
    shown = 0
    for row in edge_rows(comparison, everything=everything):
        pairs = [pair(*both) for both in (row.calls, row.errors, row.p50, row.p95)]
        text = Text(shortened(row.name, 90), style="magenta" if row.is_async else "")
        name = Hanging(Text(), text, indent=2)
        table.add_row(name, Text(row.change, style=_STYLES[row.change]), *map(Text, pairs))
        shown += 1
    if shown:
        console.print(table)
    more = len(comparison.edges) - shown
    if more:
        same = "1 more edge is" if more == 1 else f"{more} more edges are"
        console.print(Text(f"{same} the same (--all)", style="dim"))


def _lag(comparison: Comparison) -> Table:
    table = _table()
    for heading in ("most lag of a group", "before", "after"):
        table.add_column(heading)
    for group, before, after in group_rows(comparison):
        table.add_row(shortened(group.group, _NAME), before, after)
    return table
