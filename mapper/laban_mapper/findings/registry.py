"""The rules, one file each. A new rule needs a line in each of the two lists."""

from types import ModuleType
from typing import Final

from laban_mapper.findings import (
    deep_sync_chain,
)
from laban_mapper.findings.facts import Rule

_FILES: Final[tuple[ModuleType, ...]] = (deep_sync_chain,)

RULES: Final[tuple[Rule, ...]] = tuple(sorted((file.RULE for file in _FILES), key=lambda rule: rule.code))


def rule_of(name: str) -> Rule | None:
    """The rule with a code or a name, in any case; None if there is none."""
    wanted = name.strip().lower()
    return next((rule for rule in RULES if wanted in {rule.code.lower(), rule.name}), None)
