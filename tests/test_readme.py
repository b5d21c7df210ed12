"""The README is correct: its commands parse, its tables are complete, its links work."""

import re
import shlex
from pathlib import Path

import pytest

from laban.commands import command_names, find_command
from laban_app.cli.app import load_command
from laban_collector.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COLLECTOR = (ROOT / "docs" / "collector.md").read_text(encoding="utf-8")
NAME_LIMITS = {"max_services", "max_topics", "max_peers", "max_operations", "max_edges"}
LOG_LIMITS = {"max_log_length", "max_log_attributes", "max_logs_per_trace"}
FINDINGS = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
INTEGRATIONS = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
OF_INTEGRATIONS = {"alerts", "metrics_edges", "metrics_findings"}
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
COMMANDS = command_names()
_OF_RUN = {"test", "check", "fix", "bench", "run"}


def command_lines() -> list[str]:
    """Return every laban command line in a code block, without prompt and comment."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", README, re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    commands = [line.split("#")[0].strip() for line in lines if line.startswith(("./run ", "laban "))]
    return [line for line in commands if line.split()[1] not in _OF_RUN]


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_parses(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    load_command(name).make_context(name, arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_lists_every_command(name: str) -> None:
    assert f"`laban {name}" in README


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_with_its_summary(name: str) -> None:
    command = find_command(name)
    assert command is not None
    assert (load_command(name).help or "").splitlines()[0] == command.summary


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_the_readme_lists_every_setting(field: str) -> None:
    # The many options of a Kafka cluster stand with the consumer lag, some limits with the other limits.
    limits = NAME_LIMITS | LOG_LIMITS
    document = OPERATING if field.startswith("kafka_") else COLLECTOR if field in limits else README
    document = FINDINGS if field in {"findings", "objectives"} else document
    document = INTEGRATIONS if field in OF_INTEGRATIONS else document
    assert f"`LABAN_{field.upper()}`" in document


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)", README))))
def test_every_link_into_the_repository_exists(target: str) -> None:
    assert (ROOT / target).exists()
