"""L031: spans whose parent never came."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import counted
from laban_mapper.spans import CONSUMER, NS_PER_S, SERVER

_SHARE: Final = 0.05
"""The share of orphans from which on a service is told; single spans get lost anywhere."""
_SETTLED: Final = 60 * NS_PER_S
"""ns after which the spans of a trace have come."""


def _find(system: System) -> Iterator[Found]:
    begun: Counter[str] = Counter()
    orphans: dict[str, list[SampledTrace]] = {}
    for trace in system.traces:
        if max(span.end for span in trace.causality.spans) > system.now - _SETTLED:
            continue
        for span in trace.causality.spans:
            if span.kind in {SERVER, CONSUMER}:
                begun[span.service] += 1
                if trace.causality.is_orphan(span):
                    orphans.setdefault(span.service, []).append(trace)
    for service, traces in sorted(orphans.items()):
        if len(traces) >= system.thresholds.fewest and len(traces) >= _SHARE * begun[service]:
            yield Found(
                place=f"service {service}",
                sentence=f"{counted(len(traces), 'sampled span')} of {service} (of {begun[service]:,}) "
                "name a parent "
                "that never came",
                numbers={"spans": len(traces), "of": begun[service]},
                traces=proofs(traces),
            )


RULE = Rule(
    code="L031",
    name="broken-traces",
    severity="warning",
    why="The caller is unknown, so stories lack their beginning and the map lacks an edge.",
    advice="Send the spans of the caller to the same collector. If it does send them: a gateway or proxy in "
    "between may begin spans that it does not export, the caller's exporter may drop spans (look for a full "
    "queue), or its sampler may not be parent-based (OTEL_TRACES_SAMPLER=parentbased_always_on).",
    find=_find,
    compares="The server and consumer spans of a service whose parent never came, with all of them.",
    thresholds=("fewest",),
    example="42 sampled spans of payment (of 50) name a parent that never came",
)
