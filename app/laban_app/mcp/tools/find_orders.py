"""The tool that lists orders by outcome, service, cause and time."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final, Literal

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.arguments import Cursor, Key, SinceEver, Until, parse_cursor
from laban_app.mcp.asking import Asking, InvalidArgument, time_of
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import PageReply, Told, Words, safe, told_page
from laban_app.mcp.server import Registry
from laban_mapper.model import CauseKind, Orders, OrderSummary, Outcome
from laban_mapper.orders import MOST, OrderFilter, OrdersQuestion, Sort
from laban_mapper.times import format_duration

_AT_ONCE: Final = 40
"""Orders that are asked for in addition to the pages before."""
_DEEPEST: Final = 1_000
"""Orders that can be paged through."""
_SERVICES: Final = 5
_CAUSE: Final = 50

Problem = Annotated[
    list[Literal["failed", "slow", "waiting"]],
    Field(description="Only orders for which one of these is true. Empty: all orders."),
]
Service = Annotated[
    str | None,
    Field(max_length=200, description="Only orders that this service took part in or is blamed for."),
]
Cause = Annotated[CauseKind | None, Field(description="Only orders with a cause of this kind.")]
Sorting = Annotated[Sort, Field(description="`newest` first, or the `worst` of the newest 2,000 first.")]


class OrderReply(BaseModel):
    """An order."""

    key: str
    value: str
    outcome: Outcome
    started: datetime
    duration_ms: float
    cause_kind: CauseKind | None = None
    cause: str | None = None
    services: list[str]
    trace: str | None = None


class FoundOrders(PageReply):
    """A page of orders; `looked_at` orders were examined, the newest first."""

    items: list[OrderReply]
    looked_at: int


def add_find_orders(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="Find orders",
        description="Which orders went badly, or just the newest: by problem, service, kind of cause and "
        "time, with outcome and cause of each. Use it for questions such as 'which orders failed since "
        "10:00', to find an example, or to see how many are affected. Then explain_order for one of them.",
    )
    async def find_orders(
        problem: Problem = [],  # noqa: B006 - the SDK reads it, and nobody changes it
        service: Service = None,
        cause: Cause = None,
        since: SinceEver = None,
        until: Until = None,
        key: Key = "order",
        sort: Sorting = "newest",
        cursor: Cursor = None,
    ) -> Annotated[CallToolResult, FoundOrders]:
        only = OrderFilter("failed" in problem, "slow" in problem, "waiting" in problem, service, cause)
        return await asking.tell(lambda answers: _told(answers, only, key, sort, since, until, cursor))


def _told(
    answers: TraceAnswers,
    only: OrderFilter,
    key: str,
    sort: Sort,
    since: str | None,
    until: str | None,
    cursor: str | None,
) -> Told:
    start, ends = parse_cursor(cursor)
    limit = start + _AT_ONCE
    if limit > _DEEPEST:
        raise InvalidArgument("Nobody reads so many orders. Ask for fewer: a time range, a service, a cause.")
    # Orders that arrive between two pages must not move the list: all pages end where the first one did.
    if ends is None:
        ends = math.floor((time_of(until) or datetime.now(UTC)).timestamp()) + 1
    end = datetime.fromtimestamp(ends, UTC)
    found = answers.orders(OrdersQuestion(key, only, limit, sort), time_of(since), end)
    counted = len(found.orders)
    exact = not (found.truncated and counted >= limit)
    return told_page(
        found.orders,
        start,
        _line,
        _reply,
        _shape(found),
        head=[_head(found, only, key, sort, exact=exact)],
        total=counted if exact else counted + 1,
        at_least=not exact,
        cursor=lambda index: f"{index}.{ends}",
        words=_words(found, exact=exact),
        empty="no order is like that",
    )


def _shape(found: Orders) -> Callable[..., FoundOrders]:
    return partial(FoundOrders, looked_at=found.looked_at)


def _words(found: Orders, *, exact: bool) -> Words:
    words = Words(next=["explain_order with a value and its key"] if found.orders else [])
    if not found.orders and found.looked_at:
        words.next.append("find_orders without problem, service and cause to see what the orders are like")
    if found.truncated and exact:
        words.left_out.append(
            f"older orders: the newest {found.looked_at:,} were examined; for older ones use until"
        )
    return words


def _head(found: Orders, only: OrderFilter, key: str, sort: Sort, *, exact: bool) -> str:
    if not found.looked_at:
        return f"no business key that begins with {safe(key)} in this time range"
    which = "orders that fit" if only else "orders"
    number = f"{len(found.orders):,}" if exact else f"more than {len(found.orders):,}"
    first = (
        f", the worst of the newest {min(found.looked_at, MOST):,}" if sort == "worst" else ", newest first"
    )
    return f"{number} {which} (examined: {found.looked_at:,}){first}"


def _line(order: OrderSummary) -> str:
    cause = order.cause
    told = (
        f"; {cause.kind.replace('_', ' ')} in {safe(cause.service)}: {harmless(cause.sentence, _CAUSE)}"
        if cause
        else ""
    )
    services = ", ".join(safe(name, 14) for name in order.services[:_SERVICES])
    more = f" and {len(order.services) - _SERVICES} more" if len(order.services) > _SERVICES else ""
    outcome = order.outcome.replace("_", " ").upper()
    return (
        f"{safe(order.key, 14)} {safe(order.value)}: {outcome}, {order.started:%Y-%m-%d %H:%M:%S}, "
        f"{format_duration(order.duration_ms)}{told}{'' if cause else f'; {services}{more}'}"
    )


def _reply(order: OrderSummary) -> OrderReply:
    cause = order.cause
    return OrderReply(
        key=safe(order.key, 14),
        value=safe(order.value),
        outcome=order.outcome,
        started=order.started,
        duration_ms=round(order.duration_ms, 3),
        cause_kind=cause.kind if cause else None,
        cause=harmless(cause.sentence, _CAUSE) if cause else None,
        services=[safe(name, 14) for name in order.services[:_SERVICES]],
        trace=safe(order.traces[0]) if order.traces else None,
    )
