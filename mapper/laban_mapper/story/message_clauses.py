"""What happened to the messages of an order, as clauses of its verdict."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from laban_mapper.model import GroupState, Message
from laban_mapper.names import counted, listed, shortened
from laban_mapper.spans import NS_PER_MS
from laban_mapper.story.messages import Published, unread_reason
from laban_mapper.story.outcome import is_unread
from laban_mapper.times import format_duration

_SHOWN: Final = 4
"""The most clauses of a kind."""


def message_clauses(begin: int, messages: Sequence[Published], stuck: str | None = None) -> list[str]:
    """What happened to the messages: problems first, grouped by kind; then the successes, by topic.

    Args:
        begin: the start of the order, ns.
        messages: the messages.
        stuck: the service whose waiting messages are told elsewhere.
    """
    unread: list[str] = []
    problems: dict[str, list[str]] = {}
    waiting: dict[tuple[str, str, str], list[GroupState]] = {}
    successes: dict[str, list[tuple[float | None, str]]] = {}
    states = _States(messages)
    for published in messages:
        message = published.message
        if is_unread(published):
            unread.append(unread_reason(message, shortened(message.topic)))
        for delivery in published.deliveries:
            state = delivery.state
            if state.state == "waiting" and stuck is not None and stuck in {state.service, state.group}:
                continue
            done = None if delivery.done is None else max(0.0, (delivery.done - begin) / NS_PER_MS)
            if state.state == "processed":
                which = states.which_of_several(message, state)
                group = f"{state.group} ({which})" if which else state.group
                successes.setdefault(message.topic, []).append((done, group))
            elif state.state == "waiting":
                which = states.which_of_several(message, state)
                waiting.setdefault((which, message.topic, state.group), []).append(state)
            else:
                clause = _problem(states.named(message, state), state, done)
                problems.setdefault(clause, []).append(state.group)
    clauses = unread + [f"{listed(groups)} {words}" for words, groups in problems.items()]
    clauses += _waiting(waiting)
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
    """The clause about messages that one group read, but did not simply process, without the group name.

    Args:
        what: the topic, or which of its messages.
        state: what the group did.
        done: when the attempt that counts ended, in ms.
    """
    why = f" ({state.error})" if state.error else ""
    match state.state:
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


def _waiting(waiting: Mapping[tuple[str, str, str], Sequence[GroupState]]) -> list[str]:
    """The clauses about messages that wait, by which of several, topic and group: one for groups alike.

    `2 messages on orders still wait for group email, 2 to 3 messages ahead of them (up to 1.8 s so far)`.
    """
    alike: dict[tuple[str, str], list[str]] = {}
    for (which, topic, group), states in waiting.items():
        one = len(states) == 1
        what = which or ("the message" if one else f"{len(states):,} messages")
        words = f"{what} on {shortened(topic)} still {'waits' if one else 'wait'} for group"
        alike.setdefault((words, _ahead(states) + _so_far(states)), []).append(group)
    return [
        f"{words}{'s' if len(set(groups)) > 1 else ''} {listed(groups)}{place}"
        for (words, place), groups in alike.items()
    ]


def _ahead(states: Sequence[GroupState]) -> str:
    """How many messages a group must read before the ones that wait."""
    counts = [state.messages_ahead or 0 for state in states]
    least, most = min(counts), max(counts)
    if most == 0:
        return " as the next one" if len(states) == 1 else " as the next ones"
    of_them = "it" if len(states) == 1 else "them" if least != most else "each"
    amount = "" if least == most else "up to " if least == 0 else f"{least:,} to "
    return f", {amount}{counted(most, 'message')} ahead of {of_them}"


def _so_far(states: Sequence[GroupState]) -> str:
    """How long the message has waited that has waited longest; nothing if that is unknown."""
    known = [state.waiting_ms for state in states if state.waiting_ms is not None]
    if not known:
        return ""
    return f" ({'about' if len(states) == 1 else 'up to'} {format_duration(max(known))} so far)"
