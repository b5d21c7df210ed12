"""A queue that takes long to get empty, or gets longer; a group that stands has another alert."""

import math
from collections.abc import Iterator

from laban_mapper.alerts.facts import Condition, PrometheusRule, Raised, Situation
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.alerts.queues import STANDING, queues
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.names import counted
from laban_mapper.times import format_duration
from laban_mapper.waiting import seconds_to_drain


def _raised(situation: Situation) -> Iterator[Raised]:
    limit = situation.limits.drain
    for queue in queues(situation):
        rates = situation.rates.get((queue.cluster, queue.group, queue.topic), (None, None))
        seconds = seconds_to_drain(queue.messages, *rates)
        if seconds is None or seconds <= limit or queue.stands:
            continue
        published, consumed = (rate or 0.0 for rate in rates)
        numbers = {"messages": queue.messages, "published_per_s": published, "consumed_per_s": consumed}
        if seconds == math.inf:
            what = "does not get shorter"
        else:
            what = f"needs {format_duration(seconds * 1000)} to get empty"
            numbers["drain_s"] = seconds
        yield Raised(
            place=queue.place,
            sentence=f"the queue of {queue.group} in {queue.topic} {what}: "
            f"{counted(queue.messages, 'message')} {'waits' if queue.messages == 1 else 'wait'}, "
            f"{published:.1f} come per second and {consumed:.1f} are consumed",
            numbers=numbers,
            traces=queue.traces,
            page=queue.page,
        )


def _rules(limits: AlertLimits, _: Objectives) -> Iterator[PrometheusRule]:
    yield PrometheusRule(
        f"laban_consumergroup_drain_seconds > {limits.drain:g} and kafka_consumergroup_lag_sum >= "
        f"{limits.lag_messages} unless ignoring (status) {STANDING}",
        120,
        "the queue of {{ $labels.consumergroup }} in {{ $labels.topic }} takes too long to get empty "
        "({{ $value | humanizeDuration }})",
        "group {{ $labels.consumergroup }}, topic {{ $labels.topic }}",
    )


CONDITION = Condition(
    name="LabanSlowDrain",
    severity="warning",
    meaning="A group moves, but at the rates of the last minutes its queue needs longer than `drain`.",
    raised=_raised,
    rules=_rules,
)
