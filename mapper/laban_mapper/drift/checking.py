"""Compares the file of a choreography with what ran."""

from collections.abc import Mapping

from laban_mapper.drift.changes import changes
from laban_mapper.drift.choreography import ANY
from laban_mapper.drift.drifts import Differences, Drift
from laban_mapper.drift.facts import Fact, Seen, facts_of, place_of
from laban_mapper.drift.file_reader import Declared
from laban_mapper.drift.kinds import KINDS, DriftKind
from laban_mapper.drift.traffic import Telling, Traffic, telling
from laban_mapper.drift.wording import absence, chances, doing, not_doing, numbers_of, often
from laban_mapper.model_drift import Choreography

_NEW: dict[str, DriftKind] = {
    "service": "new-service",
    "call": "new-call",
    "operation": "new-operation",
    "publisher": "new-publisher",
    "consumer": "new-consumer",
    "worker": "moved-consumer",
    "event": "new-event",
}
_GONE: dict[str, DriftKind] = {
    "service": "gone-service",
    "call": "gone-call",
    "operation": "gone-operation",
    "publisher": "gone-publisher",
    "consumer": "gone-consumer",
    "worker": "moved-consumer",
    "event": "gone-event",
}


def check(
    declared: Declared, ran: Choreography, before: Choreography | None = None, *, complete: bool = False
) -> list[Drift]:
    """Everything in which a file and what ran differ, by line and place.

    Args:
        declared: the file.
        ran: what ran in the time range.
        before: what ran before it, from which shares are learned.
        complete: whether the traffic has everything that the system does, as a test suite may have.
    """
    found = _differences(declared, ran, before, complete=complete)
    changed = list(changes(found))
    explained = {fact for change in changed for fact in change.explains}
    explained |= _below(found) | _silenced(found)
    drifts = [change.drift for change in changed]
    drifts += [_new(fact, seen, found) for fact, seen in found.new.items() if fact not in explained]
    drifts += [_gone(fact, told, found) for fact, told in found.gone.items() if fact not in explained]
    drifts += [_untold(fact, told, found) for fact, told in found.untold.items() if fact not in explained]
    return sorted(drifts, key=lambda drift: (KINDS.index(drift.kind), drift.place))


def _differences(
    declared: Declared, ran: Choreography, before: Choreography | None, *, complete: bool
) -> Differences:
    observed = _without_silent(facts_of(ran), declared.facts)
    traffic = Traffic(observed)
    earlier = None if before is None else Traffic(facts_of(before))
    new = {
        fact: seen
        for fact, seen in observed.items()
        if fact not in declared.facts and _is_told(fact, declared.facts)
    }
    gone: dict[Fact, Telling] = {}
    untold: dict[Fact, Telling] = {}
    for fact in declared.facts:
        if fact in observed or not _is_told(fact, observed) or place_of(fact) in declared.optional:
            continue
        told = telling(fact, traffic, earlier, complete=complete)
        (gone if told.enough else untold)[fact] = told
    return Differences(declared.facts, observed, traffic, new, gone, untold)


def _without_silent(observed: Mapping[Fact, Seen], declared: Mapping[Fact, int]) -> dict[Fact, Seen]:
    """What ran, without groups whose services have gone silent: the broker keeps their offsets for days."""
    traced = {fact.parts[:2] for fact in declared if fact.kind == "worker"}
    return {
        fact: seen
        for fact, seen in observed.items()
        if not (fact.kind == "consumer" and not seen.calls and fact.parts in traced)
    }


def _is_told(fact: Fact, other: Mapping[Fact, object]) -> bool:
    """Whether the other side says anything about such facts at all.

    Nobody has to list operations, events or the services of a group, and spans do not always tell them.
    """
    parts = fact.parts
    match fact.kind:
        case "operation":
            listed = [one.parts[3] for one in other if one.kind == "operation" and one.parts[:3] == parts[:3]]
            if parts[3] == ANY or ANY in listed:
                return False
            has_call = any(one.kind == "call" and _ends(one) == parts[:3] for one in other)
            return bool(listed) or not has_call
        case "worker":
            group = Fact("consumer", parts[:2])
            return group not in other or any(
                one.kind == "worker" and one.parts[:2] == parts[:2] for one in other
            )
        case "event":
            return any(one.kind == "event" and one.parts[0] == parts[0] for one in other)
        case _:
            return True


def _ends(call: Fact) -> tuple[str, ...]:
    """Caller, callee and protocol of a call."""
    source, target, _, protocol = call.parts
    return (source, target, protocol)


def _below(found: Differences) -> set[Fact]:
    """The operations and services of calls and groups that are new or gone themselves."""
    above = {*found.new, *found.gone, *found.untold}
    calls = {_ends(fact) for fact in above if fact.kind == "call"}
    return {
        fact
        for fact in above
        if (fact.kind == "operation" and fact.parts[:3] in calls)
        or (fact.kind == "worker" and Fact("consumer", fact.parts[:2]) in above)
    }


def _silenced(found: Differences) -> set[Fact]:
    """What could not happen, because all that leads to it is gone: that is told already."""
    silenced: set[Fact] = set()
    quiet = {end for fact in found.gone for end in _leads_to(fact)}
    while True:
        more = {
            fact
            for fact, told in found.untold.items()
            if fact not in silenced and not told.chances and _comes_from(fact) in quiet
        }
        if not more:
            return silenced
        silenced |= more
        quiet |= {end for fact in more for end in _leads_to(fact)}


def _leads_to(fact: Fact) -> tuple[str, ...]:
    """The services, or the topic, that a fact makes busy."""
    match fact.kind:
        case "call":
            return (fact.parts[1],)
        case "publisher":
            return (f"topic {fact.parts[0]}",)
        case "worker":
            return (fact.parts[2],)
        case "consumer":
            return fact.parts[2:]
        case _:
            return ()


def _comes_from(fact: Fact) -> str | None:
    """What has to be busy for a fact to happen."""
    match fact.kind:
        case "service":
            return None
        case "call" | "operation":
            return fact.parts[0]
        case "publisher":
            return fact.parts[1]
        case "consumer" | "worker" | "event":
            return f"topic {fact.parts[0]}"


def _new(fact: Fact, seen: Seen, found: Differences) -> Drift:
    numbers: dict[str, float | str] = {"calls": seen.calls, "chances": found.traffic.chances(fact)}
    sentence = f"{doing(fact)}{often(fact, seen)}; the file does not say so."
    return Drift(_NEW[fact.kind], place_of(fact), sentence, seen.traces, _nearest_line(fact, found), numbers)


def _gone(fact: Fact, told: Telling, found: Differences) -> Drift:
    sentence = f"{not_doing(fact)}: {chances(fact, told)}."
    proof = found.proof_of_absence(fact)
    line = found.declared[fact]
    return Drift(_GONE[fact.kind], place_of(fact), sentence, proof, line, numbers_of(told))


def _untold(fact: Fact, told: Telling, found: Differences) -> Drift:
    sentence = f"I{absence(fact, told)[1:]}."  # it begins with `it`
    return Drift("too-little-traffic", place_of(fact), sentence, (), found.declared[fact], numbers_of(told))


def _nearest_line(fact: Fact, found: Differences) -> int | None:
    """The first line of the file that is about the same caller or topic."""
    lines = [
        line
        for other, line in found.declared.items()
        if other.kind != "service" and other.parts[0] == fact.parts[0]
    ]
    return min(lines, default=None)
