"""What fires now, for the terminal: the worst first, each with its proof."""

import shlex
from datetime import datetime, timedelta
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
_NOT_JUDGED: Final = (
    "no operation has an objective ([objectives] in laban.toml), so failed and slow requests do not alert; "
    "laban orders --sort worst shows them"
)


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
    if silence := _silence(found):
        console.print(Text(silence, style="yellow"))
    if not found.judged:
        console.print(Text(_NOT_JUDGED, style="dim"))
    for alert in found.alerts:
        console.print()
        _show(alert, found.time, console)
    if found.left_out:
        console.print()
        console.print(Text(f"{counted(found.left_out, 'alert')} more", style="dim"))


def _silence(found: Alerts) -> str:
    """That no span came lately, so that nothing was seen that could fire; empty if some did."""
    if "newest" not in found.model_fields_set:  # an older collector does not say
        return ""
    if found.newest is None:
        return "no span is stored"
    if found.newest >= found.time - timedelta(seconds=found.window_s):
        return ""
    age = format_duration((found.time - found.newest).total_seconds() * 1000)
    return (
        f"no span is of this time: the newest is of {found.newest:%F %T} UTC, {age} ago; "
        "laban findings shows what was wrong then"
    )


def _show(alert: Alert, now: datetime, console: Console) -> None:
    head = Text(f"{alert.severity} {alert.name}", style=_STYLES[alert.severity])
    head.append(f"  {shortened(alert.place, _PLACE)}", style="bold not dim")
    if alert.since is not None:
        age = format_duration((now - alert.since).total_seconds() * 1000)
        head.append(f"  for {age}", style="not bold dim")
    console.print(head)
    _print(alert.sentence, "", console)
    if (command := _command(alert)) is not None:
        _print(command, "cyan", console)
    if alert.link is not None:
        _print(alert.link, "dim", console)


def _command(alert: Alert) -> str | None:
    """The command that shows the proof, for a shell: the value of a key comes from a stranger."""
    order = alert.order
    if order is not None and order.key.startswith("order"):
        return f"laban order {shlex.quote(order.value)}"
    if order is not None:
        return f"laban story {shlex.quote(f'{order.key}={order.value}')}"
    return f"laban trace {alert.traces[0]}" if alert.traces else None


def _print(text: str, style: str, console: Console) -> None:
    console.print(Padding(Text(text, style=style), (0, 0, 0, 2), expand=False))
