"""In CI, a skip fails; elsewhere it stays a skip. Each case is a separate pytest run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SKIPPED_TEST = """
import pytest

def test_skips():
    pytest.skip("no Java")
"""
SKIPPED_FIXTURE = """
import pytest

@pytest.fixture
def broker():
    pytest.skip("no Java")

def test_uses_it(broker): ...
"""
SKIPPED_MODULE = """
import pytest

pytest.skip("no Java", allow_module_level=True)
"""
EXPECTED_FAILURE = """
import pytest

@pytest.mark.xfail(reason="known")
def test_known():
    assert False
"""


def run_pytest(folder: Path, source: str, *, ci: bool) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin on one test module."""
    module = folder / "test_one.py"
    module.write_text(source, encoding="utf-8")
    environment = {**os.environ, "LABAN_CI": "1" if ci else ""}
    options = ("-p", "tests.no_skips", "-p", "no:cacheprovider", "--rootdir", str(folder), "-ra")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(module)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("source", [SKIPPED_TEST, SKIPPED_FIXTURE, SKIPPED_MODULE])
def test_in_ci_a_skip_fails_and_keeps_its_reason(tmp_path: Path, source: str) -> None:
    done = run_pytest(tmp_path, source, ci=True)
    assert done.returncode != 0
    assert "no Java" in done.stdout
    assert "no test may skip" in done.stdout


@pytest.mark.parametrize("source", [SKIPPED_TEST, SKIPPED_FIXTURE])
def test_elsewhere_a_skip_is_a_skip(tmp_path: Path, source: str) -> None:
    done = run_pytest(tmp_path, source, ci=False)
    assert done.returncode == 0
    assert "1 skipped" in done.stdout


def test_an_expected_failure_is_not_a_skip(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, EXPECTED_FAILURE, ci=True)
    assert done.returncode == 0
    assert "1 xfailed" in done.stdout
