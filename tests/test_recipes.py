"""The recipes in CONTRIBUTING.md list the files that a change of that kind really touches."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = (
    "instrumentation",
    "collector",
    "mapper",
    "app",
    "dashboard",
    "sample_services",
    "pyproject.toml",
    ".ci/run",
)


def recipe(title: str) -> set[str]:
    """The paths in a recipe."""
    [text] = re.findall(rf"^### {title}\n(.*?)(?=^##)", CONTRIBUTING, re.DOTALL | re.MULTILINE)
    return set(re.findall(r"`([\w.-]+/[\w./-]+|pyproject\.toml)`", text)) - {"duckdb/"}


def mentioning(word: str) -> set[str]:
    """The files of the code that contain a word."""
    found = subprocess.run(
        ["git", "grep", "-lw", word, "--", *CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(found.stdout.split())


TITLES = re.findall(r"^### (Add .*)$", CONTRIBUTING, re.MULTILINE)


@pytest.mark.parametrize("title", TITLES)
def test_every_path_of_a_recipe_exists(title: str) -> None:
    assert [path for path in recipe(title) if not (ROOT / path).exists()] == []


def test_these_are_the_recipes() -> None:
    assert TITLES == [
        "Add a broker",
        "Add a column of spans",
        "Add a finding",
        "Add an alert",
        "Add a diagram format",
        "Add an import format",
        "Add a dashboard page",
        "Add a tool for assistants",
        "Add a store",
    ]


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="not a git checkout: the committed files are unknown"
)
@pytest.mark.parametrize(
    ("title", "word", "users"),  # users: files that use the example, as any code may
    [
        ("Add a broker", "nats", set[str]()),
        # These use the column, as any code may.
        (
            "Add a column of spans",
            "error_type",
            {
                "collector/laban_collector/importing/formats/datadog_tags.py",
                "mapper/laban_mapper/spans.py",
                "mapper/laban_mapper/story/causes/failures.py",
                "instrumentation/laban/grpc/client.py",
            },
        ),
        ("Add a finding", "deep_sync_chain", set[str]()),
        ("Add a diagram format", "plantuml", set[str]()),
        ("Add an import format", "zipkin", set[str]()),
        (
            "Add a dashboard page",
            "lag_charts",
            {
                "dashboard/laban_dashboard/presentation/health.py",
                "dashboard/laban_dashboard/widgets/map_details.py",
            },
        ),
        ("Add a tool for assistants", "order_logs", set[str]()),
        ("Add a store", "DuckDBStore", set[str]()),
    ],
)
def test_a_recipe_lists_every_file_that_names_its_example(title: str, word: str, users: set[str]) -> None:
    assert mentioning(word) - users <= recipe(title)
