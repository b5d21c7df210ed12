"""The README is correct: its commands parse, its tables are complete, its links work."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from laban_app.cli import app
from laban_collector.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
_OF_RUN = {"test", "check", "fix", "bench", "run"}


def command_lines() -> list[str]:
    """Return every laban command line in a code block, without prompt and comment."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", README, re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    ours = [line.split("#")[0].strip() for line in lines if line.startswith(("./run ", "laban "))]
    return [line for line in ours if line.split()[1] not in _OF_RUN]


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_parses(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    command.make_context(name, arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_lists_every_command(name: str) -> None:
    assert f"`laban {name}" in README


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    assert typer.main.get_command(app).commands[name].help  # type: ignore[attr-defined]


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_the_readme_lists_every_setting(field: str) -> None:
    assert f"`LABAN_{field.upper()}`" in README


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)", README))))
def test_every_link_into_the_repository_exists(target: str) -> None:
    assert (ROOT / target).exists()
