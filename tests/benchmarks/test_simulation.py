"""The simulated systems of `./run bench truth`: the same for a seed, valid, and told right."""

from collections.abc import Sequence
from hashlib import sha256

import pytest

from benchmarks.simulation.execution import Order
from benchmarks.simulation.faults import KINDS
from benchmarks.simulation.judging import judge
from benchmarks.simulation.recording import requests
from benchmarks.simulation.simulation import Simulation, simulate

_ORDERS = 10


def _digest(simulated: Simulation) -> str:
    return sha256(b"".join(requests([*simulated.before, *simulated.after]))).hexdigest()


def _misplaced(orders: Sequence[Order]) -> list[str]:
    """Spans whose parent is not there, or has not begun, or is of another order."""
    found = []
    for order in orders:
        begun = {(span.trace, span.span_id): span.start for span in order.spans}
        assert len(begun) == len(order.spans)
        for span in order.spans:
            above = begun.get((span.trace, span.parent))
            is_entry = span is order.spans[0]
            if (
                span.end < span.start
                or (above or 0) > span.start
                or (span.parent and not (above or is_entry))
            ):
                found.append(span.name)
    return found


def test_a_seed_always_makes_the_same_system() -> None:
    first = simulate(3, "slow", _ORDERS, 2)
    second = simulate(3, "slow", _ORDERS, 2)
    assert _digest(first) == _digest(second)
    assert first.fault.truth == second.fault.truth
    assert _digest(simulate(4, "slow", _ORDERS, 2)) != _digest(first)


@pytest.mark.parametrize("kind", KINDS)
def test_every_span_is_below_a_span_of_its_trace(kind: str) -> None:
    simulated = simulate(0, kind, _ORDERS, 2)
    assert _misplaced([*simulated.before, *simulated.after]) == []
    assert not any(order.touched for order in simulated.before)
    assert simulated.affected()


@pytest.mark.parametrize("kind", ["error", "poison"])
def test_a_fault_is_told_where_it_was_injected(kind: str) -> None:
    score = judge(simulate(1, kind, 30, 4), 5)
    assert score.first == score.affected >= 4
    assert score.usual_claims == score.healthy_claims == 0


def test_a_fault_is_told_the_next_day_from_a_file_that_was_imported() -> None:
    score = judge(simulate(1, "missing", 40, 3), 2, at_once=True)
    assert score.first == score.affected >= 3
    assert score.usual_claims == score.healthy_claims == 0
