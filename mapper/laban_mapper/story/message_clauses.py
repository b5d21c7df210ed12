"""What happened to the messages of an order, as clauses of its verdict."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from laban_mapper.model import GroupState, Message
from laban_mapper.names import listed, shortened
from laban_mapper.spans import NS_PER_MS
from laban_mapper.story.messages import Published, unread_reason
from laban_mapper.story.outcome import is_unread
from laban_mapper.times import format_duration

_SHOWN: Final = 4
"""The most clauses of a kind."""


def message_clauses(begin: int, messages: Sequence[Published]) -> list[str]:
    """What happened to the messages: problems first, grouped by kind; then the successes, by topic.

    Args:
        begin: the start of the order, ns.
        messages: the messages.
    """
    unread: list[str] = []
    problems: dict[str, list[str]] = {}
    successes: dict[str, list[tuple[float | None, str]]] = {}
    states = _States(messages)
    for published in messages:
        message = published.message
        if is_unread(published):
            unread.append(unread_reason(message, shortened(message.topic)))
        for delivery in published.deliveries:
            state = delivery.state
            done = None if delivery.done is None else max(0.0, (delivery.done - begin) / NS_PER_MS)
            if state.state == "processed":
                which = states.which_of_several(message, state)
                group = f"{state.group} ({which})" if which else state.group
                successes.setdefault(message.topic, []).append((done, group))
            else:
                clause = _problem(states.named(message, state), state, done)
                problems.setdefault(clause, []).append(state.group)
    clauses = unread + [f"{listed(groups)} {words}" for words, groups in problems.items()]
    shown = list(dict.fromkeys(clauses))[:_SHOWN]
    if len(clauses) > len(shown):
        shown.append(f"{len(clauses) - len(shown)} more of that kind")
    told = list(successes.items())
    shown += [_processed(topic, groups) for topic, groups in told[:_SHOWN]]
    if len(told) > _SHOWN:
        shown.append(f"{len(told) - _SHOWN} more topics were processed")
    return shown


class _States:
    """How many messages of a topic each group has, by state: it may process one and fail another."""

    def __init__(self, messages: Sequence[Published]) -> None:
        self._states = Counter(
            (published.message.topic, delivery.state.group, delivery.state.state)
            for published in messages
            for delivery in published.deliveries
        )
        self._all: Counter[tuple[str, str]] = Counter()
        for (topic, group, _), count in self._states.items():
            self._all[topic, group] += count

    def which_of_several(self, message: Message, state: GroupState) -> str:
        """`1 of 2 messages`, if the messages of the group are in different states; else empty."""
        same, every = (
            self._states[message.topic, state.group, state.state],
            self._all[message.topic, state.group],
        )
        return "" if same == every else f"{same:,} of {every:,} messages"

    def named(self, message: Message, state: GroupState) -> str:
        """The topic, or which of its messages are meant."""
        which, topic = self.which_of_several(message, state), shortened(message.topic)
        return f"{which} on {topic}" if which else topic


def _processed(topic: str, done: Sequence[tuple[float | None, str]]) -> str:
    groups = [group for _, group in done]
    times = [time for time, _ in done if time is not None]
    if len(times) < len(groups):
        return f"{listed(groups)} processed {shortened(topic)}"
    within = "after" if len(set(groups)) == 1 else "within"
    return f"{listed(groups)} processed {shortened(topic)} {within} {format_duration(max(times))}"


def _problem(what: str, state: GroupState, done: float | None) -> str:
    """The clause about messages in one group that did not simply process them, without the group name.

    Args:
        what: the topic, or which of its messages.
        state: what the group did.
        done: when the attempt that counts ended, in ms.
    """
    why = f" ({state.error})" if state.error else ""
    match state.state:
        case "waiting":
            return f"is still waiting {_behind(state)} on {what} in group {shortened(state.group)}"
        case "failed":
            return f"failed to process {what}{why}"
        case "dead-lettered":
            return f"gave up on {what} and dead-lettered it{why}"
        case "untraced":
            return f"consumed {what} but sent no span"
        case "unseen":
            return f"sent no span for {what}"
        case "duplicated":
            first = "" if done is None else f", the first after {format_duration(done)}"
            return f"processed {what} {state.attempts} times{first}"
        case _:
            after = "" if done is None else f" after {format_duration(done)}"
            return f"processed {what}{after} on attempt {state.attempts}"


def _behind(state: GroupState) -> str:
    count = state.messages_ahead or 0
    ahead = {0: "as the next message", 1: "behind 1 message"}.get(count, f"behind {count} messages")
    return ahead if state.waiting_ms is None else f"{ahead} (about {format_duration(state.waiting_ms)})"
