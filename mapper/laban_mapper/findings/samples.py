"""Puts sampled traces together by the entry operation with which they begin, and names silent callees."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from laban_collector.store.rows import Peer, SampledRef, Span
from laban_mapper.findings.facts import SampledEntry, SampledTrace
from laban_mapper.profiles.steps import operation_without_ids
from laban_mapper.spans import CLIENT, SERVER

_Kind = tuple[str | None, str, str]
"""Namespace, service and name of an entry span, as a store groups them."""


def entries_of(refs: Sequence[SampledRef], traces: Iterable[SampledTrace]) -> list[SampledEntry]:
    """The entry operations of sampled traces, the busiest first.

    A store groups entry spans by their names. Where a name stands for several operations, how often each was
    seen is estimated by its share of the sample.

    Args:
        refs: the traces that were found, with the number of traces of each name.
        traces: those of them that were read.
    """
    kind_of = {ref.trace_id: ref[:3] for ref in refs}
    seen = {ref[:3]: ref.seen for ref in refs}
    read: Counter[_Kind] = Counter()
    same: defaultdict[tuple[str, str], list[SampledTrace]] = defaultdict(list)
    shares: defaultdict[tuple[str, str], Counter[_Kind]] = defaultdict(Counter)
    for trace in traces:
        entry = (trace.root.service, operation_without_ids(trace.root))
        kind = kind_of[trace.trace_id]
        read[kind] += 1
        shares[entry][kind] += 1
        same[entry].append(trace)
    entries = [
        SampledEntry(
            service,
            operation,
            round(
                sum(seen[kind] * number / read[kind] for kind, number in shares[service, operation].items())
            ),
            found,
        )
        for (service, operation), found in same.items()
    ]
    return sorted(entries, key=lambda entry: (-entry.seen, entry.service, entry.operation))


def with_known_callees(spans: Sequence[Span], peers: Mapping[Peer, str] | None = None) -> list[Span]:
    """The spans; a call that no callee answered names the one service that answers at the same address.

    A service that is down sends no spans: only its address is known, from the time when it was up.

    Args:
        spans: of all traces.
        peers: the service at each address where none of these spans was answered.
    """
    servers = {(span.trace_id, span.parent_id): span.service for span in spans if span.kind == SERVER}
    answering: dict[tuple[str, int], set[str]] = {}
    for span in spans:
        address, service = _address(span), servers.get((span.trace_id, span.span_id))
        if address is not None and service is not None:
            answering.setdefault(address, set()).add(service)
    only = {address: next(iter(found)) for address, found in answering.items() if len(found) == 1}
    for peer, service in (peers or {}).items():
        if peer.address and peer.port and (peer.address, peer.port) not in answering:
            only[peer.address, peer.port] = service
    return [
        replace(span, peer_service=only[address])
        if (address := _address(span)) in only
        and span.peer_service is None
        and (span.trace_id, span.span_id) not in servers
        else span
        for span in spans
    ]


def _address(span: Span) -> tuple[str, int] | None:
    """Where a client span called; None without a port: several services may share a host."""
    if span.kind != CLIENT or span.db_system is not None or not span.peer_address or not span.peer_port:
        return None
    return span.peer_address, span.peer_port
