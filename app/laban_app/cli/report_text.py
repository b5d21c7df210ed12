"""A report for the terminal: the verdict first, then what was found, each with its proof."""

from collections import Counter
from typing import Final

from rich.console import Console
from rich.text import Text

from laban_mapper.names import shortened
from laban_mapper.reports.report import Report, ReportItem, Severity

_STYLES: Final[dict[Severity, str]] = {"error": "bold red", "warning": "bold yellow", "info": "dim"}
_MOST_TRACES: Final = 5
_PLACE: Final = 120


def show_report(report: Report, console: Console) -> None:
    """Print a report. The console makes its texts safe. Advice for several items comes once, at the end."""
    console.print(Text(report.verdict, style="bold red" if report.failed else "bold green"))
    console.print(Text(report.title, style="dim"))
    shown = [item for item in report.items if item.accepted is None]
    advice = Counter(item.advice for item in shown if item.advice is not None)
    for item in shown:
        console.print()
        _show(item, console, advised=item.advice is not None and advice[item.advice] == 1)
    for text in (text for text, number in advice.items() if number > 1):
        names = dict.fromkeys(item.name for item in shown if item.advice == text)
        console.print()
        console.print(Text(f"{', '.join(names)}:", style="dim"))
        _print(text, "dim", console)
    accepted = [item for item in report.items if item.accepted is not None]
    if accepted:
        console.print()
        console.print(Text("accepted", style="dim"))
        for item in accepted:
            _print(f"{item.name}  {shortened(item.place, _PLACE)}: {item.accepted}", "dim", console)
    if report.notes:
        console.print()
    for note in report.notes:
        console.print(Text(note, style="dim"))


def _show(item: ReportItem, console: Console, *, advised: bool) -> None:
    head = Text(f"{item.severity} {item.code} {item.name}", style=_STYLES[item.severity])
    head.append(f"  {shortened(item.place, _PLACE)}", style="bold not dim")
    if item.file is not None:
        head.append(f"  {item.file}" if item.line is None else f"  {item.file}:{item.line}", style="dim")
    console.print(head)
    _print(item.sentence, "", console)
    if advised and item.advice is not None:
        _print(item.advice, "dim", console)
    for trace in item.traces[:_MOST_TRACES]:
        _print(f"laban trace {trace}", "cyan", console)


def _print(text: str, style: str, console: Console) -> None:
    for line in Text(text, style=style).wrap(console, max(console.width - 2, 1)):
        line.rstrip()
        console.print(Text.assemble("  ", line))
