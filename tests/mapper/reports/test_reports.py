"""A report in its forms: their shape, what counts, and that names from spans command nothing."""

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from laban_mapper.reports.rendering import REPORT_FORMS, write_report
from laban_mapper.reports.report import Report, ReportItem, ReportRule

RULES = [
    ReportRule("X001", "new-call", "A service calls another one that it did not call.", "error"),
    ReportRule("X002", "gone-call", "A service no longer calls another one.", "error", "Look."),
    ReportRule("X003", "quiet", "Too little traffic.", "info"),
]
HOSTILE = "a|b`c\x1b[2J\u202e<script>@here [x](http://evil) ]]> \x00 & \"q\" 'p'\nnext\ud800"


def item(**changes: Any) -> ReportItem:
    given: dict[str, Any] = {
        "code": "X001",
        "name": "new-call",
        "severity": "error",
        "place": "order → user",
        "sentence": "order calls user: 3 of 20 times.",
        "traces": ["0af7651916cd43dd8448eb211c80319c"],
        "advice": "Agree, or take it out.",
        "numbers": {"calls": 3},
        "file": "docs/choreography.yaml",
        "line": 7,
    }
    return ReportItem(**{**given, **changes})


def report(*items: ReportItem, **changes: Any) -> Report:
    given: dict[str, Any] = {"rules": RULES, "version": "1", "notes": ["In the last hour."]}
    given |= {"title": "choreography.yaml", "verdict": "It drifted.", **changes}
    return Report("laban check", items=items, **given)


QUIET = {"code": "X003", "name": "quiet", "severity": "info", "file": None, "line": None}


def test_only_items_that_count_and_are_severe_enough_make_it_fail() -> None:
    assert report(item()).failed
    assert not report(item(accepted="--allow new-call"), item(**QUIET)).failed
    assert not report(item(severity="warning")).failed
    assert report(item(severity="warning"), fails_from="warning").failed
    assert not report(item(), fails_from=None).failed


def test_sarif_has_the_rules_and_for_each_item_its_level_line_and_proof() -> None:
    found = json.loads(write_report(report(item(), item(**QUIET), item(accepted="planned")), "sarif"))
    assert found["version"] == "2.1.0"
    [run] = found["runs"]
    driver = run["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == ["X001", "X002", "X003"]
    assert driver["rules"][1]["help"]["text"] == "Look."
    first, quiet, accepted = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("X001", 0, "error")
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "docs/choreography.yaml"},
        "region": {"startLine": 7},
    }
    assert "laban trace 0af7651916cd43dd8448eb211c80319c" in first["message"]["text"]
    assert quiet["level"] == "note"
    assert "physicalLocation" not in quiet["locations"][0]
    assert accepted["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "planned"}
    ]
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]


def test_the_fingerprint_of_an_item_does_not_depend_on_its_numbers_or_its_line() -> None:
    def fingerprint(one: ReportItem) -> str:
        run = json.loads(write_report(report(one), "sarif"))["runs"][0]
        return str(run["results"][0]["partialFingerprints"])

    assert fingerprint(item()) == fingerprint(item(line=9, sentence="order calls user: 5 of 30 times."))
    assert fingerprint(item()) != fingerprint(item(place="order → pricing"))


def test_junit_has_a_test_for_each_rule_and_item() -> None:
    root = ET.fromstring(write_report(report(item(), item(**QUIET)), "junit"))  # noqa: S314 - our own
    assert root.tag == "testsuites"
    [suite] = root
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    passed, failed, quiet, *_ = suite.findall("testcase")
    assert (passed.get("classname"), len(passed)) == ("laban.check.X002 gone-call", 0)
    assert failed.get("name") == "order → user"
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == "order calls user: 3 of 20 times."
    assert "docs/choreography.yaml:7" in (failure.text or "")
    assert quiet.find("skipped") is not None


def test_markdown_begins_with_the_verdict_and_shows_the_proof() -> None:
    text = write_report(report(item(), item(accepted="--allow new-call")), "markdown")
    lines = text.splitlines()
    assert lines[0] == "## ❌ choreography.yaml"
    assert lines[2] == "**It drifted.**"
    assert "`0af7651916cd43dd8448eb211c80319c`" in text
    assert "`docs/choreography.yaml:7`" in text
    assert "- `new-call`: Agree, or take it out." in lines
    assert write_report(report(), "markdown").startswith("## ✅")


@pytest.mark.parametrize("form", REPORT_FORMS)
def test_names_from_spans_command_no_form(form: Any) -> None:
    names = {"place": HOSTILE, "sentence": HOSTILE, "traces": [HOSTILE], "advice": HOSTILE}
    found = item(**names, numbers={HOSTILE: 1, "b": HOSTILE})
    hostile = report(found, item(**names, accepted=HOSTILE), title=HOSTILE, verdict=HOSTILE, notes=[HOSTILE])
    text = write_report(hostile, form)
    assert "\x1b" not in text
    assert "\u202e" not in text
    text.encode()
    if form == "sarif":
        json.loads(text)
    elif form == "junit":
        ET.fromstring(text)  # noqa: S314 - our own
    else:
        outside = re.sub(r"(`+)[^`](?:.*?[^`])?\1(?!`)", "", text)
        assert "<script>" not in outside
        assert "@here" not in outside


def test_a_report_of_very_many_items_stays_small_enough_for_a_job_summary() -> None:
    many = report(*(item(place=f"{'x' * 300}{number}", traces=["f" * 32] * 5) for number in range(2_000)))
    text = write_report(many, "markdown")
    assert len(text.encode()) < 1 << 20
    assert "1,900 more" in text
