"""A dead letter topic that grows."""

from collections.abc import Iterator

from laban_mapper.alerts.facts import Condition, PrometheusRule, Raised, Situation
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.names import counted, listed
from laban_mapper.times import format_duration

_TOPICS = r"(?i).*(^|[._-])(dlq|dlt|dead[._-]?letters?)([._-]|$).*"


def _raised(situation: Situation) -> Iterator[Raised]:
    window = format_duration(situation.limits.window * 1000)
    for topic in situation.dead_letters:
        if topic.messages >= situation.limits.dead_letters:
            yield Raised(
                place=f"topic {topic.topic}",
                sentence=f"{listed(topic.services)} gave up on {counted(topic.messages, 'message')} in "
                f"{window}, now in {topic.topic}",
                numbers={"messages": topic.messages},
                traces=topic.traces,
                page="orders?show=Failed",
            )


def _rules(limits: AlertLimits, _: Objectives) -> Iterator[PrometheusRule]:
    window = f"{limits.window:.0f}s"
    sent = f'laban_messages_published_total{{topic=~"{_TOPICS}"}}'
    # The first message to a topic is the first value of its counter, which is no increase.
    first = f"({sent} unless {sent} offset {window}) and on (job, instance) up offset {window}"
    yield PrometheusRule(
        f"sum by (topic) (({first}) or increase({sent}[{window}])) >= {limits.dead_letters}",
        0,
        "{{ $value | humanize }} messages went to {{ $labels.topic }}",
        "topic {{ $labels.topic }}",
    )


CONDITION = Condition(
    name="LabanDeadLetters",
    severity="warning",
    meaning="At least `dead_letters` messages went to a dead letter topic in the window.",
    raised=_raised,
    rules=_rules,
)
