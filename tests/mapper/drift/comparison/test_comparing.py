"""Two sides next to each other, and what the change from one to the other brought."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from laban_mapper.drift.comparison.comparing import compare
from laban_mapper.drift.comparison.markdown import to_markdown
from laban_mapper.drift.comparison.rows import change_of, edge_rows
from laban_mapper.drift.comparison.sides import Side, chains
from laban_mapper.drift.comparison.windows import parse_window
from laban_mapper.errors import InvalidTimeRange
from laban_mapper.model import Edge, Finding, Findings, LagHistory, LagPoint, LookedAt, Severity
from laban_mapper.model_compare import ComparedEdge, EdgeSide

from ..systems import BEGIN, HYBRID, MONOLITH, edge, ran, system_map

NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)


def side(name: str, edges: Sequence[Edge], lag: Sequence[LagPoint] = ()) -> Side:
    return Side(name, system_map(*edges), ran(*edges), LagHistory(points=list(lag)))


def timed(edges: Sequence[Edge], p50: float, p95: float, errors: int = 0) -> list[Edge]:
    times = {"p50_ms": p50, "p95_ms": p95, "errors": errors}
    return [
        one.model_copy(update=times if one.source == "entry:clients" else {"p95_ms": 20.0}) for one in edges
    ]


def poll(group: str, minute: int, messages: int) -> LagPoint:
    time = BEGIN + timedelta(minutes=minute)
    return LagPoint(time=time, group=group, topic="orders", partition=0, messages=messages, seconds=1.5)


def found(score: float, *places: tuple[str, str, Severity]) -> Findings:
    listed = [
        Finding(code=code, name="rule", severity=severity, place=place, sentence="…", advice="…")
        for code, place, severity in places
    ]
    return Findings(findings=listed, looked_at=LookedAt(), since=BEGIN, until=NOW, score=score)


def test_findings_and_the_score_are_compared_by_place() -> None:
    before = replace(
        side("a", MONOLITH), findings=found(0.75, ("L001", "POST /orders", "warning"), ("L008", "x", "info"))
    )
    after = replace(side("b", MONOLITH), findings=found(0.3, ("L022", "group email", "error")))
    answer = compare(before, after)
    assert answer.brought == [
        "The score as a distributed monolith is 0.30 of 1 instead of 0.75.",
        "New findings: L022 rule at group email.",
        "No longer found: L001 rule at POST /orders.",
    ]
    assert (answer.before.findings, answer.after.score) == (1, 0.3)
    assert (answer.new_findings, answer.gone_findings) == (
        ["L022 rule at group email"],
        ["L001 rule at POST /orders"],
    )
    assert "| distributed-monolith score | 0.75 of 1 | 0.30 of 1 |" in to_markdown(answer)
    assert compare(before, before).brought == []


def test_it_says_what_the_move_from_calls_to_messages_brought() -> None:
    polls = [poll("email", 1, 3), poll("email", 2, 9)]
    answer = compare(
        side("monolith", timed(MONOLITH, 400, 900, 30)), side("hybrid", timed(HYBRID, 40, 90), polls)
    )
    faster = "10.0 times as fast"
    assert answer.brought == [
        "2 calls became messages, so the caller no longer waits: order → email and order → inventory.",
        "A client waits for 1 service instead of 3 and has a longest chain of 1 call instead of 3.",
        "A request makes 0.0 synchronous calls instead of 2.0.",
        "A request publishes 1.0 messages instead of 0.0.",
        (
            f"A request takes 40 ms instead of 400 ms (50th percentile, {faster}), and 90 ms instead of "
            f"900 ms (95th percentile, {faster})."
        ),
        "0.0% of the requests fail instead of 10.0% (0 of 300; 30 of 300).",
        (
            "In exchange, messages wait in topics: at most 20 ms (95th percentile) in topic orders until "
            "group email."
        ),
    ]
    assert (answer.before.calls_per_request, answer.after.messages_per_request) == (2.0, 1.0)
    [group] = answer.groups
    assert group.before is None
    assert group.after is not None
    assert group.after.messages == 9


def test_the_same_system_has_nothing_to_tell() -> None:
    answer = compare(side("a", timed(HYBRID, 40, 90)), side("b", timed(HYBRID, 41, 92)))
    assert (answer.brought, answer.changes) == ([], [])
    assert [row.change for row in edge_rows(answer, everything=True)] == ["same"] * len(answer.edges)
    assert len(list(edge_rows(answer, everything=False))) == 1  # the entry


def test_few_requests_tell_nothing_about_latency() -> None:
    few = [one.model_copy(update={"calls": 5}) for one in timed(HYBRID, 40, 90)]
    slow = [one.model_copy(update={"calls": 5}) for one in timed(HYBRID, 400, 900)]
    answer = compare(side("a", few), side("b", slow))
    assert answer.brought == []
    assert answer.notes == [f"{name}: 5 requests from outside; latencies tell little." for name in "ab"]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (None, EdgeSide(calls=1, errors=0), "new"),
        (EdgeSide(calls=1, errors=0), None, "gone"),
        (EdgeSide(calls=99, errors=0, p95_ms=10), EdgeSide(calls=99, errors=0, p95_ms=16), "slower"),
        (EdgeSide(calls=99, errors=0, p95_ms=16), EdgeSide(calls=99, errors=0, p95_ms=10), "faster"),
        (EdgeSide(calls=99, errors=0, p95_ms=16), EdgeSide(calls=99, errors=9, p95_ms=10), "failing"),
        (EdgeSide(calls=9, errors=0, p95_ms=10), EdgeSide(calls=9, errors=9, p95_ms=99), "same"),
        (EdgeSide(calls=60, errors=0, per_request=1), EdgeSide(calls=1, errors=0, per_request=0.02), "rarer"),
        (
            EdgeSide(calls=9, errors=0, per_request=1),
            EdgeSide(calls=40, errors=0, per_request=3),
            "more often",
        ),
    ],
)
def test_an_edge_has_changed_if_there_are_enough_calls(
    before: EdgeSide | None, after: EdgeSide | None, change: str
) -> None:
    both = ComparedEdge(source="a", target="b", kind="sync", protocol="http", before=before, after=after)
    assert change_of(both) == change


def test_a_circle_of_calls_counts_each_service_once() -> None:
    calls = [
        edge("entry:clients", "service:a"),
        edge("service:a", "service:b"),
        edge("service:b", "service:a"),
        edge("service:b", "service:c"),
    ]
    assert chains(calls) == (3, 3)
    assert chains([]) == (0, 0)


def test_markdown_has_both_sides_of_each_edge() -> None:
    text = to_markdown(compare(side("a", timed(MONOLITH, 400, 900)), side("b", timed(HYBRID, 40, 90))))
    assert "| `clients ─▶ order (http)` | faster | 300 | 0 | 400 ms → 40 ms | 900 ms → 90 ms |" in text
    assert "| `order ─▶ email (http)` | gone | 300 → – | 0 → – | – | 20 ms → – |" in text


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2h..1h", (2, 1)),
        ("3h..", (3, 0)),
        ("3h..now", (3, 0)),
        ("today", (12.5, 0)),
        ("yesterday", (36.5, 12.5)),
    ],
)
def test_time_ranges(text: str, hours: tuple[float, float]) -> None:
    assert parse_window(text, NOW) == tuple(NOW - timedelta(hours=hour) for hour in hours)


@pytest.mark.parametrize("text", ["1h..2h", "..1h", "1h", "a..b", ""])
def test_no_time_ranges(text: str) -> None:
    with pytest.raises(InvalidTimeRange):
        parse_window(text, NOW)
