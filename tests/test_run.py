"""`run` works from any folder, explains why it cannot start, and rejects an incomplete .venv."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ("basename", "cat", "cksum", "dirname", "head", "readlink", "sed", "sh", "tr")
NOBODY_LISTENS = "http://127.0.0.1:9/simple"

ECHO = """#!/bin/sh
echo "$PWD" "$@"
"""
OLD_PYTHON = """#!/bin/sh
[ "$1" = --version ] && echo "Python 3.9.2" && exit 0
exit 1
"""


def executable(path: Path, text: str) -> Path:
    """Write an executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh copy of the files that `run` reads, in a folder with a space in its name."""
    folder = tmp_path / "a check out"
    folder.mkdir()
    for name in ("run", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture
def set_up_checkout(checkout: Path) -> Path:
    """A checkout with a complete .venv; its `laban` prints its working directory and arguments."""
    venv = checkout / ".venv"
    executable(venv / "bin" / "laban", ECHO)
    (venv / "bin" / "python").symlink_to(sys.executable)
    content = (checkout / "requirements-dev.txt").read_bytes() + (checkout / "pyproject.toml").read_bytes()
    stamp = subprocess.run(["cksum"], input=content, capture_output=True, check=True).stdout
    (venv / "laban-stamp").write_bytes(stamp)
    (venv / "laban-home").write_text(f"{checkout.resolve()}\n", encoding="utf-8")
    return checkout


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A folder for PATH with the tools of a POSIX system, but without Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"{tool} is missing on this machine"
        (folder / tool).symlink_to(found)
    return folder


def call(script: Path, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script with PYTHON unset unless given."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    return subprocess.run(
        [script, *arguments],
        cwd=cwd,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_runs_in_the_working_directory_of_its_caller(set_up_checkout: Path, tmp_path: Path) -> None:
    done = call(set_up_checkout / "run", "order", "10 01", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"{tmp_path} order 10 01\n", "")


def test_it_runs_through_symbolic_links(set_up_checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "relative").symlink_to(f"{set_up_checkout.name}/run")
    (tmp_path / "again").symlink_to(tmp_path / "relative")
    done = call(tmp_path / "again", "map", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"{tmp_path} map\n", "")


def test_an_unknown_benchmark_lists_the_known_ones(set_up_checkout: Path, tmp_path: Path) -> None:
    benchmarks = set_up_checkout / "benchmarks"
    benchmarks.mkdir()
    (benchmarks / "ingest.py").touch()
    done = call(set_up_checkout / "run", "bench", "ingst", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "One of: ingest" in done.stderr


def test_an_old_python_is_reported_with_the_required_version(checkout: Path, bare_path: Path) -> None:
    executable(bare_path / "python3", OLD_PYTHON)
    done = call(checkout / "run", "demo", cwd=checkout, PATH=str(bare_path))
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr


def test_a_missing_python_is_reported(checkout: Path, bare_path: Path) -> None:
    done = call(checkout / "run", "demo", cwd=checkout, PATH=str(bare_path))
    assert done.returncode == 2
    assert "found: no python3." in done.stderr


def test_a_failed_download_is_reported_and_leaves_no_stamp(checkout: Path) -> None:
    done = call(
        checkout / "run",
        "demo",
        cwd=checkout,
        PYTHON=sys.executable,
        PIP_INDEX_URL=NOBODY_LISTENS,
        PIP_RETRIES="0",
        PIP_FIND_LINKS="",
    )
    assert done.returncode == 2
    assert "could not download uv" in done.stderr
    assert "PIP_INDEX_URL" in done.stderr
    assert not (checkout / ".venv" / "laban-stamp").exists()


@pytest.mark.parametrize("changed", ["requirements-dev.txt", "pyproject.toml"])
def test_a_changed_lock_or_project_sets_up_again(
    set_up_checkout: Path, bare_path: Path, changed: str
) -> None:
    with (set_up_checkout / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    done = call(set_up_checkout / "run", "map", cwd=set_up_checkout, PATH=str(bare_path))
    assert done.stdout == ""
    assert "needs Python 3.11" in done.stderr


def test_a_moved_venv_is_rejected(set_up_checkout: Path, bare_path: Path) -> None:
    moved = set_up_checkout.rename(set_up_checkout.with_name("moved"))
    done = call(moved / "run", "map", cwd=moved, PATH=str(bare_path))
    assert done.stdout == ""
    assert "needs Python 3.11" in done.stderr


def test_a_second_call_waits_for_the_set_up_of_the_first(
    set_up_checkout: Path, bare_path: Path, tmp_path: Path
) -> None:
    (bare_path / "python3").symlink_to(sys.executable)
    stamp = set_up_checkout / ".venv" / "laban-stamp"
    unfinished = stamp.rename(tmp_path / "stamp")

    with (set_up_checkout / "requirements-dev.txt").open(encoding="utf-8") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = subprocess.Popen(
            [set_up_checkout / "run", "map"],
            cwd=tmp_path,
            env={**os.environ, "PATH": str(bare_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr
        waiting = second.stderr.readline()
        unfinished.rename(stamp)

    output, rest = second.communicate()
    assert waiting == "run: another ./run is setting up .venv; waiting for it\n"
    assert (rest, output) == ("", f"{tmp_path} map\n")
