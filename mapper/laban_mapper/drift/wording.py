"""What is said about facts: that they are there, that they are not, and what that rests on."""

from laban_mapper.drift.facts import Fact, Seen
from laban_mapper.drift.naming import ENTRY, in_words
from laban_mapper.drift.traffic import Telling


def doing(fact: Fact) -> str:
    """That a fact is there."""
    parts = fact.parts
    match fact.kind:
        case "service":
            return f"The service {parts[0]} runs"
        case "call":
            verb = "calls" if parts[2] == "sync" else "sends messages to"
            return f"{_who(parts[0])} {verb} {in_words(parts[1])} ({parts[3]})"
        case "operation":
            return f"{_who(parts[0])} asks {in_words(parts[1])} for {parts[3]} ({parts[2]})"
        case "publisher":
            return f"{in_words(parts[1])} publishes to topic {parts[0]}"
        case "consumer":
            return f"{_consumer(fact)} consumes topic {parts[0]}"
        case "worker":
            return f"{parts[2]} consumes topic {parts[0]} in the group {parts[1]}"
        case "event":
            return f"Topic {parts[0]} has {_event(fact)}"


def not_doing(fact: Fact) -> str:
    """That a fact is no longer there."""
    parts = fact.parts
    match fact.kind:
        case "service":
            return f"The service {parts[0]} was not seen"
        case "call":
            verb = "no longer calls" if parts[2] == "sync" else "no longer sends messages to"
            return f"{_who(parts[0])} {verb} {in_words(parts[1])} ({parts[3]})"
        case "operation":
            return f"{_who(parts[0])} no longer asks {in_words(parts[1])} for {parts[3]} ({parts[2]})"
        case "publisher":
            return f"{in_words(parts[1])} no longer publishes to topic {parts[0]}"
        case "consumer":
            return f"{_consumer(fact)} no longer consumes topic {parts[0]}"
        case "worker":
            return f"{parts[2]} no longer consumes topic {parts[0]} in the group {parts[1]}"
        case "event":
            return f"Topic {parts[0]} no longer has {_event(fact)}"


def often(fact: Fact, seen: Seen) -> str:
    """How often a fact was seen, to follow what it is."""
    if fact.kind == "service":
        return ""
    if fact.kind == "consumer" and not seen.calls:
        return " (known by its committed offsets; it sends no spans)"
    return f", {times(seen.calls)}"


def absence(fact: Fact, told: Telling) -> str:
    """That something was not seen, and what that rests on; begins with `it`."""
    seen = f"it was not seen, but {_chances(fact, told.chances)}"
    if told.enough:
        return f"{seen}, and {by_share(told)}"
    return f"{seen}: not enough traffic to tell{by_share(told, '; ') if told.chances else ''}"


def chances(fact: Fact, told: Telling) -> str:
    """What a fact that is gone could have followed from, and how often it should have."""
    return f"{_chances(fact, told.chances)}, and {by_share(told)}"


def by_share(told: Telling, before: str = "") -> str:
    """How often something was to be expected; empty if nothing tells."""
    if told.source == "complete":
        return f"{before}this was all (--complete)"
    if told.share is None or told.expected is None:
        return ""
    expected = f"{told.expected:,.0f}" if told.expected >= 9.95 else f"{told.expected:.1f}"
    if told.source == "before":
        return f"{before}it happened in {told.share:.2%} before: about {expected} were to be expected"
    return f"{before}the rarest other happened in {told.share:.2%}: about {expected} were to be expected"


def numbers_of(told: Telling) -> dict[str, float | str]:
    """What a claim of absence rests on, as numbers."""
    numbers: dict[str, float | str] = {"chances": told.chances}
    if told.share is not None and told.expected is not None:
        numbers |= {"share": round(told.share, 4), "expected": round(told.expected, 1)}
    return numbers


def times(number: int) -> str:
    """How often: `once`, `1,203 times`."""
    return "once" if number == 1 else f"{number:,} times"


def _who(source: str) -> str:
    return "A caller outside" if source == ENTRY else in_words(source)


def _consumer(fact: Fact) -> str:
    return f"The group {fact.parts[1]}" if fact.parts[1] else in_words(fact.parts[2])


def _event(fact: Fact) -> str:
    kind = f"events of type {fact.parts[1]}" if fact.parts[1] else "events of an unknown type"
    return f"{kind} in version {fact.parts[2]}" if fact.parts[2] else kind


def _chances(fact: Fact, number: int) -> str:
    match fact.kind:
        case "service":
            return f"the system was asked from outside {times(number)}"
        case "call" | "operation":
            if fact.parts[0].startswith(("entry:", "external:")):
                return f"the system was asked from outside {times(number)}"
            return f"{in_words(fact.parts[0])} was active {times(number)}"
        case "publisher":
            return f"{in_words(fact.parts[1])} was active {times(number)}"
        case "consumer" | "worker" | "event":
            return f"the topic had {number:,} message{'' if number == 1 else 's'}"
