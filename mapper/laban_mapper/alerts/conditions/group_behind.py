"""A consumer group whose lag has a status that is not fine, but that moves."""

from collections.abc import Iterator
from typing import Final

from laban_mapper.alerts.facts import Condition, PrometheusRule, Raised, Situation
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.queues import queues
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.model import STANDS, LagStatus
from laban_mapper.names import counted
from laban_mapper.times import format_duration

_WORDS: Final[dict[LagStatus, str]] = {
    "WARN": "falls behind",
    "REWIND": "reads messages again: its committed offset went back",
    "STALL": "commits nothing",
    "STOP": "commits nothing",
    "OK": "keeps up",
}


def _raised(situation: Situation) -> Iterator[Raised]:
    for queue in queues(situation):
        if queue.stands or queue.status not in situation.limits.lag_statuses:
            continue
        numbers: dict[str, float] = {"messages": queue.messages}
        age = ""
        if queue.seconds is not None:
            numbers["seconds"] = queue.seconds
            age = f", the oldest for {format_duration(queue.seconds * 1000)}"
        yield Raised(
            place=queue.place,
            sentence=f"{queue.group} {_WORDS[queue.status]}; {counted(queue.messages, 'message')} of "
            f"{queue.topic} {'waits' if queue.messages == 1 else 'wait'}{age}",
            numbers=numbers,
            traces=queue.traces,
            page=queue.page,
        )


def _rules(limits: AlertLimits, _: Objectives) -> Iterator[PrometheusRule]:
    statuses = [status for status in limits.lag_statuses if status not in STANDS]
    if statuses:
        yield PrometheusRule(
            f'laban_consumergroup_status{{status=~"{"|".join(statuses)}"}} == 1 and ignoring (status) '
            f"kafka_consumergroup_lag_sum >= {limits.lag_messages}",
            120,
            "{{ $labels.consumergroup }} is behind ({{ $labels.status }}) in {{ $labels.topic }}",
            "group {{ $labels.consumergroup }}, topic {{ $labels.topic }}",
        )


CONDITION = Condition(
    name="LabanGroupBehind",
    severity="warning",
    meaning="The lag of a consumer group has one of the statuses `lag_statuses`.",
    raised=_raised,
    rules=_rules,
)
