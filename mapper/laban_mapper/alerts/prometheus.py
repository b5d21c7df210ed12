"""The conditions as a file of rules for Prometheus."""

from collections.abc import Sequence
from typing import Any, Final

import yaml

from laban_mapper.alerts.facts import Condition, PrometheusRule
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.promql import literal
from laban_mapper.alerts.registry import CONDITIONS
from laban_mapper.findings.thresholds import Objectives

_HEAD: Final = """\
# Rules for Prometheus over the metrics of a laban collector, written by `laban alerts rules`.
# The limits are those of [alerts] and [objectives] in laban.toml: write the file again when they change.
"""


def rules_file(
    limits: AlertLimits, objectives: Objectives, dashboard: str, conditions: Sequence[Condition] = CONDITIONS
) -> str:
    """The text of the file.

    Args:
        limits: when a condition is true.
        objectives: what was promised.
        dashboard: the URL of the dashboard, for links.
        conditions: by default all.
    """
    rules = [
        _rule(condition, rule, dashboard)
        for condition in conditions
        for rule in condition.rules(limits, objectives)
    ]
    document = {"groups": [{"name": "laban", "rules": rules}]}
    return _HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100_000)


def _rule(condition: Condition, rule: PrometheusRule, dashboard: str) -> dict[str, Any]:
    pending = {"for": f"{rule.pending_s}s"} if rule.pending_s else {}
    return {
        "alert": condition.name,
        "expr": rule.expression,
        **pending,
        "labels": {"severity": rule.severity or condition.severity, **rule.labels},
        "annotations": {
            "summary": rule.sentence,
            "place": rule.place,
            "description": condition.meaning,
            "link": literal(dashboard),
        },
    }
