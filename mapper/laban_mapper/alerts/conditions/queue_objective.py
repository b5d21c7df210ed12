"""A message that waits longer than `[objectives.queue]` promises."""

from collections.abc import Iterator

from laban_mapper.alerts.facts import Condition, PrometheusRule, Raised, Situation
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.promql import literal, quoted
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.times import format_duration
from laban_mapper.urls import quoted_value


def _raised(situation: Situation) -> Iterator[Raised]:
    for name, objective in situation.objectives.queue.items():
        ages = [
            (one.seconds, one.topic)
            for group in situation.lag.groups
            if group.group == name
            for one in group.topics
            if one.seconds is not None and one.messages
        ]
        oldest, topic = max(ages, default=(0.0, ""))
        if oldest <= objective:
            continue
        traces = [
            message.trace_id
            for group in situation.lag.groups
            if group.group == name
            for waiting in group.waiting or ()
            if waiting.topic == topic
            for message in waiting.oldest
        ]
        yield Raised(
            place=f"group {name}",
            sentence=f"a message of {topic} waits for {name} for {format_duration(oldest * 1000)}; "
            f"promised are {format_duration(objective * 1000)}",
            numbers={"seconds": oldest, "objective_s": objective},
            traces=list(dict.fromkeys(traces)),
            page=f"lag?group={quoted_value(name)}",
        )


def _rules(_: AlertLimits, objectives: Objectives) -> Iterator[PrometheusRule]:
    for group, objective in objectives.queue.items():
        yield PrometheusRule(
            "max by (consumergroup, topic) (kafka_consumergroup_lag_seconds"
            f"{{consumergroup={quoted(group)}}}) > {objective:g}",
            60,
            f"a message of {{{{ $labels.topic }}}} waits for {{{{ $labels.consumergroup }}}} for "
            f"{{{{ $value | humanizeDuration }}}}; promised are {format_duration(objective * 1000)}",
            "group {{ $labels.consumergroup }}",
            labels={"consumergroup": literal(group)},
        )


CONDITION = Condition(
    name="LabanQueueObjective",
    severity="warning",
    meaning="The oldest message of a group waits longer than `[objectives.queue]` promises.",
    raised=_raised,
    rules=_rules,
)
