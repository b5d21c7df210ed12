"""The conditions as a file of rules for Prometheus."""

import re
from collections.abc import Sequence
from typing import Any, Final

import yaml

from laban_mapper.alerts.facts import Condition, PrometheusRule
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.promql import literal, quoted
from laban_mapper.alerts.registry import CONDITIONS
from laban_mapper.findings.thresholds import Objectives

_LABEL: Final = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
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
            "proof": _proof(condition.name, rule.place),
            "link": literal(dashboard),
        },
    }


def _proof(name: str, place: str) -> str:
    """The template that asks for the order or the trace that proves an alert: the collector tells one."""
    labels = [f"$labels.{label}" for label in _LABEL.findall(place)]
    # A place without labels is a text with its braces escaped, as all of a template.
    pattern = _LABEL.sub("%s", place.replace("%", "%%")) if labels else place.replace('{{ "{{" }}', "{{")
    named = f"(printf {quoted(pattern)} {' '.join(labels)})" if labels else quoted(pattern)
    query = quoted(f"laban_alert_proof_info{{alertname={quoted(name)},place=%q}}")
    return (
        f"{{{{ with query (printf {query} {named}) }}}}{{{{ with first . }}}}"
        "{{ .Labels.key }}={{ .Labels.value }}{{ end }}{{ else }}none is known{{ end }}"
    )
