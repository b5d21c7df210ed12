"""Differences that belong together: what is new has replaced what is gone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from laban_mapper.drift.drifts import Differences, Drift
from laban_mapper.drift.facts import NO_GROUP, Fact, path
from laban_mapper.drift.naming import in_words
from laban_mapper.drift.wording import times


class Change(NamedTuple):
    """A change, and the differences that it explains."""

    drift: Drift
    explains: frozenset[Fact]


def changes(found: Differences) -> Iterator[Change]:
    """Yield all changes; a difference may belong to several."""
    yield from _changed_protocols(found)
    yield from _sync_to_async(found)
    yield from _async_to_sync(found)
    yield from _changed_versions(found)
    yield from _moved_consumers(found)


def _changed_protocols(found: Differences) -> Iterator[Change]:
    for fact in sorted(found.new):
        if fact.kind != "call":
            continue
        source, target, _, protocol = fact.parts
        old = [other for other in found.gone if other.kind == "call" and other.parts[:3] == fact.parts[:3]]
        if not old:
            continue
        before = " and ".join(sorted(other.parts[3] for other in old))
        seen = found.new[fact]
        drift = Drift(
            "changed-protocol",
            path(source, target),
            f"{in_words(source)} calls {in_words(target)} by {protocol}, {times(seen.calls)}, "
            f"instead of {before}.",
            seen.traces,
            min(found.declared[other] for other in old),
            {"calls": seen.calls, "before": before, "after": protocol},
        )
        operations = _operations(found, source, target, {protocol, *(other.parts[3] for other in old)})
        yield Change(drift, frozenset([fact, *old, *operations]))


def _operations(found: Differences, source: str, target: str, protocols: set[str]) -> list[Fact]:
    return [
        fact
        for fact in (*found.new, *found.gone, *found.untold)
        if fact.kind == "operation" and fact.parts[:2] == (source, target) and fact.parts[2] in protocols
    ]


class _Hop(NamedTuple):
    """A service that publishes to a topic, and one that consumes it."""

    source: str
    target: str
    topic: str
    facts: tuple[Fact, ...]


def _hops(facts: Iterable[Fact]) -> list[_Hop]:
    publishers: defaultdict[str, list[Fact]] = defaultdict(list)
    consumers: defaultdict[str, list[tuple[str, tuple[Fact, ...]]]] = defaultdict(list)
    for fact in facts:
        parts = fact.parts
        if fact.kind == "publisher":
            publishers[parts[0]].append(fact)
        elif fact.kind == "worker":
            group = Fact("consumer", parts[:2])
            consumers[parts[0]].append((parts[2], (group, fact)))
        elif fact.kind == "consumer" and parts[1] == NO_GROUP:
            consumers[parts[0]].append((parts[2], (fact,)))
    return [
        _Hop(published.parts[1], target, topic, (published, *consumed))
        for topic, those in publishers.items()
        for published in those
        for target, consumed in consumers[topic]
    ]


def _sync_to_async(found: Differences) -> Iterator[Change]:
    """A call that is gone, while its callee now gets messages of its caller by a way that is new."""
    still = {fact.parts[:2] for fact in found.observed if fact.kind == "call" and fact.parts[2] == "sync"}
    ways = [hop for hop in _hops(found.observed) if any(fact in found.new for fact in hop.facts)]
    for call in sorted(found.gone):
        if call.kind != "call" or call.parts[2] != "sync" or call.parts[:2] in still:
            continue
        new = [hop for hop in ways if (hop.source, hop.target) == call.parts[:2]]
        if not new:
            continue
        source, target, _, protocol = call.parts
        topics = sorted({hop.topic for hop in new})
        parts = [fact for hop in new for fact in hop.facts if fact in found.new]
        # The last part of the way that is new is its best proof: a message that was consumed.
        proof = next((found.new[fact].traces for fact in reversed(parts) if found.new[fact].traces), ())
        sent = max(found.observed[hop.facts[0]].calls for hop in new)
        drift = Drift(
            "sync-to-async",
            path(source, target),
            f"{in_words(source)} no longer calls {in_words(target)} ({protocol}), but publishes to the topic "
            f"{' and '.join(topics)}, {times(sent)}, which {in_words(target)} consumes.",
            proof,
            found.declared[call],
            {"messages": sent, "before": protocol, "after": ", ".join(topics)},
        )
        yield Change(drift, frozenset([call, *parts, *_operations(found, source, target, {protocol})]))


def _async_to_sync(found: Differences) -> Iterator[Change]:
    """A call that is new, while messages of its caller no longer come to its callee by a way of the file."""
    known = {fact.parts[:2] for fact in found.declared if fact.kind == "call" and fact.parts[2] == "sync"}
    still = {(hop.source, hop.target) for hop in _hops(found.observed)}
    ways = [hop for hop in _hops(found.declared) if any(fact in found.gone for fact in hop.facts)]
    for call in sorted(found.new):
        if call.kind != "call" or call.parts[2] != "sync" or call.parts[:2] in known | still:
            continue
        old = [hop for hop in ways if (hop.source, hop.target) == call.parts[:2]]
        if not old:
            continue
        source, target, _, protocol = call.parts
        topics = sorted({hop.topic for hop in old})
        parts = [fact for hop in old for fact in hop.facts if fact in found.gone]
        seen = found.new[call]
        drift = Drift(
            "async-to-sync",
            path(source, target),
            f"{in_words(source)} calls {in_words(target)} ({protocol}), {times(seen.calls)}, instead of "
            f"publishing to the topic {' and '.join(topics)}: it waits for the answer now.",
            seen.traces,
            min(found.declared[fact] for fact in parts),
            {"calls": seen.calls, "before": ", ".join(topics), "after": protocol},
        )
        yield Change(drift, frozenset([call, *parts, *_operations(found, source, target, {protocol})]))


def _changed_versions(found: Differences) -> Iterator[Change]:
    for topic, kind in sorted({fact.parts[:2] for fact in found.new if fact.kind == "event"}):
        new = [fact for fact in found.new if fact.kind == "event" and fact.parts[:2] == (topic, kind)]
        missing = (*found.gone, *found.untold)
        old = [fact for fact in missing if fact.kind == "event" and fact.parts[:2] == (topic, kind)]
        if not old or not all(fact in found.gone for fact in old):
            continue
        before, after = _versions(old), _versions(new)
        calls = sum(found.new[fact].calls for fact in new)
        name = f"event {kind}" if kind else "events"
        drift = Drift(
            "changed-event-version",
            f"topic {topic}, {name}",
            f"{name} on topic {topic}: version {after} instead of {before}, {times(calls)}.",
            next((found.new[fact].traces for fact in new if found.new[fact].traces), ()),
            min(found.declared[fact] for fact in old),
            {"messages": calls, "before": before, "after": after},
        )
        yield Change(drift, frozenset([*new, *old]))


def _versions(facts: Iterable[Fact]) -> str:
    return " and ".join(sorted(fact.parts[2] or "unknown" for fact in facts))


def _moved_consumers(found: Differences) -> Iterator[Change]:
    """A group that is still there, with other services."""
    for topic, group in sorted(
        {fact.parts[:2] for fact in (*found.new, *found.gone) if fact.kind == "worker"}
    ):
        new = [fact for fact in found.new if fact.kind == "worker" and fact.parts[:2] == (topic, group)]
        old = [fact for fact in found.gone if fact.kind == "worker" and fact.parts[:2] == (topic, group)]
        consumer = Fact("consumer", (topic, group))
        if consumer in found.new or consumer in found.gone or consumer in found.untold:
            continue
        told = [f"{in_words(fact.parts[2])} now consumes" for fact in new]
        told += [f"{in_words(fact.parts[2])} no longer does" for fact in old]
        traces = next((found.new[fact].traces for fact in new if found.new[fact].traces), ())
        calls = sum(found.new[fact].calls for fact in new)
        drift = Drift(
            "moved-consumer",
            f"topic {topic}, group {group}",
            f"{'; '.join(told)} topic {topic} in the group {group}."
            if len(told) == 1
            else f"{'; '.join(told)}.",
            traces or found.proof_of_absence(consumer),
            min((found.declared[fact] for fact in old), default=found.declared.get(consumer)),
            {"messages": calls},
        )
        yield Change(drift, frozenset([*new, *old]))
