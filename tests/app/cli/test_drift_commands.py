"""The commands choreography, check and compare, and their API, on a running collector."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer

from laban_app.cli import compare_command, report_output
from laban_app.cli.drift_commands import allowed_kinds
from laban_mapper.drift.answers import Allowed

from ...mapper.shop_spans import hybrid_order
from ...serving import Serving, laban, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("drift") / "spans.duckdb") as running:
        running.send(hybrid_order())
        yield running


@pytest.fixture(scope="module")
def choreography(served: Serving) -> str:
    answer = httpx.get(f"{served.url}/api/v1/choreography?format=yaml", timeout=30)
    assert answer.headers["content-type"] == "application/yaml"
    return answer.text


def test_the_file_of_the_command_is_that_of_the_api_and_keeps_marks(
    served: Serving, choreography: str, tmp_path: Path
) -> None:
    file = tmp_path / "choreography.yaml"
    marked = f"{choreography}\noptional:\n  - order to x\n"
    file.write_text(marked, encoding="utf-8")
    done = laban("choreography", "--url", served.url, "-o", str(file))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert file.read_text(encoding="utf-8") == marked
    assert "    groups:\n      email:\n        - email\n" in choreography


def test_check_exits_0_if_it_matches_and_1_with_the_line_and_the_proof_if_not(
    served: Serving, choreography: str, tmp_path: Path
) -> None:
    file = tmp_path / "choreography.yaml"
    file.write_text(choreography, encoding="utf-8")
    same = laban("check", str(file), "--url", served.url)
    assert same.returncode == 0, same.stderr
    assert same.stdout.startswith("What runs matches the choreography.")
    file.write_text(choreography.replace("      email:\n        - email\n", "", 1), encoding="utf-8")
    drifted = laban("check", str(file), "--url", served.url, "--format", "sarif")
    assert drifted.returncode == 1, drifted.stderr
    [result] = json.loads(drifted.stdout)["runs"][0]["results"]
    assert result["ruleId"] == "D131"
    [location] = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == str(file)
    [trace] = result["properties"]["traces"]
    assert laban("trace", trace, "--url", served.url).returncode == 0
    allowed = laban("check", str(file), "--url", served.url, "--allow", "new-consumer", "--json")
    assert allowed.returncode == 0
    answer = json.loads(allowed.stdout)
    assert [(item["kind"], item["accepted"]) for item in answer["items"]] == [
        ("new-consumer", "--allow new-consumer")
    ]


def test_check_of_a_bad_file_names_the_line_and_exits_2(served: Serving, tmp_path: Path) -> None:
    file = tmp_path / "choreography.yaml"
    file.write_text("laban-choreography: 1\ncalls: []\n", encoding="utf-8")
    done = laban("check", str(file), "--url", served.url)
    assert done.returncode == 2
    assert f"{file}:2: calls must be a mapping" in done.stderr
    missing = laban("check", str(tmp_path / "none.yaml"), "--url", served.url)
    assert (missing.returncode, missing.stdout) == (2, "")


def test_a_check_that_saw_nothing_fails(served: Serving, choreography: str, tmp_path: Path) -> None:
    file = tmp_path / "choreography.yaml"
    file.write_text(choreography, encoding="utf-8")
    done = laban("check", str(file), "--url", served.url, "--since", "2001-01-01", "--until", "2001-01-02")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No calls in this time range" in done.stderr


def test_compare_of_two_collectors_and_of_two_time_ranges(served: Serving) -> None:
    done = laban("compare", served.url, served.url, "--all")
    assert done.returncode == 0, done.stderr
    assert "clients ─▶ order (http)" in done.stdout
    answer = httpx.get(f"{served.url}/api/v1/compare", params={"a": "9000d..", "b": "2h..1h"}, timeout=30)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["before"]["name"], body["after"]["services"]) == ("9000d..", 0)
    assert {"from", "to", "kind", "before", "after"} <= set(body["edges"][0])
    refused = httpx.get(f"{served.url}/api/v1/compare", params={"a": "1h..2h", "b": "2h.."}, timeout=30)
    assert refused.status_code == 400
    wrong = laban("compare", "monday", served.url)
    assert wrong.returncode == 2
    assert "'monday' is no file, no URL, and no time range" in wrong.stderr


def test_options_are_checked() -> None:
    assert allowed_kinds(["new-call", "gone-call=order → *"]) == [
        Allowed("new-call"),
        Allowed("gone-call", "order → *"),
    ]
    for refused in (
        lambda: allowed_kinds(["new-things"]),
        lambda: compare_command.chosen_form("sarif", json=False),
        lambda: report_output.chosen_form("junit", json=True),
        lambda: report_output.chosen_form("pdf", json=False),
    ):
        with pytest.raises(typer.BadParameter):
            refused()
