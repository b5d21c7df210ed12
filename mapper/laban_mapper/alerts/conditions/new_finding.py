"""A finding that was not there before."""

from collections.abc import Iterator

from laban_mapper.alerts.facts import Condition, PrometheusRule, Raised, Situation
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.names import NEW_FINDING, name_of_finding
from laban_mapper.findings.find import RANKS, at_least
from laban_mapper.findings.thresholds import Objectives


def _raised(situation: Situation) -> Iterator[Raised]:
    if situation.known is None:  # nobody has looked before
        return
    for finding in at_least(situation.findings or (), situation.limits.findings):
        place = name_of_finding(finding.code, finding.place)
        if finding.ignored is None and place not in situation.known:
            yield Raised(
                place=place,
                sentence=f"{finding.code} {finding.name}, {finding.place}: {finding.sentence}",
                numbers=finding.numbers,
                traces=finding.traces,
                page="findings",
                severity=finding.severity,
            )


def _rules(limits: AlertLimits, _: Objectives) -> Iterator[PrometheusRule]:
    for severity, rank in RANKS.items():
        if rank <= RANKS[limits.findings]:
            found = f'laban_findings{{severity="{severity}"}}'
            yield PrometheusRule(
                f"{found} > 0 and {found} > max_over_time({found}[1h] offset 15m)",
                0,
                "there are {{ $value }} findings {{ $labels.code }}, more than in the hour before: laban "
                "findings",
                "{{ $labels.code }}",
                severity,
            )


CONDITION = Condition(
    name=NEW_FINDING,
    severity="warning",
    meaning="A finding of the severity `findings` or a worse one was not there before.",
    raised=_raised,
    rules=_rules,
)
