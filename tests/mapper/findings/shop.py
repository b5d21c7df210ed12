"""Traces of a small shop, for tests of the rules on calls."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from laban_collector.store.rows import Span

from ..shop_spans import MS, grpc_client, grpc_server, http_client, http_server, process, publish, span

Below = Callable[[Span], list[Span]]


def call(
    caller: str,
    callee: str,
    at: float,
    took: float,
    parent: Span,
    *,
    route: str = "",
    ok: bool = True,
    below: Sequence[Below] = (),
    answered: bool = True,
    client: dict[str, object] | None = None,
    http_status: int | None = None,
) -> list[Span]:
    """The two halves of a call, and what the callee does."""
    method = (route or f"POST /{callee}").split(" ", 1)[0]
    status = 0 if ok else 2
    told = http_status or (200 if ok else 503)
    given: dict[str, object] = {"http_status": told, "peer_address": f"{callee}.local", **(client or {})}
    sent = http_client(caller, method, at, took, parent, status=status, **given)
    if not answered:
        return [sent]
    server = http_server(callee, route or f"POST /{callee}", at + 1, took - 2, sent, status=status)
    server = replace(server, http_status=told)
    return [sent, server, *(one for make in below for one in make(server))]


def entry(route: str = "POST /orders", took: float = 100, *, service: str = "order", ok: bool = True) -> Span:
    """The request with which a trace begins."""
    return http_server(service, route, 0, took, status=0 if ok else 2, http_status=200 if ok else 503)


def moved(spans: Sequence[Span], ms: float) -> list[Span]:
    """The spans, some milliseconds later."""
    return [replace(one, start=one.start + int(ms * MS)) for one in spans]


def query(service: str, at: float, took: float, parent: Span, name: str = "SELECT prices") -> Span:
    """A query of a database."""
    return span(service, name, 3, at, took, parent, db_system="postgresql", db_namespace="shop")


def monolith(*, ok: bool = True, took: float = 90) -> list[Span]:
    """An order for which four other services have to answer."""
    root = entry(ok=ok)
    part = (took - 10) / 3
    return [
        root,
        *call(
            "order",
            "inventory",
            2,
            part,
            root,
            ok=ok,
            below=[lambda one: call("inventory", "pricing", 5, part - 6, one, ok=ok)],
        ),
        *call("order", "payment", 4 + part, part, root),
        *call("order", "email", 6 + 2 * part, part, root),
    ]


def hybrid() -> list[Span]:
    """The same order: one service has to answer, the others follow by an event."""
    root = entry(took=30)
    sent = publish("order", "orders", 20, root)
    return [
        root,
        *call("order", "pricing", 2, 12, root),
        sent,
        *(process(name, sent, 40, 10) for name in ("inventory", "payment", "email")),
    ]


__all__ = [
    "call",
    "entry",
    "grpc_client",
    "grpc_server",
    "hybrid",
    "monolith",
    "moved",
    "process",
    "publish",
    "query",
]
