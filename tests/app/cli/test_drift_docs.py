"""docs/drift.md is correct: its commands parse, its kinds are all there is, its files are read."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from laban_app.cli.app import load_command
from laban_mapper.drift.file_reader import read_choreography
from laban_mapper.drift.kinds import RULES
from laban_mapper.drift.yaml_nodes import Document

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "drift.md").read_text(encoding="utf-8")
FILES: list[str] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def command_lines() -> list[str]:
    blocks = "".join(re.findall(r"```(?:sh|console|yaml)\n(.*?)```", PAGE, re.DOTALL))
    lines = re.findall(r"(?:^\$ |^|run: |^ +|tests )(laban (?!run).+)$", blocks, re.MULTILINE)
    lines += re.findall(r"`(laban (?:choreography|check|compare|import) [^`]+)`", PAGE)
    return [re.split(r" (?:2?>+|\||\|\||&) ", line)[0].removesuffix(" &") for line in lines]


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_every_command_line_parses(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    load_command(name).make_context(name, arguments)


def test_the_lines_of_the_job_are_among_them() -> None:
    assert "laban serve --db ci.duckdb" in command_lines()
    assert "laban check choreography.yaml --db ci.duckdb --complete --format markdown" in command_lines()


def test_the_page_lists_every_kind_with_its_code() -> None:
    listed = {
        (kind, code)
        for kinds, codes in re.findall(r"^\| (`[^|]+`) \| ([D0-9, ]+) \|", PAGE, re.MULTILINE)
        for kind, code in zip(re.findall(r"`([^`]+)`", kinds), codes.split(", "), strict=True)
    }
    assert listed == {(kind, rule.code) for kind, rule in RULES.items()}


def test_the_file_on_the_page_is_one_that_laban_reads() -> None:
    [file] = [text for text in FILES if "laban-choreography" in text]
    assert read_choreography(Document("choreography.yaml", file.encode())).facts
    assert all(yaml.safe_load(text) for text in FILES)
