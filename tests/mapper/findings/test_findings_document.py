"""docs/findings.md lists every rule and every limit, as they are."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from laban_mapper.findings.registry import RULES
from laban_mapper.findings.thresholds import Thresholds

DOCUMENT = Path(__file__).parents[3] / "docs" / "findings.md"


def table(*rows: Sequence[str]) -> str:
    head, *others = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *others])


def rules() -> str:
    rows = [(f"`{rule.code}`", f"`{rule.name}`", rule.severity, rule.why) for rule in RULES]
    return table(("code", "name", "usually", "why it matters"), *rows)


def limits() -> str:
    rows = [
        (f"`{name}`", f"{field.default:g}", field.description or "")
        for name, field in Thresholds.model_fields.items()
    ]
    return table(("limit", "default", ""), *rows)


def written(text: str, name: str, content: str) -> str:
    """The document with a section of this content."""
    begin, end = f"<!-- {name}: generated -->\n", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content}\n\n{end}{rest.partition(end)[2]}"


@pytest.mark.parametrize(("name", "make"), [("rules", rules), ("limits", limits)])
def test_the_document_has_every_rule_and_limit(name: str, make: Callable[[], str]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == written(text, name, make()), (
        f"the section {name} of {DOCUMENT.name} is not what it should be"
    )


def test_every_limit_of_a_rule_exists_and_every_limit_has_a_rule() -> None:
    read = {name for rule in RULES for name in rule.thresholds}
    assert read <= set(Thresholds.model_fields)
