"""A consumer group that does not move while messages wait."""

from collections.abc import Iterator

from laban_mapper.alerts.facts import Condition, PrometheusRule, Raised, Situation
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.queues import STANDING, queues
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.lag import how_it_stands
from laban_mapper.names import counted
from laban_mapper.times import format_duration


def _raised(situation: Situation) -> Iterator[Raised]:
    for queue in queues(situation):
        if not queue.stands:
            continue
        numbers: dict[str, float] = {"messages": queue.messages}
        age = ""
        if queue.seconds is not None:
            numbers["seconds"] = queue.seconds
            age = f", the oldest for {format_duration(queue.seconds * 1000)}"
        wait = "waits" if queue.messages == 1 else "wait"
        yield Raised(
            place=queue.place,
            sentence=f"{queue.group} {how_it_stands(queue.status, queue.members, queue.partitions)}: "
            f"{counted(queue.messages, 'message')} of {queue.topic} "
            f"{wait}{age}",
            numbers=numbers,
            traces=queue.traces,
            page=queue.page,
        )


def _rules(limits: AlertLimits, _: Objectives) -> Iterator[PrometheusRule]:
    yield PrometheusRule(
        f"{STANDING} and ignoring (status) kafka_consumergroup_lag_sum >= {limits.lag_messages}",
        60,
        "{{ $labels.consumergroup }} does not move ({{ $labels.status }}) while messages of "
        "{{ $labels.topic }} wait",
        "group {{ $labels.consumergroup }}, topic {{ $labels.topic }}",
    )


CONDITION = Condition(
    name="LabanGroupStopped",
    severity="error",
    meaning="A consumer group commits nothing while messages wait.",
    raised=_raised,
    rules=_rules,
)
