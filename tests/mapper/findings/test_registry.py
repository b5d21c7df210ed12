"""Every rule of the folder is in the registry."""

import re
from pathlib import Path

import laban_mapper.findings
from laban_mapper.findings.registry import RULES, rule_of

FOLDER = Path(laban_mapper.findings.__file__).parent


def test_every_file_with_a_rule_is_in_the_registry() -> None:
    files = [file for file in FOLDER.glob("*.py") if re.search(r"^RULE\b", file.read_text(), re.MULTILINE)]
    assert len(RULES) == len(files)


def test_codes_and_names_are_unique_and_well_formed() -> None:
    assert len({rule.code for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"L\d{3}", rule.code)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
        assert rule.why.endswith(".")
        assert rule.advice.endswith(".")
        assert rule.compares.endswith(".")
        assert rule.example


def test_a_rule_is_found_by_its_code_or_its_name_in_any_case() -> None:
    assert rule_of("l001") is rule_of(" Deep-Sync-Chain ") is RULES[0]
    assert rule_of("L999") is None
