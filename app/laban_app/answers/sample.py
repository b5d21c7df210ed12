"""A bounded sample of the traces of a time range: some of each entry operation, and what follows."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from laban_app.answers.closure import Groups, Limits, Window, closure, groups_of
from laban_app.answers.peers import peers_of
from laban_app.answers.sample_of_keys import sampled_keys
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import ALL_STARTS, SampledRef
from laban_mapper.findings.facts import SampledEntry, SampledTrace, sampled_traces
from laban_mapper.findings.samples import entries_of, with_known_callees
from laban_mapper.names import with_namespaces
from laban_mapper.profiles.followers import Followers
from laban_mapper.spans import NS_PER_S
from laban_mapper.story.messages import Consumption

_ARRIVING: Final = 60 * NS_PER_S
"""How long after a trace began its first span may be missing because it has not been sent yet, in ns."""
LARGEST: Final = 2_000
"""Spans of a trace that is read; a larger one would take the place of all others."""


class SampleSize(NamedTuple):
    """How much is read at most.

    Attributes:
        entries: entry operations, the busiest.
        each: traces of each entry.
        spans: of all traces together, without those that follow from them.
    """

    entries: int = 100
    each: int = 50
    spans: int = 6_000


USUAL_SIZE: Final = SampleSize()
"""The sample of the findings."""


class Sample(NamedTuple):
    """Some traces of a time range.

    Attributes:
        entries: the entry operations, the busiest first, with their traces.
        keys: of some message keys, the traces that share the key, put together.
        spans: that were read.
        too_large: traces that were left out for their size.
        complete: whether all that follows from the traces was read.
        all_entries: whether there are no more entry operations than these.
    """

    entries: Sequence[SampledEntry]
    keys: Sequence[SampledTrace] = ()
    spans: int = 0
    too_large: int = 0
    complete: bool = True
    all_entries: bool = True

    @property
    def whole(self) -> bool:
        """Whether these are all traces of the time range."""
        all_read = self.complete and self.all_entries and not self.too_large
        return all_read and all(entry.seen <= len(entry.traces) for entry in self.entries)


def sample(
    reader: SpanReader, window: Window, size: SampleSize = USUAL_SIZE, *, keys: bool = False, now: int = 0
) -> Sample:
    """Read some traces of each entry operation, and all that follows from them.

    The traces are chosen by their random ids, and a few of each entry before many of one: what is rare has
    as many examples as what is frequent.

    Args:
        reader: of the store.
        window: in which the traces begin, ns.
        size: how much is read at most.
        keys: whether the other traces of some message keys are read, too.
        now: the time, ns. A consumer is no entry operation because its trace is only arriving.
    """
    with reader.at_one_moment():
        found = reader.sampled_traces(*window, size.entries + 1, size.each)
        kinds = dict.fromkeys(ref[:3] for ref in found)
        busiest = set(list(kinds)[: size.entries])
        found = [ref for ref in found if ref[:3] in busiest]
        chosen = _chosen(found, size.spans)
        bulk, groups = reader.in_bulk(*window), Groups()
        limits = Limits(traces=20 * max(len(chosen), 1), spans=4 * size.spans)
        followed = closure(bulk, [ref.trace_id for ref in chosen], ALL_STARTS, groups, limits)
        topics = {span.topic for span in followed.spans if span.topic is not None}
        lag = reader.latest_lag() if topics else []
        consumption = Consumption(lag, groups_of(bulk, topics, groups))
        peers = peers_of(reader, followed.spans)
        shared = sampled_keys(reader, bulk, followed.spans, window, consumption, groups) if keys else []
    followers = Followers(with_known_callees(with_namespaces(followed.spans), peers))
    traces = [
        one
        for ref in chosen
        if not followers.follows(ref.trace_id)
        for one in sampled_traces(ref.trace_id, followers.spans(ref.trace_id), consumption)
        if one.root.parent_id is None or not now - _ARRIVING < one.root.start <= now
    ]
    return Sample(
        entries_of(found, traces),
        shared,
        len(followed.spans),
        sum(ref.spans > LARGEST for ref in found),
        followed.complete,
        len(kinds) <= size.entries,
    )


def _chosen(found: Sequence[SampledRef], spans: int) -> list[SampledRef]:
    """As many traces as the number of spans allows: one of each entry, then a second of each, and so on."""
    turns: dict[tuple[str | None, str, str], int] = {}
    ordered: list[tuple[int, int, SampledRef]] = []
    for number, ref in enumerate(found):
        if ref.spans <= LARGEST:
            turn = turns[ref[:3]] = turns.get(ref[:3], 0) + 1
            ordered.append((turn, number, ref))
    chosen: list[SampledRef] = []
    for _, _, ref in sorted(ordered):
        spans -= ref.spans
        if spans < 0 and chosen:
            break  # to look for a smaller one would make small traces look more usual than they are
        chosen.append(ref)
    return chosen
