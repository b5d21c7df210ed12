"""The list of orders as a table for the terminal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laban_app.cli.terminal import count
from laban_mapper.model import Orders, OrderSummary, Outcome
from laban_mapper.names import shortened
from laban_mapper.orders import MOST, OrdersQuestion
from laban_mapper.times import format_duration, time_range

_STYLES: Final[dict[Outcome, str]] = {
    "ok": "green",
    "ok_with_errors": "yellow",
    "failed": "bold red",
    "waiting": "yellow",
    "incomplete": "yellow",
}
_WIDE: Final = 120
"""Columns of a terminal that has room for cause and services side by side."""
_VALUE: Final = 24
"""The most characters of an order ID."""
_SERVICES: Final = 4
"""The most services of one order that are named."""


def show_orders(answer: Orders, asked: OrdersQuestion, console: Console) -> None:
    """Print the orders; a narrow terminal names the services only of orders without a cause."""
    wide = console.width >= _WIDE
    several = len({order.key for order in answer.orders}) > 1
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("last seen", no_wrap=True)
    table.add_column(asked.key, no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    for heading in ("cause", "services") if wide else ("cause, or services",):
        table.add_column(heading, overflow="fold")
    one_day = len({_seen(order).date() for order in answer.orders}) == 1
    for order in answer.orders:
        cause = Text(order.cause.sentence, style="red") if order.cause else Text()
        services = Text(_services(order.services), style="dim")
        value = shortened(f"{order.key} {order.value}" if several else order.value, _VALUE)
        table.add_row(
            f"{_seen(order):%H:%M:%S}" if one_day else f"{_seen(order):%m-%d %H:%M}",
            Text(value, style="bold cyan"),
            Text(order.outcome.replace("_", " "), style=_STYLES[order.outcome]),
            format_duration(order.duration_ms),
            *((cause, services) if wide else (cause or services,)),
        )
    console.print(table)
    console.print()
    console.print(Text(_footer(answer, asked), style="dim"))


def _seen(order: OrderSummary) -> datetime:
    return order.last_seen or order.started


def _services(names: Sequence[str]) -> str:
    shown = [shortened(name, _VALUE) for name in names[:_SERVICES]]
    return ", ".join(shown) + (f" and {len(names) - _SERVICES} more" if len(names) > _SERVICES else "")


def _footer(answer: Orders, asked: OrdersQuestion) -> str:
    """How many orders are shown of how many, when, and how to see one."""
    shown = count(len(answer.orders), "order")
    first, last = (end(map(_seen, answer.orders)) for end in (min, max))
    told = [f"{shown}, last seen {time_range(first, last)}"]
    if asked.only or asked.sort == "worst":
        told.append(f"of the newest {answer.looked_at:,}")
    if answer.truncated:
        told.append("there are more (--limit, --until)" if answer.looked_at < MOST else "older ones: --until")
    return " · ".join([*told, f"laban story {answer.orders[0].key}=…"])
