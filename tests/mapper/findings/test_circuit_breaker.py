"""L012: breakers that were open, and callees that fail for long without one."""

from dataclasses import replace

from laban_collector.store.rows import Span, SpanEvent
from laban_mapper.findings.circuit_breaker import RULE

from ..shop_spans import T0
from .shop import call, entry
from .systems import found, many, system_of

S = 10**9


def order(*, ok: bool = True, **client: object) -> list[Span]:
    root = entry(took=3000, ok=ok)
    given = {"peer_service": "pricing", **client}
    return [root, *call("order", "pricing", 5, 2000, root, ok=ok, answered=ok, client=given)]


def refused() -> list[Span]:
    root = entry(ok=False)
    told: dict[str, object] = {"laban.circuit.name": "quotes", "laban.circuit.state": "open"}
    return [
        replace(
            root,
            events=(SpanEvent(T0, "laban.circuit.refused", told),),
            attributes={"laban.circuit.state": "open"},
        )
    ]


def failing(count: int, seconds: int, **client: object) -> list[list[Span]]:
    return [list(one) for one in many(lambda: order(ok=False, **client), count, seconds * S // (count - 1))]


def test_an_open_breaker_and_what_it_spared() -> None:
    [finding] = found(RULE, system_of([*many(order, 20), *many(refused, 12)]))
    assert (finding.severity, finding.place) == ("warning", "order breaker quotes")
    assert finding.sentence == "the circuit breaker quotes of order was open: it spared 12 sampled calls"


def test_a_callee_that_fails_for_long_without_a_breaker() -> None:
    [finding] = found(RULE, system_of(failing(12, 120)))
    assert finding.place == "order → pricing"
    assert finding.sentence == (
        "order went on calling pricing from 14:13:20 to 14:15:20 UTC, although all 12 sampled calls failed, "
        "and each was waited for (2.0 s); no circuit breaker was seen"
    )


def test_a_short_failure_or_one_with_successes_in_between_is_none() -> None:
    assert not found(RULE, system_of(failing(12, 30)))
    assert not found(RULE, system_of([*failing(18, 120), *many(order, 20, 7 * S)]))


def test_a_caller_with_a_breaker_lacks_none() -> None:
    closed = {"laban.circuit.state": "closed"}
    assert not found(RULE, system_of(failing(12, 120, attributes=closed)))


def test_a_service_that_only_passes_a_failure_on_is_not_what_is_down() -> None:
    def passed_on() -> list[Span]:
        root = entry(took=3000, ok=False)

        def below(one: Span) -> list[Span]:
            return call("pricing", "user", 10, 1900, one, ok=False, answered=False)

        return [root, *call("order", "pricing", 5, 2000, root, ok=False, below=[below])]

    [finding] = found(RULE, system_of(many(passed_on, 12, 10 * S)))
    assert finding.place == "pricing → user.local"
