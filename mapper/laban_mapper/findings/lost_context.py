"""L032: consumers that begin a new trace, although the producer is traced."""

from collections.abc import Iterator
from typing import Final

from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.names import counted
from laban_mapper.spans import is_consuming, is_receiving

_SHARE: Final = 0.05
"""The share of a consumer's messages from which on it is told."""


def _find(system: System) -> Iterator[Found]:
    names = {node.id: node.name for node in system.map.nodes if node.kind == "topic"}
    published = {names[edge.target]: edge for edge in system.map.edges if edge.target in names and edge.calls}
    consumed: dict[tuple[str, str], int] = {}
    for trace in system.traces:
        for span in trace.causality.spans:
            if is_consuming(span) and not is_receiving(span) and span.topic in published:
                key = (span.service, span.topic or "")
                consumed[key] = consumed.get(key, 0) + 1
    for (service, topic), traces in sorted(_begun(system).items()):
        if topic not in published:
            continue
        of = consumed.get((service, topic), 0)
        if len(traces) >= system.thresholds.fewest and len(traces) >= _SHARE * of:
            yield Found(
                place=f"topic {topic} → {service}",
                sentence=f"{counted(len(traces), 'sampled message')} of {topic} (of {of:,}) begin a new "
                "trace in "
                f"{service}, although the publisher is traced",
                numbers={"messages": len(traces), "of": of},
                traces=proofs(traces),
            )


def _begun(system: System) -> dict[tuple[str, str], list[SampledTrace]]:
    """By service and topic, the traces that begin with a message of an unknown publisher."""
    found: dict[tuple[str, str], list[SampledTrace]] = {}
    for trace in system.traces:
        root = trace.root
        if is_consuming(root) and not is_receiving(root) and root.parent_id is None and not root.links:
            found.setdefault((root.service, root.topic or ""), []).append(trace)
    return found


RULE = Rule(
    code="L032",
    name="lost-context",
    severity="warning",
    why="The story of an order ends where the message was published: what the consumer did is in another "
    "trace.",
    advice="Carry `traceparent` in the headers of the message: run both programs under `laban run`, or "
    "switch on the messaging instrumentation of their agents. A bridge or connector between them must copy "
    "headers.",
    find=_find,
    compares="The messages with which a trace begins, although the map shows that the topic's publisher is "
    "traced, with all sampled messages of the consumer.",
    thresholds=("fewest",),
    example="50 sampled messages of orders (of 50) begin a new trace in email, although the publisher is "
    "traced",
)
