"""`laban findings`, run as a user runs it: over a file, over a collector, and beside a laban.toml."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from laban_app.answers.findings_settings import findings_settings
from laban_app.cli.app import load_command
from laban_collector.errors import BadSettings
from laban_collector.settings import load_settings
from laban_collector.store.duckdb.store import DuckDBStore

from ...mapper.findings.shop import monolith
from ...serving import Serving, laban, serving
from ..answers.test_sample import trace_of, write


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("findings") / "spans.duckdb"
    with DuckDBStore.open(path) as store:
        write(store, [trace_of(monolith(), number) for number in range(25)])
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("served") / "spans.duckdb") as running:
        running.send([replace(one) for number in range(25) for one in trace_of(monolith(), number)])
        yield running


def test_the_worst_findings_come_with_what_to_do_and_how_to_see_the_proof(file: Path) -> None:
    done = laban("findings", "--db", str(file), "--severity", "warning")
    assert done.returncode == 0, done.stderr
    first, second, *rest = done.stdout.splitlines()
    assert first.startswith("2 warnings; score as a distributed monolith 0.6")
    assert "looked at 25 traces of 1 entry operation, and at" in second
    assert any("L002 distributed-monolith  order POST /orders" in line for line in rest)
    assert sum("laban trace " in line for line in rest) == 6


def test_json_has_the_documented_shape_from_a_file_and_from_a_collector(file: Path, served: Serving) -> None:
    for source in (("--db", str(file)), ("--url", served.url)):
        found = json.loads(laban("findings", "--json", *source).stdout)
        assert {"code", "name", "severity", "place", "sentence", "numbers", "traces", "advice"} <= set(
            found["findings"][0]
        )
        assert (found["looked_at"]["traces"], found["looked_at"]["of"]) == (25, 25)
        assert found["score"] > 0.5


def test_a_form_for_ci_and_an_exit_code_from_the_chosen_severity_on(file: Path) -> None:
    failed = laban("findings", "--db", str(file), "--format", "sarif", "--fail-on", "warning")
    assert failed.returncode == 1
    assert '"ruleId": "L002"' in failed.stdout
    assert laban("findings", "--db", str(file), "--fail-on", "error").returncode == 0


def test_what_a_file_ignores_does_not_fail_and_keeps_its_reason(
    file: Path, served: Serving, tmp_path: Path
) -> None:
    ignores = '[[findings.ignore]]\ncode = "L002"\nplace = "*"\nreason = "planned for spring"\n'
    (tmp_path / "laban.toml").write_text(ignores, encoding="utf-8")
    for source in (("--db", str(file)), ("--url", served.url)):
        done = laban("findings", *source, "--fail-on", "warning", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "planned for spring" in done.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[findings]\nsync_dept = 3\n", "[findings] sync_dept: no such limit. The limits are fewest,"),
        ("[findings]\nsync_depth = 0\n", "[findings] sync_depth: Input should be greater than or equal to 1"),
        ('[[findings.ignore]]\ncode = "L001"\n', "[[findings.ignore]] number 1 needs a reason"),
        ("[findings]\nignore = 3\n", "[[findings.ignore]] is a list of tables"),
        ("[objectives]\nlatency = 3\n", "[objectives] latency: Input should be a valid dictionary"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str) -> None:
    (tmp_path / "laban.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadSettings) as caught:
        findings_settings(load_settings())
    assert told in str(caught.value)


def test_a_rule_is_explained_by_code_or_name(capsys: pytest.CaptureFixture[str]) -> None:
    run("--explain", "deep-sync-chain")
    text = capsys.readouterr().out
    for part in ("L001 deep-sync-chain (warning)", "why: ", "compares: ", "sync_depth = 2", "to do: "):
        assert part in text
    run("--explain", "L001", "--json")
    assert json.loads(capsys.readouterr().out)["thresholds"][0]["default"] == 2
    with pytest.raises(typer.BadParameter, match="L999"):
        run("--explain", "L999")


def run(*arguments: str) -> None:
    """Run the command in this process."""
    load_command("findings").main(list(arguments), standalone_mode=False)
