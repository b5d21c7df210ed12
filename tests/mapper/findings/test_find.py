"""The order, the limits and the ignores of findings, and their report."""

from collections.abc import Iterable
from datetime import UTC, datetime

from laban_mapper.findings.facts import Found, Rule, System
from laban_mapper.findings.find import MOST, at_least, find
from laban_mapper.findings.reporting import report_of
from laban_mapper.findings.thresholds import Ignore
from laban_mapper.model import Findings, LookedAt, Severity

from .systems import system_of

EMPTY = system_of([])


def rule(code: str, severity: Severity, *places: Found) -> Rule:
    def find_places(_: System) -> Iterable[Found]:
        return places

    return Rule(code, f"rule-{code.lower()}", severity, "Why.", "Advice.", find_places)


def at(place: str, severity: Severity | None = None) -> Found:
    return Found(place, f"{place} is wrong", severity=severity)


def codes(found: Findings) -> list[tuple[str, str]]:
    return [(one.code, one.place) for one in found.findings]


def test_the_worst_come_first_and_the_ignored_last() -> None:
    rules = [
        rule("L001", "info", at("a"), at("b", "error")),
        rule("L002", "warning", at("c"), at("d")),
    ]
    found = find(EMPTY, [Ignore(code="l002", place="c", reason="known")], rules)
    assert codes(found) == [("L001", "b"), ("L002", "d"), ("L001", "a"), ("L002", "c")]
    assert [one.ignored for one in found.findings] == [None, None, None, "known"]
    assert [one.place for one in at_least(found.findings, "warning")] == ["b", "d", "c"]


def test_an_ignore_names_a_rule_by_code_or_name_and_places_by_a_pattern() -> None:
    rules = [rule("L002", "warning", at("order → user"), at("cart → user"))]
    found = find(EMPTY, [Ignore(code="rule-l002", place="order →*", reason="known")], rules)
    assert {one.place: one.ignored for one in found.findings} == {
        "cart → user": None,
        "order → user": "known",
    }


def test_findings_are_bounded_and_say_so() -> None:
    many = [rule(f"L{number:03}", "info", *map(at, map(str, range(40)))) for number in range(10)]
    found = find(EMPTY, rules=many)
    assert len(found.findings) == MOST
    assert (found.truncated, found.left_out) == (True, 400 - MOST)


def test_proofs_are_at_most_five_and_each_once() -> None:
    [one] = find(EMPTY, rules=[rule("L001", "info", Found("a", "b", traces=["1", "1", *"234567"]))]).findings
    assert one.traces == ["1", "2", "3", "4", "5"]


def test_the_report_says_what_was_looked_at_and_what_fails() -> None:
    rules = [rule("L001", "warning", at("a")), rule("L002", "info", at("b"))]
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    looked = LookedAt(traces=50, of=2_000, spans=900, entries=2, calls=9_000, too_large=1, complete=False)
    found = find(EMPTY, [Ignore(code="L002", reason="known")], rules).model_copy(
        update={"looked_at": looked, "since": moment, "until": moment, "score": 0.5}
    )
    report = report_of(found, "warning", rules=rules)
    assert report.title == (
        "2026-01-02 00:00:00 to 2026-01-02 00:00:00 UTC: looked at 50 of 2,000 traces of 2 entry operations, "
        "and at 9,000 calls and messages on the map"
    )
    assert report.verdict == "1 warning; score as a distributed monolith 0.50 of 1"
    assert [item.accepted for item in report.items] == [None, "known"]
    assert len(report.notes) == 2
    assert report.failed
    assert not report_of(found, "error", rules=rules).failed
    assert not report_of(found, None, rules=rules).failed
