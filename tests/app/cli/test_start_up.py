"""What a command may load: measured by the modules, because a time says more of the machine."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ...mapper.shop_spans import hybrid_order
from ...serving import Serving, serving
from ..answers.test_local import named

LOADED = """
import sys
from laban.__main__ import main
for line in sys.argv[1:]:
    sys.argv = ["laban", *line.split()]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, (line, ended.code)
print("\\nLOADED", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
HEAVY = {
    *("duckdb", "pyarrow", "numpy", "pandas", "fastapi", "starlette", "uvicorn", "grpc", "httpx", "networkx"),
    *("graphviz", "streamlit", "google", "kafka", "pygments", "ptars", "mcp", "httpx2", "anyio"),
}


def loaded(commands: Sequence[str], cwd: Path) -> set[str]:
    """The packages that are loaded when these commands have succeeded, one after the other."""
    run = [sys.executable, "-c", LOADED, *commands]
    ended = subprocess.run(run, cwd=cwd, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.rpartition("LOADED ")[2].split())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("start_up") / "spans.duckdb") as collector:
        collector.send(named(hybrid_order(), "123"))
        yield collector


def test_the_list_of_commands_loads_neither_the_parser_nor_the_terminal_library(tmp_path: Path) -> None:
    packages = loaded(["--help"], tmp_path)
    assert not packages & (HEAVY | {"typer", "click", "rich", "pydantic", "pydantic_settings"})


def test_the_help_of_a_question_loads_no_database_and_no_terminal_library(tmp_path: Path) -> None:
    asked = [
        f"{name} --help"
        for name in (
            *("order", "orders", "story", "map", "diagram", "lag", "status", "serve"),
            *("choreography", "check", "compare", "mcp"),
        )
    ]
    assert not loaded(asked, tmp_path) & (HEAVY | {"rich"})


def test_a_question_to_a_collector_loads_no_database(served: Serving, tmp_path: Path) -> None:
    as_json = loaded([f"order 123 --json --url {served.url}"], tmp_path)
    assert not as_json & (HEAVY | {"rich"})
    asked = [f"{question} --url {served.url}" for question in ("order 123", "orders", "lag", "status")]
    assert not loaded(asked, tmp_path) & HEAVY
    assert not loaded([f"order 123 --db {served.db}"], tmp_path) & (HEAVY - {"duckdb", "pyarrow", "numpy"})
