"""The part of a service map that an entry operation touches, as far as sampled traces show it."""

from collections.abc import Iterator, Sequence
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.diagrams.scope import Pair, touched
from laban_mapper.errors import UnknownEntry
from laban_mapper.findings.calls import calls_of
from laban_mapper.findings.facts import SampledEntry, SampledTrace
from laban_mapper.model import EntryScope, ServiceMap
from laban_mapper.names import listed
from laban_mapper.profiles.steps import own_name
from laban_mapper.spans import is_consuming

_NAMED: Final = 12
"""Entry operations that an error names."""


def of_entry(found: ServiceMap, entries: Sequence[SampledEntry], name: str) -> ServiceMap:
    """The edges that sampled traces of an entry operation contain; their numbers stay those of all traffic.

    Args:
        found: the map.
        entries: the entry operations with their traces.
        name: an operation such as `POST /orders`, or a service and its operation.

    Raises:
        UnknownEntry: no sampled trace begins with it.
    """
    chosen = [entry for entry in entries if name in (entry.operation, entry.name)]
    if not chosen:
        known = listed([entry.name for entry in entries[:_NAMED]]) if entries else "none"
        raise UnknownEntry(f"No sampled trace begins with '{name}'. The busiest entry operations: {known}.")
    outside = [node.id for node in found.nodes if node.kind in ("entry", "unseen")]
    pairs: set[Pair] = set()
    for entry in chosen:
        for trace in entry.traces:
            pairs |= set(_pairs(trace, outside))
    scope = EntryScope(
        name=name,
        traces=sum(len(entry.traces) for entry in chosen),
        of=sum(entry.seen for entry in chosen),
    )
    return touched(found, pairs).model_copy(update={"entry": scope})


def _pairs(trace: SampledTrace, outside: Sequence[str]) -> Iterator[Pair]:
    """The calls and messages of a trace, as ends of edges."""
    root = _service(trace.root)
    if is_consuming(trace.root):
        yield f"topic:{trace.root.topic}", root
    else:
        yield from ((entry, root) for entry in outside)
    for call in calls_of(trace):
        callee = _service(call.callee.span) if call.callee is not None else f"{call.kind}:{call.service}"
        yield _service(call.caller.span), callee
    for step in trace.steps:
        if step.kind == "publish" and step.span.topic is not None:
            yield _service(step.span), f"topic:{step.span.topic}"
    for published in trace.messages:
        for delivery in published.deliveries:
            yield from ((f"topic:{published.message.topic}", _service(span)) for span in delivery.attempts)


def _service(span: Span) -> str:
    name = own_name(span)
    return f"service:{span.namespace}/{name}" if span.namespace else f"service:{name}"
