"""What several rules need to state their evidence."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from laban_mapper.findings.facts import MOST_PROOFS, SampledTrace, System
from laban_mapper.story.messages import Published


class Sent(NamedTuple):
    """A message that a sampled trace published."""

    trace: SampledTrace
    published: Published

    @property
    def topic(self) -> str:
        """The topic that it was published to."""
        return self.published.message.topic

    @property
    def at(self) -> float:
        """When it was published, seconds since the epoch."""
        return self.published.message.published.timestamp()


def messages(system: System) -> Iterator[Sent]:
    """All messages of the sampled traces."""
    for trace in system.traces:
        for published in trace.messages:
            yield Sent(trace, published)


def proofs(traces: Iterable[SampledTrace]) -> list[str]:
    """The ids of the first few of these traces, each once."""
    return list(dict.fromkeys(trace.trace_id for trace in traces))[:MOST_PROOFS]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that at least this share of the values does not exceed; there is at least one."""
    ranked = sorted(values)
    return ranked[min(max(-int(-len(ranked) * share // 1) - 1, 0), len(ranked) - 1)]
