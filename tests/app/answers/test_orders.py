"""The list of orders agrees with the stories, whatever is read together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from laban_app.answers import orders
from laban_app.answers.keys import chosen
from laban_app.answers.local import LocalAnswers
from laban_app.errors import SeveralKeys, UnknownTrace, UnknownValue
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.rows import Span
from laban_mapper.errors import InvalidTraceId
from laban_mapper.model import OrderSummary
from laban_mapper.orders import OrderFilter, OrdersQuestion, summary_of
from laban_mapper.times import utc_time

from ...mapper.shop_spans import MS, T0, TRACE, http_server, hybrid_order, monolith_timeout, process, span
from .test_local import named
from .test_local import store as store

Answering = Callable[..., LocalAnswers]
SECOND = 1000 * MS


def moved(spans: Sequence[Span], order: str, number: int) -> list[Span]:
    """The spans as those of another order in a trace and with messages of its own, `number` s later."""
    trace_id = f"{number + 1:032x}"
    return [
        replace(
            one,
            trace_id=trace_id,
            start=one.start + number * SECOND,
            offset=None if one.offset is None else one.offset + 100 * number,
            message_key=None,
            links=tuple((trace_id, span_id) for _, span_id in one.links),
        )
        for one in named(spans, order)
    ]


def audit(spans: Sequence[Span], number: int, *links: Span) -> Span:
    """A consumer of the first message of an order in a trace of its own, by address or by links."""
    linked = tuple((one.trace_id, one.span_id) for one in links)
    found = process("audit", spans[3], 300 + number * 1000, 5)
    return replace(
        found,
        trace_id=f"{number + 1:016x}" + "d" * 16,
        parent_id=None,
        offset=None if links else found.offset,
        links=linked,
    )


@pytest.fixture
def shop(store: Answering) -> LocalAnswers:
    """Five orders: three healthy ones whose messages two batches share, a failed one, and a simple one."""
    first, second, third = (moved(hybrid_order(), f"ok-{number}", number) for number in range(3))
    failed = moved(monolith_timeout(), "bad", 10)
    lone = moved([http_server("order", "GET /orders", 0, 5)], "lone", 20)
    batches = [audit(first, 0), audit(second, 1, second[3], third[3])]
    return store([*first, *second, *third, *failed, *lone, *batches])


def listed(answers: LocalAnswers, **asked: object) -> list[str]:
    return [order.value for order in answers.orders(OrdersQuestion(**asked)).orders]  # type: ignore[arg-type]


def told(answers: LocalAnswers) -> Iterator[OrderSummary]:
    for order in answers.orders().orders:
        yield summary_of(answers.story(order.key, order.value)).model_copy(
            update={"last_seen": order.last_seen}
        )


@pytest.mark.parametrize("most", [20_000, 12, 1])
def test_each_line_says_what_the_story_says(
    shop: LocalAnswers, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(orders, "_MAX_SPANS", most)
    found = shop.orders()
    assert [order.value for order in found.orders] == ["lone", "bad", "ok-2", "ok-1", "ok-0"]
    assert found.orders == list(told(shop))
    assert [len(order.traces) for order in found.orders] == [1, 1, 2, 2, 2]
    assert (found.looked_at, found.truncated) == (5, False)


def test_a_failed_order_has_its_cause(shop: LocalAnswers) -> None:
    [failed] = shop.orders(OrdersQuestion(only=OrderFilter(failed=True))).orders
    assert (failed.key, failed.value, failed.outcome) == ("order.id", "bad", "failed")
    assert failed.cause is not None
    assert failed.cause.service == "user"


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (OrderFilter(service="audit"), ["ok-2", "ok-1", "ok-0"]),
        (OrderFilter(service="user"), ["bad"]),
        (OrderFilter(cause="poison"), []),
        (OrderFilter(failed=True, waiting=True), ["bad"]),
        (OrderFilter(failed=True, service="audit"), []),
        (OrderFilter(slow=True), []),
    ],
)
def test_filters_select_orders(shop: LocalAnswers, only: OrderFilter, expected: list[str]) -> None:
    assert listed(shop, only=only) == expected


def test_the_worst_come_first_on_request(shop: LocalAnswers) -> None:
    assert listed(shop, sort="worst")[0] == "bad"
    assert listed(shop, sort="worst", limit=1) == ["bad"]


def test_a_limit_says_that_there_are_more(shop: LocalAnswers) -> None:
    found = shop.orders(OrdersQuestion(limit=2))
    assert ([order.value for order in found.orders], found.truncated) == (["lone", "bad"], True)
    found = shop.orders(OrdersQuestion(only=OrderFilter(service="audit"), limit=2))
    assert ([order.value for order in found.orders], found.truncated) == (["ok-2", "ok-1"], True)


def test_a_time_range_has_the_orders_that_were_seen_in_it(shop: LocalAnswers) -> None:
    found = shop.orders(None, utc_time(T0 + 5 * SECOND), utc_time(T0 + 15 * SECOND))
    assert [order.value for order in found.orders] == ["bad"]


def test_a_trace_without_a_business_key_has_a_story(store: Answering) -> None:
    spans = [replace(one, message_key=None) for one in hybrid_order()]
    answers = store([*spans, audit(spans, 0)])
    story = answers.story_of_trace(TRACE.upper())
    assert story.verdict.startswith(f"Trace {TRACE[:8]}…: order did POST /orders in 84 ms")
    assert (story.key, story.value, story.outcome, len(story.traces)) == ("trace", TRACE, "ok", 2)
    with pytest.raises(UnknownTrace):
        answers.story_of_trace("f" * 32)
    with pytest.raises(InvalidTraceId):
        answers.story_of_trace("xyz")


def keyed(number: int, **attributes: str) -> Span:
    one = http_server("shop", "POST /things", 0, 5 + number)
    return replace(
        one,
        trace_id=f"{number + 1:032x}",
        attributes={key.replace("_", "."): value for key, value in attributes.items()},
    )


def test_a_value_of_several_keys_is_ambiguous_unless_they_mean_one_order(store: Answering) -> None:
    answers = store([keyed(0, order_id="7"), keyed(1, orderline_id="7"), keyed(2, customer_id="7")])
    with pytest.raises(SeveralKeys, match=r"order\.id \(laban story order\.id=7\) and orderline\.id"):
        answers.story("order", "7")
    story = answers.story("order.id", "7")
    assert story.traces == [f"{1:032x}"]
    [note] = story.notes
    assert note.startswith("7 is also a value of customer.id (laban story customer.id=7) and orderline.id (")
    together = store([keyed(3, order_id="7", orderline_id="7")])
    assert len(together.story("order", "7").traces) == 3


def test_keys_of_traces_that_follow_from_each_other_mean_one_order(store: Answering) -> None:
    first = keyed(0, order_id="7")
    follower = replace(
        span("worker", "work", 5, 10, 5),
        trace_id="d" * 32,
        links=((first.trace_id, first.span_id),),
        attributes={"orderline.id": "7"},
    )
    assert len(store([first, follower]).story("order", "7").traces) == 2


def test_a_value_known_under_another_key_only_is_refused_with_the_key(store: Answering) -> None:
    answers = store([keyed(0, customer_id="7"), keyed(1, order_id="8")])
    with pytest.raises(UnknownValue, match=r"It is a value of customer\.id \(laban story customer\.id=7\)"):
        answers.story("order", "7")


def test_a_longer_key_does_not_add_to_the_story_of_a_shorter_one(store: Answering) -> None:
    answers = store([keyed(0, order_id="7"), keyed(1, order_identity_id="7")])
    assert answers.story("order.id", "7").traces == [f"{1:032x}"]


def test_a_cut_story_says_so_first(database: Database, store: Answering) -> None:
    store([keyed(number, order_id="7") for number in range(205)])
    story = LocalAnswers(DuckDBReader(database)).story("order", "7")
    assert story.truncated
    assert {f"{number + 1:032x}" for number in (0, 19, 125, 204)} < set(story.traces)
    assert story.notes[0] == "the story is cut: it has more than these 100 spans in 100 traces"
    refs = DuckDBReader(database).traces_with("order", "7", 3)
    assert chosen(DuckDBReader(database), refs).traces_with("any", "value", 2) == refs[:2]
