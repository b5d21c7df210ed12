"""A step is missing if nearly all comparable traces have it, and nothing else explains that it is absent."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from laban_collector.store.rows import Span
from laban_mapper.story.causes.facts import Claim
from laban_mapper.story.causes.missing import missing
from laban_mapper.story.messages import Consumption

from ...shop_spans import MS, T0, http_client, http_server, lag, process, publish
from .usual_traces import facts_of, many

READERS = {"orders": {"email": "email"}}


def order(*without: str) -> list[Span]:
    """An order that charges payment and publishes; email reacts. Without steps that these names begin."""
    top = http_server("order", "POST /orders", 0, 50)
    call = http_client("order", "POST", 5, 20, top)
    spans = [top, call, http_server("payment", "POST /charge", 6, 18, call)]
    sent = publish("order", "orders", 30, top)
    steps = {
        "charge": spans[1:],
        "answer": spans[2:],
        "publish": [sent, (mailed := process("email", sent, 90, 10))],
        "email": [mailed],
    }
    left_out = {id(span) for name in without for span in steps[name]}
    return [span for span in [*spans, sent, mailed] if id(span) not in left_out]


def claims_on(spans: Sequence[Span], count: int = 412, **about: object) -> list[Claim]:
    return missing(facts_of(spans, many(order, count), **about))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        ("email", "email usually reacts within 60 ms in 412 of 412 traces; it has not"),
        ("publish", "order usually does publish orders within 30 ms in 412 of 412 traces; it has not"),
        ("charge", "order usually calls payment (POST) within 4.9 ms in 412 of 412 traces; it has not"),
    ],
)
def test_the_deepest_service_that_should_have_acted_is_blamed(without: str, sentence: str) -> None:
    [claim] = claims_on(order(without))
    assert (claim.kind, claim.sentence) == ("missing", sentence)
    assert claim.service == sentence.split()[0]
    assert claim.examples == 412


def test_nothing_is_missing_in_a_usual_trace_and_below_fewer_than_twenty_examples() -> None:
    assert claims_on(order()) == []
    assert claims_on(order("email"), 19) == []


def test_visits_that_declined_are_no_examples_of_how_it_goes_on() -> None:
    def asked(*, declined: bool = False, pays: bool = True) -> list[Span]:
        top = http_server("order", "POST /orders", 0, 50)
        about: dict[str, object] = {"http_status": 404} if declined else {}
        call = http_client("order", "POST", 5, 20, top, **(about | {"status": 2} if declined else {}))
        served = http_server("payment", "POST /charge", 6, 18, call, **about)
        paid = [http_client("payment", "PUT", 8, 2, served)] if pays and not declined else []
        return [top, call, served, *paid]

    traces = iter([*[asked() for _ in range(270)], *[asked(declined=True) for _ in range(75)]])
    usual = many(lambda: next(traces), 345)
    [claim] = missing(facts_of(asked(pays=False), usual))
    assert claim.sentence == "payment usually calls PUT within 2.0 ms in 270 of 270 traces; it has not"
    assert missing(facts_of(asked(declined=True), usual)) == []
    optional = iter([*[asked() for _ in range(250)], *[asked(pays=False) for _ in range(20)]])
    assert missing(facts_of(asked(pays=False), many(lambda: next(optional), 270))) == []


def test_a_few_examples_that_all_have_a_step_need_another_witness() -> None:
    assert claims_on(order("email"), 51) == []
    assert len(claims_on(order("email"), 52)) == 1
    [claim] = claims_on(order("email"), 26, last_seen={"email": T0})
    assert "in 26 of 26 traces" in claim.sentence
    assert claims_on(order("email"), 19, last_seen={"email": T0}) == []


def test_a_step_that_may_still_come_is_only_late() -> None:
    begun = T0 + 30 * MS
    assert claims_on(order("email"), now=begun + 9_000 * MS) == []
    assert len(claims_on(order("email"), now=begun + 11_000 * MS)) == 1


def test_a_silent_service_is_told_with_its_last_span() -> None:
    [claim] = claims_on(order("email"), last_seen={"email": T0 - 60_000 * MS})
    assert claim.sentence.endswith("it has not, and has sent no span since 14:12:20 UTC")


def declined(spans: Sequence[Span]) -> list[Span]:
    return [replace(spans[0], http_status=400), *spans[1:]]


def orphaned(spans: Sequence[Span]) -> list[Span]:
    return [*spans, http_server("stock", "GET /stock", 12, 5, spans[0], parent_id="f" * 16)]


def on_another_way(spans: Sequence[Span]) -> list[Span]:
    call = http_client("order", "PUT", 5, 20, spans[0])
    return [*spans, call, http_server("payment", "PUT /charge", 6, 18, call)]


@pytest.mark.parametrize(
    ("without", "change"), [("charge", declined), ("charge", orphaned), ("charge", on_another_way)]
)
def test_what_explains_an_absent_step_keeps_it_from_being_missing(
    without: str, change: Callable[[Sequence[Span]], list[Span]]
) -> None:
    assert claims_on(change(order(without))) == []


def test_a_lost_server_half_of_a_call_that_went_well_is_not_missing() -> None:
    assert claims_on(order("answer")) == []


def test_a_message_that_waits_is_not_missing_and_one_that_was_read_is_told_so() -> None:
    def polled(committed: int) -> Consumption:
        return Consumption([lag("email", "orders", committed, 9)], READERS)

    assert claims_on(order("email"), consumption=polled(5)) == []
    [claim] = claims_on(order("email"), consumption=polled(9))
    assert claim.sentence.endswith("it has not, although group email has read the message")


def test_a_step_that_a_few_usual_traces_lack_is_missing_only_if_its_service_is_silent() -> None:
    traces = iter([*[order() for _ in range(97)], *[order("email") for _ in range(3)]])
    usual = many(lambda: next(traces), 100)
    assert missing(facts_of(order("email"), usual)) == []
    [claim] = missing(facts_of(order("email"), usual, last_seen={"email": T0}))
    assert "in 97 of 100 traces" in claim.sentence


def test_a_step_that_occurs_less_often_than_in_all_examples_is_told() -> None:
    def confirmed() -> list[Span]:
        spans = order("email")
        return [*spans, publish("order", "orders", 40, spans[0], offset=8)]

    [claim] = missing(facts_of(order("email"), many(confirmed, 60)))
    assert claim.sentence == (
        "order usually does publish orders at least 2 times in 60 of 60 traces; here once"
    )
