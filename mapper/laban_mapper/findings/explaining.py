"""What a rule is about, for people who want to know more than its sentence."""

from laban_mapper.findings.facts import Rule
from laban_mapper.findings.thresholds import Thresholds
from laban_mapper.model import Answer, Severity


class Limit(Answer):
    """A limit that a rule compares with.

    Attributes:
        name: in the table `[findings]` of `laban.toml`.
        default: if nothing is set.
        description: what it limits.
    """

    name: str
    default: float
    description: str


class Explained(Answer):
    """A rule in words.

    Attributes:
        why: why it matters.
        compares: what is compared with what.
        thresholds: the limits that it reads.
        advice: what to do.
        example: a sentence of it.
    """

    code: str
    name: str
    severity: Severity
    why: str
    compares: str
    thresholds: list[Limit]
    advice: str
    example: str


def explained(rule: Rule) -> Explained:
    """The rule in words."""
    return Explained(
        code=rule.code,
        name=rule.name,
        severity=rule.severity,
        why=rule.why,
        compares=rule.compares,
        thresholds=[_limit(name) for name in rule.thresholds],
        advice=rule.advice,
        example=rule.example,
    )


def _limit(name: str) -> Limit:
    field = Thresholds.model_fields[name]
    return Limit(name=name, default=field.default, description=field.description or "")
