"""L001: three calls below one another, or two."""

from laban_collector.store.rows import Span
from laban_mapper.findings.deep_sync_chain import RULE
from laban_mapper.findings.thresholds import Thresholds

from ..shop_spans import grpc_client, grpc_server, http_client, http_server, process, publish
from .systems import found, many, system_of


def chain(*, deep: bool, took: float = 40, status: int = 0) -> list[Span]:
    entry = http_server("order", "POST /orders", 0, took, status=status)
    reserve = grpc_client("order", "shop.Inventory/Reserve", 2, took - 4, entry, status=status)
    inventory = grpc_server("inventory", "shop.Inventory/Reserve", 3, took - 6, reserve, status=status)
    quote = grpc_client("inventory", "shop.Pricing/Quote", 4, took - 8, inventory, status=status)
    pricing = grpc_server("pricing", "shop.Pricing/Quote", 5, took - 10, quote, status=status)
    spans = [entry, reserve, inventory, quote, pricing]
    if deep:
        get = http_client("pricing", "GET", 6, took - 12, pricing, status=status)
        spans += [get, http_server("user", "GET /users/{id}", 7, took - 14, get, status=status)]
    return spans


def test_a_reply_that_waits_for_three_calls_below_one_another() -> None:
    traces = [*many(lambda: chain(deep=True), 27), *many(lambda: chain(deep=True, status=2), 3)]
    [finding] = found(RULE, system_of(traces))
    assert (finding.code, finding.severity, finding.place) == ("L001", "warning", "order POST /orders")
    assert finding.sentence == (
        "the reply of order POST /orders waits for 3 calls below one another, order → inventory → pricing → "
        "user (30 of 30 traces): p50 36 ms, p95 36 ms; all 3 answered 90 % of the time"
    )
    assert finding.numbers["availability"] == 0.9  # the failure of user is not counted three times
    assert len(finding.traces) == 5


def test_two_calls_below_one_another_are_usual() -> None:
    assert not found(RULE, system_of(many(lambda: chain(deep=False))))
    assert found(RULE, system_of(many(lambda: chain(deep=False)), thresholds=Thresholds(sync_depth=1)))


def test_what_follows_by_a_message_is_not_in_the_chain() -> None:
    def by_message() -> list[Span]:
        spans = chain(deep=False)
        sent = publish("pricing", "quotes", 8, spans[-1])
        handled = process("audit", sent, 20, 30)
        ask = http_client("audit", "GET", 22, 10, handled)
        return [*spans, sent, handled, ask, http_server("user", "GET /users/{id}", 24, 5, ask)]

    assert not found(RULE, system_of(many(by_message)))


def test_a_call_that_nobody_waits_for_is_not_in_the_chain() -> None:
    def in_background() -> list[Span]:
        spans = chain(deep=False)
        later = http_client("pricing", "POST", 10, 200, spans[-1])
        return [*spans, later, http_server("audit", "POST /quotes", 12, 190, later)]

    assert not found(RULE, system_of(many(in_background)))


def test_a_chain_that_is_deep_now_and_then_is_a_remark() -> None:
    traces = [*many(lambda: chain(deep=False), 39), *many(lambda: chain(deep=True), 1)]
    [finding] = found(RULE, system_of(traces))
    assert (finding.severity, finding.numbers["deep"], finding.numbers["of"]) == ("info", 1, 40)


def test_of_few_traces_no_percentiles_are_claimed() -> None:
    [finding] = found(RULE, system_of(many(lambda: chain(deep=True), 2)))
    assert "(2 of 2 traces): 36 ms" in finding.sentence
