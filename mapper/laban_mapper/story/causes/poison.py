"""A message that no group could read: its publisher is to blame, not its consumers."""

from collections.abc import Sequence

from laban_mapper.names import listed, shortened
from laban_mapper.spans import operation_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.poison_messages import Poison


def poison(facts: Facts) -> list[Claim]:
    """One claim for each publisher and topic with messages that no group could read."""
    found: dict[tuple[str, str], list[Poison]] = {}
    for one in facts.poison:
        found.setdefault((one.publisher.service, one.published.message.topic), []).append(one)
    return [_claim(same, facts) for same in found.values()]


def _claim(same: Sequence[Poison], facts: Facts) -> Claim:
    first = same[0]
    message = first.published.message
    attempts = tuple(attempt for one in same for attempt in one.attempts)
    groups = listed([state.group for one in same for state in one.published.message.groups])
    errors = (state.error for one in same for state in one.published.message.groups)
    why = next((error for error in errors if error), "they gave up")
    what = "a message" if len(same) == 1 else f"{len(same):,} messages"
    place = "" if message.offset is None else f" (partition {message.partition}, offset {message.offset})"
    told = f"published {what} to {shortened(message.topic)}{place} that {groups} could not read ({why})"
    ids = {id(attempt) for attempt in attempts}
    return Claim(
        kind="poison",
        service=first.publisher.service,
        operation=operation_of(first.publisher),
        sentence=f"{shortened(first.publisher.service)} {told}",
        spans=(first.publisher, *attempts),
        explains=tuple(span for span in facts.failed if id(span) in ids),
        error=told if any(id(span) in ids for span in facts.failed) else None,
        weight=len(same),
    )
