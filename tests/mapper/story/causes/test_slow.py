"""A step is slow if it took far longer than usual, and the whole therefore, too."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from laban_collector.store.rows import Span
from laban_mapper.story.causes.facts import Claim
from laban_mapper.story.causes.slow import slow

from ...shop_spans import MS, grpc_client, grpc_server, http_client, http_server, process, publish
from .usual_traces import facts_of, usual_of

Draw = Callable[[random.Random], float]

DRAWS: dict[str, Draw] = {
    "lognormal": lambda rng: math.exp(0.5 * rng.gauss(0, 1)),
    "exponential": lambda rng: rng.expovariate(1),
    "cache misses": lambda rng: (10 if rng.random() < 0.05 else 1) * math.exp(0.2 * rng.gauss(0, 1)),
    "ordinary": lambda rng: math.exp(0.2 * rng.gauss(0, 1)),
}
OWN = (10.0, 12.0, 8.0, 20.0)
"""Usual own times in ms of services that call one another in a chain."""


def chain(draw: Draw, rng: random.Random, factor: float = 1.0, at: int = 3) -> list[Span]:
    """A request along four services; one needs `factor` times as long. A fifth reacts to a message."""
    own = [usual * draw(rng) * (factor if place == at else 1) for place, usual in enumerate(OWN)]
    gaps = [0.5 * draw(rng) for _ in OWN]
    spans: list[Span] = []
    above: Span | None = None
    begin = 0.0
    for place, mine in enumerate(own):
        took = sum(own[place:]) + sum(gaps[place + 1 :])
        if above is not None:
            above = grpc_client(f"s{place - 1}", f"S{place}/Do", begin, took + gaps[place], above)
            spans.append(above)
        name = f"s{place}"
        begin += gaps[place] / 2
        above = (
            http_server(name, "POST /orders", begin, took)
            if above is None
            else grpc_server(name, f"S{place}/Do", begin, took, above)
        )
        spans.append(above)
        begin += mine / 2
    sent = publish("s0", "orders", own[0] / 2, spans[0])
    return [*spans, sent, process("email", sent, own[0] / 2 + 5 * draw(rng), 20 * draw(rng))]


@pytest.mark.parametrize(("name", "examples"), [(n, 30) for n in DRAWS] + [(n, 150) for n in DRAWS])
def test_usual_traces_are_not_called_slow(name: str, examples: int) -> None:
    rng = random.Random(7)  # noqa: S311 - the same times in each run
    usual = usual_of(chain(DRAWS[name], rng) for _ in range(examples))
    claims = [slow(facts_of(chain(DRAWS[name], rng), usual)) for _ in range(100)]
    assert sum(map(bool, claims)) <= 1


def test_after_400_examples_a_tripled_own_time_is_slow_and_a_tenth_more_is_not() -> None:
    rng = random.Random(11)  # noqa: S311 - the same times in each run
    usual = usual_of(chain(DRAWS["ordinary"], rng) for _ in range(400))
    found = [slow(facts_of(chain(DRAWS["ordinary"], rng, 3), usual)) for _ in range(20)]
    assert sum([claim.service for claim in claims] == ["s3"] for claims in found) >= 18
    assert not any(slow(facts_of(chain(DRAWS["ordinary"], rng, 1.1), usual)) for _ in range(20))


def exact(payment: float = 12, gap: float = 1, wait: float = 5, **of_payment: object) -> list[Span]:
    """A request whose service calls payment, which asks a database without spans; email reacts."""
    top = http_server("order", "POST /orders", 0, 20 + payment + gap)
    call = http_client("order", "POST", 10, payment + gap, top)
    server = http_server("payment", "POST /charge", 10 + gap / 2, payment, call, **of_payment)
    query = grpc_client("payment", "ledger.Ledger/Add", 11 + gap, 2, server, peer_service="ledger")
    sent = publish("order", "orders", 5, top)
    return [top, call, server, query, sent, process("email", sent, 5 + wait, 8)]


def claims_on(spans: Sequence[Span]) -> list[Claim]:
    return slow(facts_of(spans, usual_of(exact() for _ in range(380))))


def test_own_time_is_told_with_the_usual_time_and_the_examples() -> None:
    spans = exact(payment=3000)
    [claim] = claims_on(spans)
    assert claim.sentence == "payment took 3.0 s, usually 9.8 ms (380 traces)"
    assert (claim.kind, claim.service, claim.operation) == ("slow", "payment", "POST /charge")
    assert (claim.examples, claim.spans[0], claim.explains) == (380, spans[2], (spans[0],))
    assert claim.usual == pytest.approx(10, rel=0.05)


def test_time_between_both_ends_of_a_call_belongs_to_neither() -> None:
    [claim] = claims_on(exact(gap=2000))
    assert claim.sentence == (
        "the network between order and payment, or both ends, took 2.0 s, usually 1.0 ms (380 traces)"
    )


def test_a_message_that_waited_long_before_it_was_read_is_told() -> None:
    [claim] = claims_on(exact(wait=9000))
    assert (
        claim.sentence == "email took the message from orders only after 9.0 s, usually 4.9 ms (380 traces)"
    )


def parallel(stock: float, user: float = 100) -> list[Span]:
    """A request that asks stock and user at the same time, and goes on when both have answered."""
    top = http_server("order", "POST /orders", 0, 20 + max(stock, user))
    spans = [top]
    for name, took in (("stock", stock), ("user", user)):
        call = http_client("order", f"GET {name}", 10, took, top)
        spans += [call, http_server(name, f"GET /{name}", 10.5, took - 1, call)]
    return spans


def test_what_nothing_waited_for_is_not_told() -> None:
    usual = usual_of(parallel(10) for _ in range(400))
    assert slow(facts_of(parallel(90), usual)) == []
    [claim] = slow(facts_of(parallel(400), usual))
    assert claim.sentence == "stock took 399 ms, usually 9.2 ms (400 traces)"


def test_a_call_that_outlasts_its_caller_is_in_nobodys_way() -> None:
    def with_log(took: float) -> list[Span]:
        spans = exact()
        call = http_client("order", "POST log", 15, took, spans[0])
        audit = process("audit", spans[4], 10, 10_000)
        return [*spans, call, http_server("log", "POST /log", 15.5, took - 1, call), audit]

    usual = usual_of(with_log(5) for _ in range(400))
    assert slow(facts_of(with_log(2_000), usual)) == []


def consumed(email: float, wait: float, audit: float = 8) -> list[Span]:
    """An order that two groups react to, after waits that differ much."""
    spans = exact()
    sent = spans[4]
    return [
        *spans[:5],
        process("email", sent, 10 + wait, email),
        process("audit", sent, 10 + 2 * wait, audit),
    ]


def test_the_work_on_a_message_is_compared_with_itself_and_not_with_the_queues() -> None:
    rng = random.Random(3)  # noqa: S311 - the same times in each run
    waits = [math.exp(rng.gauss(6, 0.8)) for _ in range(400)]
    usual = usual_of(consumed(8, wait) for wait in waits)
    [claim] = slow(facts_of(consumed(90, waits[0]), usual))
    assert claim.sentence == "email took 90 ms, usually 8.1 ms (400 traces)"
    assert [(span.service, span.duration) for span in claim.explains] == [("email", 90 * MS)]
    assert slow(facts_of(consumed(12, waits[0]), usual)) == []


def test_what_took_far_longer_than_usual_is_told_even_if_something_usual_took_longer_still() -> None:
    def cached(payment: float, user: float) -> list[Span]:
        spans = exact(payment=payment)
        call = http_client("payment", "GET user", 15, user, spans[2])
        top = replace(spans[0], duration=spans[0].duration + round(user * MS))
        server = replace(spans[2], duration=spans[2].duration + round(user * MS))
        called = replace(spans[1], duration=spans[1].duration + round(user * MS))
        return [top, called, server, *spans[3:], call, http_server("user", "GET /user", 15.5, user - 1, call)]

    usual = usual_of(cached(12, 900 if place % 10 == 0 else 20) for place in range(400))
    assert [claim.service for claim in slow(facts_of(cached(200, 900), usual))] == ["payment"]
    assert slow(facts_of(cached(12, 900), usual)) == []


def test_a_pause_of_a_busy_machine_is_not_slow() -> None:
    assert claims_on(exact(gap=28)) == []
    assert claims_on(exact(payment=24)) == []
    assert [claim.service for claim in claims_on(exact(gap=60))] == ["payment"]
    assert [claim.service for claim in claims_on(exact(payment=60))] == ["payment"]


def test_pauses_that_have_hit_several_calls_before_tell_how_long_they_are_here() -> None:
    def calls(*gaps: float) -> list[Span]:
        top = http_server("order", "POST /orders", 0, 20 + sum(gaps) + 10 * len(gaps))
        spans, at = [top], 5.0
        for place, gap in enumerate(gaps):
            call = http_client("order", f"GET s{place}", at, 10 + gap, top)
            spans += [call, http_server(f"s{place}", "GET /x", at + gap / 2, 10, call)]
            at += 10 + gap
        return spans

    busy = [calls(1, 1, 1, 1) for _ in range(400)] + [calls(1, 80, 1, 1), calls(1, 1, 90, 1)]
    assert slow(facts_of(calls(70, 1, 1, 1), usual_of(busy))) == []
    assert len(slow(facts_of(calls(400, 1, 1, 1), usual_of(busy)))) == 1
    one_incident = [calls(1, 1, 1, 1) for _ in range(400)] + [calls(1, 900, 1, 1) for _ in range(5)]
    assert len(slow(facts_of(calls(70, 1, 1, 1), usual_of(one_incident)))) == 1


def test_fewer_than_twenty_examples_are_no_usual_time() -> None:
    assert slow(facts_of(exact(payment=3000), usual_of(exact() for _ in range(19)))) == []


def test_a_callee_that_was_slower_than_its_caller_waited_explains_the_failed_calls() -> None:
    spans = exact(payment=3000)
    failure: dict[str, object] = {"status": 2, "error_type": "TimeoutError"}
    top = http_server("order", "POST /orders", 0, 1020, http_status=504, status=2)
    call = http_client("order", "POST", 10, 1000, top, **failure)
    server = http_server("payment", "POST /charge", 11, 3000, call)
    query = grpc_client("payment", "ledger.Ledger/Add", 12, 2, server, peer_service="ledger")
    [claim] = claims_on([top, call, server, query])
    assert (claim.service, claim.explains) == ("payment", (call, top))
    assert len(spans) == 6
