"""How many others lack or repeat a step: two places of the graph that usually go together."""

from datetime import datetime

import pytest

from laban_collector.store.rows import MINUTE, EdgeMinute, EdgePlace
from laban_mapper.model import OrderScope
from laban_mapper.story.causality import Causality
from laban_mapper.story.causes.counted import by_visit
from laban_mapper.story.causes.facts import Claim, Counted
from laban_mapper.story.causes.missing import missing
from laban_mapper.story.causes.published_twice import published_twice
from laban_mapper.story.scope_of_counts import Pair, pair_of, scope_of_pair
from laban_mapper.times import utc_time

from ..shop_spans import T0, http_client, http_server, process, publish
from .causes.test_missing import order
from .causes.test_published_twice import order as publishing
from .causes.usual_traces import facts_of, many

NOON = T0 // MINUTE * MINUTE
COUNTED = Counted(EdgePlace("topic:orders", ("group:email",)), EdgePlace(None, ("topic:orders",)))


def at(minute: int) -> datetime:
    return utc_time(NOON + minute * MINUTE)


def counts(*calls: int) -> list[EdgeMinute]:
    return [EdgeMinute(NOON + minute * MINUTE, number, 0, 0) for minute, number in enumerate(calls) if number]


def scope(wrong: str, minute: int, made: list[int], due: list[int]) -> OrderScope | None:
    pair = Pair(NOON + minute * MINUTE, COUNTED, wrong)  # type: ignore[arg-type]
    return scope_of_pair(pair, counts(*made), counts(*due))


def test_messages_that_nobody_read_are_counted_since_the_minute_in_which_that_began() -> None:
    found = scope("few", 32, [*[20] * 30, 12, 13, 9], [20] * 33)
    assert found == OrderScope(affected=26, of=60, since=at(30), before_affected=0, before_of=600)


def test_additional_messages_are_counted_where_each_request_usually_leads_to_three() -> None:
    found = scope("many", 31, [*[60] * 30, 75, 66], [20] * 32)
    assert found == OrderScope(affected=7, of=40, since=at(30), before_affected=0, before_of=600)


def test_a_message_that_is_read_in_the_next_minute_is_not_missing() -> None:
    assert scope("few", 33, [*[20] * 30, 18, 22, 20], [20] * 33) is None


@pytest.mark.parametrize(
    ("made", "due"),
    [
        ([*[10] * 30, 5], [20] * 31),  # every other request
        ([*[27] * 30, 12], [20] * 31),
        ([5], [20]),  # nothing before
        ([*[17, 20] * 15, 5], [20] * 31),  # now and then also before
        ([], []),
    ],
)
def test_counts_without_a_fixed_ratio_before_tell_nothing(made: list[int], due: list[int]) -> None:
    assert scope("few", len(due) - 1, made, due) is None


def test_a_claim_about_a_step_says_where_it_is_counted() -> None:
    usual = many(order, 60)
    [email] = missing(facts_of(order("email"), usual))
    assert email.counted == COUNTED
    [call] = missing(facts_of(order("charge"), usual))
    entered = EdgePlace("entry:clients", ("service:order",))
    assert call.counted == Counted(EdgePlace("service:order", ("service:payment",)), entered)
    [sent] = missing(facts_of(order("publish"), usual))
    assert sent.counted == Counted(EdgePlace("service:order", ("topic:orders",)), entered)
    [repeated] = published_twice(
        facts_of(publishing({"messaging.message.id": "m1"}, {"messaging.message.id": "m1"}))
    )
    assert repeated.counted == Counted(EdgePlace("service:order", ("topic:orders",)), entered)
    pair = pair_of(email)
    assert pair is not None
    assert (pair_of(repeated) or pair).wrong != pair.wrong
    assert pair_of(Claim("slow", "order", "", "", (order()[0],))) is None


def test_visits_are_counted_by_the_caller_or_the_group_that_leads_to_them() -> None:
    top = http_server("order", "POST /orders", 0, 50)
    call = http_client("order", "POST", 5, 20, top)
    served = http_server("payment", "POST /charge", 6, 18, call)
    sent = publish("order", "orders", 30, top)
    read = process("email", sent, 90, 10)
    lost = http_server("stock", "GET /stock", 12, 5, parent_id="f" * 16)
    causality = Causality([top, call, served, sent, read, lost])
    due = {
        span.service: counted and counted.due
        for span in (top, served, read, lost)
        for counted in [by_visit(span, ("topic:x",), causality)]
    }
    assert due == {
        "order": EdgePlace("entry:clients", ("service:order",)),
        "payment": EdgePlace("service:order", ("service:payment",)),
        "email": EdgePlace("group:email", ("service:email",)),
        "stock": EdgePlace(None, ("service:stock",)),
    }
    assert by_visit(call, ("topic:x",), causality) is None
