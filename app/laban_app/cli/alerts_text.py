"""What fires now, for the terminal: the worst first, each with its proof."""

from datetime import datetime
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from laban_mapper.model import Severity
from laban_mapper.model_alerts import Alert, Alerts
from laban_mapper.names import counted, shortened
from laban_mapper.times import format_duration

_STYLES: Final[dict[Severity, str]] = {"error": "bold red", "warning": "bold yellow", "info": "dim"}
_PLACE: Final = 120


def show_alerts(found: Alerts, console: Console) -> None:
    """Print what fires. The console makes its texts safe."""
    if found.alerts:
        console.print(Text(f"{counted(len(found.alerts), 'alert')} now", style="bold red"))
    else:
        console.print(Text("nothing fires", style="bold green"))
    window = format_duration(found.window_s * 1000)
    about = f"{found.time:%F %T} UTC; calls and messages of the last {window}"
    if not found.watched:
        about += "; no collector keeps watch ([alerts] in laban.toml), so new findings are unknown"
    console.print(Text(about, style="dim"))
    for alert in found.alerts:
        console.print()
        _show(alert, found.time, console)
    if found.left_out:
        console.print()
        console.print(Text(f"{counted(found.left_out, 'alert')} more", style="dim"))


def _show(alert: Alert, now: datetime, console: Console) -> None:
    head = Text(f"{alert.severity} {alert.name}", style=_STYLES[alert.severity])
    head.append(f"  {shortened(alert.place, _PLACE)}", style="bold not dim")
    if alert.since is not None:
        age = format_duration((now - alert.since).total_seconds() * 1000)
        head.append(f"  for {age}", style="not bold dim")
    console.print(head)
    _print(alert.sentence, "", console)
    if alert.order is not None and alert.order.key.startswith("order"):
        _print(f"laban order {alert.order.value}", "cyan", console)
    elif alert.order is not None:
        _print(f"laban story {alert.order.key} {alert.order.value}", "cyan", console)
    elif alert.traces:
        _print(f"laban trace {alert.traces[0]}", "cyan", console)
    if alert.link is not None:
        _print(alert.link, "dim", console)


def _print(text: str, style: str, console: Console) -> None:
    console.print(Padding(Text(text, style=style), (0, 0, 0, 2), expand=False))
