"""`laban rescue`, and what the other commands say about a damaged file."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from ...collector.store.duckdb.small_groups import BLOCK, GROUP, SPANS, block_of, make, overwrite
from ...serving import laban, serving


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make(tmp_path_factory.mktemp("rescue") / "a.duckdb")
    overwrite(path, block_of(path, "span_id", 1), bytes(BLOCK))
    return path


def rescued(*arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, object]]:
    done = laban("rescue", *arguments, "--json")
    return done, json.loads(done.stdout)


def test_a_new_file_gets_what_is_readable_and_the_losses_are_told(damaged: Path) -> None:
    done, answer = rescued(str(damaged))
    assert done.returncode == 1
    assert (answer["spans"], answer["lost"], answer["exact"]) == (SPANS - GROUP, GROUP, True)
    assert answer["commits"] == [{"first": 5, "last": 8, "spans": GROUP}]
    again = laban("rescue", str(damaged), "--into", f"{damaged}.rescued")
    assert f"({SPANS - GROUP:,} spans were stored already)" in again.stdout
    assert f"{GROUP:,} spans are lost (of the commits 5 to 8)" in again.stdout


def test_a_file_that_does_not_exist_is_wrong_use(tmp_path: Path) -> None:
    done = laban("rescue", str(tmp_path / "none.duckdb"))
    assert done.returncode == 2
    assert "no such file" in done.stderr


def test_a_collector_answers_whole_exports_or_none_while_it_replaces_a_damaged_file(
    damaged: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(damaged, tmp_path))
    with serving(path) as collector:
        answer = httpx.post(f"{collector.url}/api/v1/export", timeout=60)
        assert answer.status_code in (200, 503)
        if answer.status_code == 200:
            assert int(answer.headers["content-length"]) == len(answer.content)
        while True:
            status = httpx.get(f"{collector.url}/api/v1/status", timeout=60).json()
            if [one["state"] for one in status.get("collector", {}).get("rescues", [])] == ["done"]:
                break
        [rescue] = status["collector"]["rescues"]
        assert (rescue["found"], rescue["lost"]) == (SPANS - GROUP, GROUP)
        assert not status["collector"]["ledger_agrees"]
        assert httpx.get(f"{collector.url}/readyz").status_code == 200
        shown = laban("status", "--url", collector.url)
        assert f"{GROUP:,} spans are lost" in " ".join(shown.stdout.split())
        exported = httpx.post(f"{collector.url}/api/v1/export", timeout=60)
        assert exported.status_code == 200
        assert int(exported.headers["content-length"]) == len(exported.content)
