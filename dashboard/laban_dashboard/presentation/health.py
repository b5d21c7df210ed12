"""The Home page's data: whether anything is wrong now, in a few figures, and what has changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.finding_rows import counted_by_severity
from laban_dashboard.presentation.lag_charts import by_severity, lag_caption
from laban_dashboard.presentation.map.health import edge_health
from laban_dashboard.presentation.map.labels import edge_label, node_name
from laban_mapper.lag import stands_in
from laban_mapper.model import STANDS, Edge, Findings, GroupLag, Orders, OrderSummary, ServiceMap
from laban_mapper.names import listed
from laban_mapper.orders import badness

Tone = Literal["good", "bad", "neutral"]

_NEW: Final = timedelta(seconds=30)
_TOLD: Final = 4
"""The most problems, and the most changes, that are told."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the page.

    Attributes:
        label: what it is.
        value: the number, formatted.
        note: what it is compared with.
        tone: whether it is fine.
    """

    label: str
    value: str
    note: str
    tone: Tone


def figures(orders: Orders, groups: Sequence[GroupLag], now: datetime) -> list[Figure]:
    """Orders a minute, how many went badly, and the worst consumer group."""
    found = orders.orders
    failed = sum(order.outcome == "failed" for order in found)
    waiting = [order for order in found if order.outcome == "waiting"]
    long = [order for order in waiting if not _goes_on(order, now)]
    slow = sum(order.cause is not None and order.cause.kind == "slow" for order in found)
    return [
        Figure("Orders a minute", *_per_minute(orders, now), "neutral"),
        _share("Failed", failed, len(found)),
        _share("Slow", slow, len(found)),
        _share("Waiting", len(waiting), len(found), "bad" if long else "neutral"),
        _worst_group(groups),
    ]


def findings_figure(found: Findings) -> Figure:
    """How many findings there are that deserve attention: errors and warnings."""
    counts = counted_by_severity(found.findings)
    number = counts["error"] + counts["warning"]
    note = f"{formatting.count(counts['error'], 'error')}, {formatting.count(counts['warning'], 'warning')}"
    return Figure("Findings", f"{number:,}", note if number else "no error, no warning", _tone(number))


def problems(found: ServiceMap, groups: Sequence[GroupLag], orders: Orders) -> list[str]:
    """What is wrong now, the worst first, each in a sentence without a full stop."""
    told = [
        f"{group.group} {'has stopped' if group.status == 'STOP' else 'is stuck'}{stands_in(group.topics)}: "
        f"{group.messages:,} {lag_caption(group)}"
        for group in by_severity(groups)
        if group.status in STANDS and group.messages
    ]
    queues = {node.id for node in found.nodes if node.kind == "group"}
    failing = [edge for edge in found.edges if edge_health(edge) == "failing" and edge.target not in queues]
    failing.sort(key=lambda edge: (-edge.errors, edge.source, edge.target))
    told += [_failing(edge, found, consumes=edge.source in queues) for edge in failing]
    if not failing:
        told += _failed(orders.orders)
    if not any(group.status in STANDS for group in groups):
        told += _stuck(orders.orders)
    if len(told) > _TOLD:
        told = [*told[: _TOLD - 1], f"and {len(told) - _TOLD + 1} more"]
    return told


def bad_orders(orders: Sequence[OrderSummary], now: datetime) -> list[OrderSummary]:
    """Orders that failed, wait or are incomplete, or whose cause is more than a retry; the worst first."""
    bad = [
        order
        for order in orders
        if (order.outcome in ("failed", "waiting", "incomplete") and not _goes_on(order, now))
        or (order.cause is not None and order.cause.kind != "retried")
    ]
    return sorted(bad, key=badness, reverse=True)


def _failing(edge: Edge, found: ServiceMap, *, consumes: bool) -> str:
    share, numbers = formatting.percentage(edge.errors, edge.calls), f"{edge.errors:,} of {edge.calls:,}"
    if consumes:
        names = {node.id: node_name(node) for node in found.nodes}
        return f"{names[edge.target]} fails on {share} of its messages ({numbers})"
    return f"{share} of the calls {edge_label(edge, found.nodes)} fail ({numbers})"


def _per_minute(orders: Orders, now: datetime) -> tuple[str, str]:
    """The rate of the orders, and what it rests on."""
    found = orders.orders
    if not found:
        return "0", "none in this time range"
    # The newest of many orders can be seconds old. Few orders are all that there were, in a minute or longer.
    least = 1 / 60 if orders.truncated else 1.0
    minutes = max((now - min(map(_seen, found))).total_seconds() / 60, least)
    value = len(found) / minutes
    rate = f"{value:.1f}" if value < 10 else f"{value:,.0f}"
    return rate, f"{formatting.count(len(found), 'order')} in {formatting.duration(minutes * 60_000)}"


def _seen(order: OrderSummary) -> datetime:
    return order.last_seen or order.started


def _goes_on(order: OrderSummary, now: datetime) -> bool:
    """Whether an order without a cause is so new that what is missing may be on its way."""
    return order.outcome in ("waiting", "incomplete") and order.cause is None and now - _seen(order) < _NEW


def _share(label: str, part: int, whole: int, tone: Tone = "bad") -> Figure:
    """How many of the orders; nothing is known without orders."""
    if not whole:
        return Figure(label, formatting.NO_VALUE, "no orders", "neutral")
    note = f"{part} of {formatting.count(whole, 'order')}"
    return Figure(label, formatting.percentage(part, whole), note, tone if part else "good")


def _tone(number: int) -> Tone:
    return "bad" if number else "good"


def _worst_group(groups: Sequence[GroupLag]) -> Figure:
    if not groups:
        return Figure("Worst group", formatting.NO_VALUE, "no consumer group is polled", "neutral")
    worst = by_severity(groups)[0]
    if worst.status == "OK" and not worst.messages:
        return Figure("Worst group", "OK", f"{formatting.count(len(groups), 'group')} keep up", "good")
    # Many messages may wait before a status changes.
    tone: Tone = "neutral" if worst.status == "OK" else "bad"
    note = f"{worst.group}: {worst.messages:,} {lag_caption(worst)}"
    return Figure("Worst group", worst.status or "unknown", note, tone)


def _stuck(orders: Sequence[OrderSummary]) -> Iterator[str]:
    """Orders that wait for a consumer that does nothing, before enough polls have told its status."""
    stuck = [order.cause for order in orders if order.outcome == "waiting" and order.cause is not None]
    services = [cause.service for cause in stuck if cause.kind == "stuck"]
    if services:
        count = formatting.count(len(orders), "order")
        yield f"{len(services):,} of the newest {count} wait for {listed(sorted(set(services)))}"


def _failed(orders: Sequence[OrderSummary]) -> Iterator[str]:
    failed = sum(order.outcome == "failed" for order in orders)
    if failed:
        yield f"{failed:,} of the newest {formatting.count(len(orders), 'order')} failed"
