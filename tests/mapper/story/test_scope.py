"""Who else is affected: the minutes tell since when, and how many."""

from datetime import datetime

import pytest

from laban_collector.store.rows import MINUTE, EdgeMinute, EdgePlace, QueueMinute
from laban_mapper.model import OrderScope
from laban_mapper.story.causes.facts import Claim
from laban_mapper.story.scope import Problem, problem_of, queue_of, scope_of_calls, scope_of_queue
from laban_mapper.times import utc_time

from ..shop_spans import MS, T0, grpc_client, http_client, http_server, process, publish

NOON = T0 // MINUTE * MINUTE
PLACE = EdgePlace("service:order", ("service:payment",))


def at(minute: int) -> datetime:
    return utc_time(NOON + minute * MINUTE)


def minutes(*counts: tuple[int, int], first: int = 0) -> list[EdgeMinute]:
    """Minutes with (calls, errors)."""
    return [
        EdgeMinute(NOON + (first + place) * MINUTE, calls, errors, errors)
        for place, (calls, errors) in enumerate(counts)
    ]


def scope_at(minute: int, found: list[EdgeMinute]) -> OrderScope | None:
    return scope_of_calls(Problem(NOON + minute * MINUTE, PLACE, "errors", 1), found)


def test_the_onset_is_the_minute_from_which_on_more_calls_fail() -> None:
    found = minutes(*[(20, 0)] * 60, (20, 8), (20, 7), (20, 8))
    assert scope_at(62, found) == OrderScope(
        affected=23, of=60, since=at(60), before_affected=0, before_of=1_200
    )


def test_a_few_failures_long_before_and_a_minute_without_any_do_not_move_the_onset() -> None:
    found = minutes(*[(20, 0)] * 30, (20, 1), *[(20, 0)] * 29, (20, 8), (20, 0), (20, 8))
    assert scope_at(62, found) == OrderScope(
        affected=16, of=60, since=at(60), before_affected=1, before_of=1_200
    )


def test_without_a_change_the_trouble_has_lasted_from_the_first_failure_that_is_known() -> None:
    assert scope_at(5, minutes(*[(20, 3)] * 6)) == OrderScope(affected=18, of=120, since=at(0))
    assert scope_at(5, minutes((20, 0))) is None
    assert scope_at(5, []) is None


def queue(*counts: tuple[int, int]) -> list[QueueMinute]:
    """Minutes with (messages published so far, waiting)."""
    return [QueueMinute(NOON + place * MINUTE, *count) for place, count in enumerate(counts)]


def test_a_queue_is_stuck_since_the_minute_in_which_it_began_to_grow() -> None:
    found = queue((1000, 1), (1100, 0), (1200, 2), (1300, 90), (1400, 190))
    assert scope_of_queue(found) == OrderScope(affected=190, of=200, since=at(3), before_of=200)
    assert scope_of_queue(queue((1000, 5), (1100, 0))) is None
    assert scope_of_queue([]) is None


def test_a_queue_that_no_poll_saw_empty_is_stuck_since_the_first_one() -> None:
    found = queue(*((60 * (minute + 1), 60 * (minute + 1)) for minute in range(20)))
    assert scope_of_queue(found) == OrderScope(affected=1200, of=1200, since=at(0))


def test_a_queue_is_stuck_since_its_group_reads_nothing_however_long_ago_that_was() -> None:
    found = queue((940, 3), (1000, 0), *((1000 + 60 * minute, 60 * minute) for minute in range(1, 21)))
    assert scope_of_queue(found) == OrderScope(affected=1200, of=1200, since=at(2), before_of=60)


TOP = http_server("order", "POST /orders", 0, 50)
CALL = http_client("order", "POST", 5, 3000, TOP, peer_address="10.0.0.7", peer_port=8080)
SERVED = http_server("payment", "POST /charge", 6, 2998, CALL, namespace="shop")
QUERY = grpc_client("order", "ledger.Ledger/Add", 5, 2, TOP, db_system="redis", db_namespace="0")
SENT = publish("order", "orders", 30, TOP)
READ = process("email", SENT, 9_030, 10)


def claim(kind: str, *spans: object, service: str = "payment", weight: float = 0.0) -> Claim:
    return Claim(kind, service, "", "", spans, weight=weight)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("about", "place", "slow"),
    [
        (
            claim("unreachable", CALL),
            EdgePlace("service:order", ("service:payment", "external:10.0.0.7:8080"), "10.0.0.7:8080"),
            1,
        ),
        (claim("error", SERVED), EdgePlace(None, ("service:shop/payment",)), 1),
        (
            claim("slow", SERVED, CALL, weight=2_000 * MS),
            EdgePlace("service:order", ("service:shop/payment",)),
            1_998 * MS,
        ),
        (
            claim("slow", QUERY, service="redis", weight=2 * MS),
            EdgePlace("service:order", ("service:redis", "database:redis/0"), None, "ledger.Ledger"),
            1 * MS,
        ),
        (claim("slow", READ, weight=5 * MS), EdgePlace("group:email", ("service:email",)), 7.5 * MS),
        (
            claim("slow", READ, SENT, weight=8_000 * MS),
            EdgePlace("topic:orders", ("group:email",)),
            5_000 * MS,
        ),
    ],
)
def test_a_problem_is_counted_at_the_edge_where_the_fault_lies(
    about: Claim, place: EdgePlace, slow: float
) -> None:
    problem = problem_of(about)
    assert problem is not None
    assert (problem.place, problem.slow) == (place, slow)
    assert problem.counted == ("slow" if about.kind == "slow" else "errors")


def test_other_claims_are_not_about_calls() -> None:
    assert problem_of(claim("missing", TOP)) is None
    assert queue_of(claim("missing", TOP)) is None
