"""L004: the same call for every row, and calls that only look like that."""

from laban_collector.store.rows import Span
from laban_mapper.findings.chatty_calls import RULE

from .shop import call, entry, query
from .systems import found, many, system_of


def cart(rows: int, *, ok: bool = True, routes: int = 1) -> list[Span]:
    root = entry("GET /cart", 400, service="cart")
    spans = [root]
    for row in range(rows):
        route = f"GET /price{row % routes or ''}"
        spans += call("cart", "pricing", 5 + 10 * row, 8, root, route=route, ok=ok)
    return spans


def test_a_call_for_every_row() -> None:
    traces = [*many(lambda: cart(12), 29), *many(lambda: cart(35), 1)]
    [finding] = found(RULE, system_of(traces))
    assert (finding.severity, finding.place) == ("warning", "cart → pricing GET /price")
    assert finding.sentence == (
        "cart GET /cart calls pricing GET /price 12 to 35 times for one request, one after the other (30 of "
        "30 requests with this call): p50 96 ms, p95 96 ms of each"
    )


def test_a_query_for_every_row() -> None:
    def queries() -> list[Span]:
        root = entry("GET /cart", 400, service="cart")
        return [root, *(query("cart", 5 + 5 * row, 4, root) for row in range(20))]

    [finding] = found(RULE, system_of(many(queries)))
    assert finding.place == "cart → postgresql/shop SELECT prices"


def test_nine_calls_different_calls_and_retries_are_none() -> None:
    assert not found(RULE, system_of(many(lambda: cart(9))))
    assert not found(RULE, system_of(many(lambda: cart(27, routes=3))))
    assert not found(RULE, system_of(many(lambda: cart(12, ok=False))))


def test_one_large_request_of_many_is_none() -> None:
    assert not found(RULE, system_of([*many(lambda: cart(2), 39), *many(lambda: cart(30), 1)]))
