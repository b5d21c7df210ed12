"""Puts sampled traces together by the entry operation with which they begin."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from laban_collector.store.rows import SampledRef
from laban_mapper.findings.facts import SampledEntry, SampledTrace
from laban_mapper.profiles.steps import operation_without_ids

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
