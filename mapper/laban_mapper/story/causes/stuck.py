"""A message waits in a queue for longer than usual."""

from collections.abc import Iterator, Mapping
from typing import Final

from laban_collector.store.rows import Lag, Span
from laban_mapper.model import GroupState
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.usual import UsualStep
from laban_mapper.spans import NS_PER_MS, NS_PER_S
from laban_mapper.story.causes.comparing import examples_of, limit_of, milliseconds, usually
from laban_mapper.story.causes.facts import Claim, Facts, usual_step_of
from laban_mapper.story.messages import Published
from laban_mapper.times import utc_time

_LEAST: Final = 10 * NS_PER_S
"""How long a message waits at least. Many clients commit only every 5 s, and send spans as rarely."""
_Address = tuple[str | None, int | None, int | None]
"""Topic, partition, offset."""
_FRESH: Final = 60 * NS_PER_S
"""The age up to which a poll and the missing span of a consumer tell about now."""


def stuck(facts: Facts) -> list[Claim]:
    """Find messages that a group has not consumed although they have waited for long."""
    worst: dict[tuple[str, str], Claim] = {}
    sent: dict[_Address, Span] = {}
    for published in facts.messages:
        for state, lag in _waiting(facts, published):
            sent = sent or _sent(facts)
            claim = _claim(facts, published, state, lag, sent)
            place = (state.group, published.message.topic)
            if claim is not None and (place not in worst or claim.weight > worst[place].weight):
                worst[place] = claim
    return list(worst.values())


def _waiting(facts: Facts, published: Published) -> Iterator[tuple[GroupState, Lag]]:
    message = published.message
    for state in message.groups:
        if state.state == "waiting" and message.offset is not None:
            lag = facts.consumption.lag_of(state.group, message.topic, message.partition, message.offset)
            if lag is not None:
                yield state, lag


def _claim(
    facts: Facts, published: Published, state: GroupState, lag: Lag, sent: Mapping[_Address, Span]
) -> Claim | None:
    message = published.message
    span = sent.get((message.topic, message.partition, message.offset))
    if span is None:
        return None
    waited = _as_of(facts, lag) - span.start
    usual = _usual(facts, span, state)
    limit = None if usual is None else limit_of(usual, Measure.WAIT)
    if waited < max(_LEAST, limit or 0.0):
        return None
    known = None if usual is None or limit is None else usual.sketch(Measure.WAIT)
    examples = None if usual is None or known is None else examples_of(usual, Measure.WAIT)
    service = state.service or state.group
    sentence = (
        f"{service} has not read the message in {published.message.topic} for {milliseconds(waited)}"
        + ("" if known is None or examples is None else f", {usually(known, examples)}")
        + f"; {_ahead(state)}; {_progress(facts, state, lag)}"
    )
    return Claim(
        kind="stuck",
        service=service,
        operation=f"process {published.message.topic}",
        sentence=sentence,
        spans=(span,),
        explains=(span,),
        usual=None if known is None else known.median / NS_PER_MS,
        examples=examples,
        group=state.group,
        weight=float(waited),
    )


def _as_of(facts: Facts, lag: Lag) -> int:
    """The time at which the message is known to wait: now if the poll is fresh, else that of the poll."""
    if facts.now is not None and 0 <= facts.now - lag.time <= _FRESH:
        return facts.now
    return lag.time


def _sent(facts: Facts) -> dict[_Address, Span]:
    """The spans that published messages, by where these are."""
    sent: dict[_Address, Span] = {}
    for publication in facts.causality.messages.publications():
        told = publication.merged()
        sent.setdefault((told.topic, told.partition, told.offset), publication.span)
    return sent


def _usual(facts: Facts, span: Span, state: GroupState) -> UsualStep | None:
    """The step of the consumer below the step that published, in the profile of the entry."""
    known = usual_step_of(span, facts)
    below = [] if known is None else known.below
    return next((step for step in below if step.about.group == state.group), None)


def _ahead(state: GroupState) -> str:
    ahead = state.messages_ahead or 0
    if ahead == 0:
        return "it is the next one"
    return "1 message is ahead" if ahead == 1 else f"{ahead:,} messages are ahead"


def _progress(facts: Facts, state: GroupState, lag: Lag) -> str:
    """The rate of the group and the time to the message, or since when the group has not moved."""
    rate, progress = facts.consumption.rate_of(lag), facts.consumption.progress_of(lag)
    if rate is not None and state.seconds_ahead is not None:
        takes = milliseconds(state.seconds_ahead * NS_PER_S)
        return f"group {state.group} reads {_per_second(rate)}, so that takes about {takes}"
    who = f"group {state.group} {'has no members and ' if lag.members == 0 else ''}"
    if progress is None:
        return f"{who}is {lag.messages or 0:,} messages behind"
    if progress.committed is not None:
        return f"{who}has committed nothing there since {utc_time(progress.committed):%H:%M:%S} UTC"
    since = f"at least {utc_time(progress.first):%H:%M:%S} UTC"
    return f"{who}has committed nothing there since {since}"


def _per_second(rate: float) -> str:
    return f"{rate:,.0f} messages a second" if rate >= 10 else f"{rate:.2g} messages a second"
