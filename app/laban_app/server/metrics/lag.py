"""The metrics of consumer lag, named as Kafka's exporters name them."""

from collections.abc import Iterable, Mapping
from typing import Final, get_args

from laban_app.server.metrics.text import Family, Form
from laban_collector.store.rows import LagRate
from laban_mapper.lag import worst
from laban_mapper.model import LagReport, LagStatus, PartitionLag
from laban_mapper.waiting import seconds_to_drain

_LAG: Final = Family(
    "kafka_consumergroup_lag", "gauge", "Messages of a partition that a group has not committed."
)
# Not a gauge: a tool that checks metrics takes the name of a gauge that ends in _sum for a mistake.
_LAG_SUM: Final = Family("kafka_consumergroup_lag_sum", "unknown", "The same of all partitions of a topic.")
_SECONDS: Final = Family(
    "kafka_consumergroup_lag_seconds", "gauge", "Age of the first message that a group has not committed."
)
_STATUS: Final = Family(
    "laban_consumergroup_status",
    "gauge",
    "1 for the status of a group in a topic: the worst of its partitions.",
)
_DRAIN: Final = Family(
    "laban_consumergroup_drain_seconds",
    "gauge",
    "Seconds until nothing waits, at the rates of the last minutes; +Inf if the queue does not get shorter.",
)
_STATUSES: Final[tuple[LagStatus, ...]] = get_args(LagStatus)

_Queue = tuple[str | None, str, str]
_Samples = list[tuple[Mapping[str, str], float]]


def render_lag(report: LagReport, rates: Iterable[LagRate], form: Form) -> str:
    """The families of the lag; groups of named clusters have the label `cluster`.

    Args:
        report: the newest lag.
        rates: of the groups in the last minutes.
        form: the format.
    """
    by_queue: dict[_Queue, list[PartitionLag]] = {}
    for group in report.groups:
        for partition in group.topics:
            by_queue.setdefault((group.cluster, group.group, partition.topic), []).append(partition)
    drains = {(one.cluster, one.group, one.topic): (one.published_per_s, one.consumed_per_s) for one in rates}
    lag: _Samples = []
    sums: _Samples = []
    seconds: _Samples = []
    statuses: _Samples = []
    drain: _Samples = []
    for queue, partitions in by_queue.items():
        pairs = {"consumergroup": queue[1], "topic": queue[2], "cluster": queue[0] or ""}
        known = [one.messages for one in partitions if one.messages is not None]
        now = worst(one.status for one in partitions)
        statuses += [({**pairs, "status": status}, status == now) for status in _STATUSES]
        for one in partitions:
            place = {**pairs, "partition": str(one.partition)}
            if one.messages is not None:
                lag.append((place, one.messages))
            if one.seconds is not None or one.messages == 0:
                seconds.append((place, one.seconds or 0.0))
        if known:
            sums.append((pairs, sum(known)))
            rate = drains.get((queue[0] or "", queue[1], queue[2]), (None, None))
            left = seconds_to_drain(sum(known), *rate)
            if left is not None:
                drain.append((pairs, left))
    families = ((_LAG, lag), (_LAG_SUM, sums), (_SECONDS, seconds), (_STATUS, statuses), (_DRAIN, drain))
    return "".join(family.samples(form, values) for family, values in families)
