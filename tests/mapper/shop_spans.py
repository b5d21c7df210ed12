"""Handwritten spans of a small shop with fixed times, for tests of the mapper."""

from dataclasses import replace
from itertools import count

from laban_collector.store.rows import Lag, Span, SpanEvent

MS = 1_000_000
T0 = 1_790_000_000_000 * MS
TRACE = "0af7651916cd43dd8448eb211c80319c"

_ids = count(1)


def span(
    service: str,
    name: str,
    kind: int,
    at: float,
    took: float,
    parent: Span | None = None,
    **fields: object,
) -> Span:
    """A span that starts `at` ms after the story starts and lasts `took` ms."""
    base = Span(
        trace_id=parent.trace_id if parent else TRACE,
        span_id=f"{next(_ids):016x}",
        parent_id=parent.span_id if parent else None,
        service=service,
        name=name,
        kind=kind,
        start=T0 + int(at * MS),
        duration=int(took * MS),
        status=0,
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def http_server(
    service: str, route: str, at: float, took: float, parent: Span | None = None, **fields: object
) -> Span:
    method, _, path = route.partition(" ")
    given = {"http_method": method, "http_route": path, "http_status": 200, **fields}
    return span(service, route, 2, at, took, parent, **given)


def http_client(service: str, method: str, at: float, took: float, parent: Span, **fields: object) -> Span:
    return span(service, method, 3, at, took, parent, http_method=method, **fields)


def grpc_server(service: str, rpc: str, at: float, took: float, parent: Span, **fields: object) -> Span:
    name, _, method = rpc.partition("/")
    return span(
        service, rpc, 2, at, took, parent, rpc_system="grpc", rpc_service=name, rpc_method=method, **fields
    )


def grpc_client(service: str, rpc: str, at: float, took: float, parent: Span, **fields: object) -> Span:
    name, _, method = rpc.partition("/")
    return span(
        service, rpc, 3, at, took, parent, rpc_system="grpc", rpc_service=name, rpc_method=method, **fields
    )


def publish(
    service: str, topic: str, at: float, parent: Span, offset: int | None = 7, **fields: object
) -> Span:
    given = {
        "messaging_system": "kafka",
        "messaging_operation": "send",
        "topic": topic,
        "partition": None if offset is None else 0,
        "offset": offset,
        "message_key": "123",
        **fields,
    }
    return span(service, f"send {topic}", 4, at, 2, parent, **given)


def process(
    service: str, published: Span, at: float, took: float, group: str | None = None, **fields: object
) -> Span:
    given = {
        "messaging_system": "kafka",
        "messaging_operation": "process",
        "topic": published.topic,
        "partition": published.partition,
        "offset": published.offset,
        "group": group or service,
        **fields,
    }
    return span(service, f"process {published.topic}", 5, at, took, published, **given)


def raised(kind: str, message: str, at: float = 0) -> tuple[SpanEvent, ...]:
    """The events of a span that recorded an exception."""
    return (
        SpanEvent(T0 + int(at * MS), "exception", {"exception.type": kind, "exception.message": message}),
    )


def lag(group: str, topic: str, committed: int | None, end: int, seconds: float | None = None) -> Lag:
    """One poll of partition 0."""
    behind = None if committed is None else end - committed
    return Lag(T0, "c", group, topic, 0, committed, end, 0, behind, seconds, "OK" if behind == 0 else "STALL")


def hybrid_order() -> list[Span]:
    """A successful order 123: created in 84 ms, then payment and email react."""
    created = http_server("order", "POST /orders", 0, 84, http_status=201)
    asked = grpc_client("order", "shop.Pricing/Quote", 5, 20, created)
    quoted = grpc_server("pricing", "shop.Pricing/Quote", 8, 15, asked)
    published = publish("order", "orders", 60, created)
    paid = process("payment", published, 90, 120)
    captured = publish("payment", "payments", 195, paid, offset=3)
    mailed = process("email", published, 100, 30)
    settled = process("order", captured, 220, 5, group="order")
    return [created, asked, quoted, published, paid, captured, mailed, settled]


def monolith_timeout() -> list[Span]:
    """A failed order: user takes 3 s, pricing times out after 2 s, and all its callers fail."""
    entry = http_server("order", "POST /orders", 0, 2040, http_status=503, status=2)
    reserve = grpc_client("order", "shop.Inventory/Reserve", 5, 2030, entry, status=2)
    inventory = grpc_server("inventory", "shop.Inventory/Reserve", 10, 2020, reserve, status=2)
    quote = grpc_client("inventory", "shop.Pricing/Quote", 12, 2015, inventory, status=2)
    pricing = grpc_server("pricing", "shop.Pricing/Quote", 15, 2008, quote, status=2)
    get = http_client(
        "pricing",
        "GET",
        18,
        2001,
        pricing,
        status=2,
        error_type="httpx.ReadTimeout",
        events=raised("httpx.ReadTimeout", "timed out", 2019),
        peer_address="127.0.0.1",
        peer_port=8104,
    )
    user = http_server("user", "GET /users/{customer_id}", 20, 3003, get)
    return [entry, reserve, inventory, quote, pricing, get, user]
