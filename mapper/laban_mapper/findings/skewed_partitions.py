"""L030: a partition that gets far more than its share."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from laban_mapper.findings.evidence import messages, proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import counted

_FEWEST: Final = 100
"""Sampled traces with a message of the topic; of fewer, a few keys decide."""
_DEVIATIONS: Final = 6.0
"""How far above the fair share, in standard deviations, a share must be."""


def _find(system: System) -> Iterator[Found]:
    partitions: dict[str, set[int]] = {}
    for group in system.lag.groups:
        for one in group.topics:
            partitions.setdefault(one.topic, set()).add(one.partition)
    # Messages of one trace often have one key, so each trace counts once for a partition.
    found: dict[str, dict[tuple[str, int], SampledTrace]] = {}
    for sent in messages(system):
        partition = sent.published.message.partition
        if partition is not None and partition in partitions.get(sent.topic, ()):
            found.setdefault(sent.topic, {})[sent.trace.trace_id, partition] = sent.trace
    for topic, traces in sorted(found.items()):
        counts = Counter(partition for _, partition in traces)
        partition, most = counts.most_common(1)[0]
        total, number = counts.total(), len(partitions[topic])
        if _is_skewed(most, total, number, system.thresholds.partition_skew):
            yield Found(
                place=f"topic {topic}",
                sentence=f"partition {partition} of {topic} got {most:,} of "
                f"{counted(total, 'sampled message')} "
                f"({most / total:.0%}); a fair share of {number} partitions is {1 / number:.0%}",
                numbers={"partition": partition, "messages": most, "of": total, "partitions": number},
                traces=proofs(one for (_, at), one in traces.items() if at == partition),
            )


def _is_skewed(most: int, total: int, partitions: int, limit: float) -> bool:
    """Whether the busiest partition has more than `limit` fair shares, and not by chance."""
    if partitions < 2 or total < _FEWEST:
        return False
    fair = 1 / partitions
    deviation = math.sqrt(total * fair * (1 - fair))
    return most > min(limit * fair, 0.95) * total and most - total * fair > _DEVIATIONS * deviation


RULE = Rule(
    code="L030",
    name="skewed-partitions",
    severity="warning",
    why="One consumer of the group does most of the work, and more consumers do not help.",
    advice="Choose a key with more distinct values, or one that is spread more evenly; messages without a "
    "key are spread by the producer.",
    find=_find,
    compares="The share of the sampled messages in the busiest partition of a topic with a fair share, as "
    "far as it is beyond chance; each trace counts once for a partition.",
    thresholds=("partition_skew",),
    example="partition 0 of orders got 41 of 50 sampled messages (82%); a fair share of 3 partitions is 33%",
)
