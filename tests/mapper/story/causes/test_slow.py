"""A step is slow if it took far longer than usual, and the whole therefore, too."""

import math
import random
from collections.abc import Callable, Sequence

import pytest

from laban_collector.store.rows import Span
from laban_mapper.story.causes.facts import Claim
from laban_mapper.story.causes.slow import slow

from ...shop_spans import grpc_client, grpc_server, http_client, http_server, process, publish
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


def test_what_nothing_waited_for_is_not_told() -> None:
    def with_audit(email: float) -> list[Span]:
        spans = exact()
        sent = spans[4]
        return [*spans[:5], process("email", sent, 10, email), process("audit", sent, 10, 10_000)]

    usual = usual_of(with_audit(8) for _ in range(400))
    assert slow(facts_of(with_audit(3000), usual)) == []
    assert [claim.service for claim in slow(facts_of(with_audit(30_000), usual))] == ["email"]


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
