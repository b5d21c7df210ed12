"""A report for the terminal: the verdict first, then what was found, each with its proof."""

from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from laban_mapper.names import shortened
from laban_mapper.reports.report import Report, ReportItem, Severity

_STYLES: Final[dict[Severity, str]] = {"error": "bold red", "warning": "bold yellow", "info": "dim"}
_MOST_TRACES: Final = 5
_PLACE: Final = 120


def show_report(report: Report, console: Console) -> None:
    """Print a report. The console makes its texts safe."""
    console.print(Text(report.verdict, style="bold red" if report.failed else "bold green"))
    console.print(Text(report.title, style="dim"))
    for item in (item for item in report.items if item.accepted is None):
        console.print()
        _show(item, console)
    accepted = [item for item in report.items if item.accepted is not None]
    if accepted:
        console.print()
        console.print(Text("accepted", style="dim"))
        for item in accepted:
            console.print(Text(f"  {item.name}  {shortened(item.place, _PLACE)}: {item.accepted}", "dim"))
    if report.notes:
        console.print()
    for note in report.notes:
        console.print(Text(note, style="dim"))


def _show(item: ReportItem, console: Console) -> None:
    head = Text(f"{item.severity} ", style=_STYLES[item.severity])
    head.append(f"{item.code} {item.name}", style=_STYLES[item.severity])
    head.append(f"  {shortened(item.place, _PLACE)}", style="bold")
    if item.file is not None:
        head.append(f"  {item.file}" if item.line is None else f"  {item.file}:{item.line}", style="dim")
    console.print(head)
    console.print(Padding(Text(item.sentence), (0, 0, 0, 2)))
    if item.advice is not None:
        console.print(Padding(Text(item.advice, style="dim"), (0, 0, 0, 2)))
    for trace in item.traces[:_MOST_TRACES]:
        console.print(Padding(Text(f"laban trace {trace}", style="cyan"), (0, 0, 0, 2)))
