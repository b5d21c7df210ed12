"""L010: failures that take callers with them, and failures that do not."""

from laban_collector.store.rows import Span
from laban_mapper.findings.cascading_failure import RULE

from .shop import call, entry, monolith
from .systems import found, many, system_of


def order(*, origin_ok: bool = True, caught_at: str = "", status: int = 503) -> list[Span]:
    """Order asks inventory, which asks pricing; pricing fails, and somebody may catch that."""
    inventory_ok = origin_ok or caught_at == "inventory"
    root = entry(ok=inventory_ok or caught_at == "order")
    return [
        root,
        *call(
            "order",
            "inventory",
            2,
            90,
            root,
            ok=inventory_ok,
            below=[lambda one: call("inventory", "pricing", 5, 80, one, ok=origin_ok, http_status=status)],
        ),
    ]


def test_a_failure_that_takes_two_callers_with_it() -> None:
    traces = [*many(order, 26), *many(lambda: order(origin_ok=False), 4)]
    [finding] = found(RULE, system_of(traces))
    assert (finding.severity, finding.place) == ("warning", "pricing")
    assert finding.sentence == (
        "when pricing fails, inventory and order fail with it (4 of 30 traces; the reply failed in 4): about "
        "13 % of all requests, 1 entry operation of 1"
    )
    assert len(finding.traces) == 4


def test_a_failure_that_the_next_caller_survives_is_none() -> None:
    for catcher in ("inventory", "order"):
        broken = many(lambda catcher=catcher: order(origin_ok=False, caught_at=catcher), 4)  # type: ignore[misc]
        assert not found(RULE, system_of([*many(order, 26), *broken]))


def test_two_failures_and_refusals_are_none() -> None:
    assert not found(RULE, system_of([*many(order, 28), *many(lambda: order(origin_ok=False), 2)]))
    assert not found(
        RULE, system_of([*many(order, 26), *many(lambda: order(origin_ok=False, status=404), 4)])
    )
    assert not found(RULE, system_of(many(monolith)))
