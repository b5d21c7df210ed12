"""The one line on top: what happened, in words that a person on call needs."""

from collections.abc import Sequence

from laban_collector.store.base import Span
from laban_mapper.model import GroupState, Message, Outcome
from laban_mapper.spans import NS_PER_MS, SERVER, failed, operation_of
from laban_mapper.story.causality import Causality
from laban_mapper.story.messages import is_dead_letter
from laban_mapper.story.root_cause import Failure
from laban_mapper.times import in_words

_SHOWN_GROUPS = 4
_TROUBLE = ("failed", "dead-lettered", "waiting", "untraced", "unseen")


def outcome_of(causality: Causality, messages: Sequence[Message], failure: Failure | None) -> Outcome:
    """`failed` before `waiting` before `incomplete` before `ok`.

    An error that somebody caught and answered well is no failure of the order.
    """
    if failure is not None:
        return "failed"
    states = {state.state for message in messages for state in message.groups}
    if "waiting" in states:
        return "waiting"
    unread = any(not message.groups and not is_dead_letter(message.topic) for message in messages)
    lost = any(causality.is_orphan(span) for span in causality.spans)
    if states & {"untraced", "unseen"} or unread or lost:
        return "incomplete"
    return "ok"


def verdict(title: str, entry: Span, messages: Sequence[Message], failure: Failure | None) -> str:
    """One or two sentences: how it went in, what became of it, where it is stuck.

    Args:
        title: what it is about, `Order 123`.
        entry: the span that began it.
        messages: what was published, with the state in every group.
        failure: what went wrong, if anything did.
    """
    parts = [_beginning(title, entry, failure)]
    parts += _consequences(entry, messages)
    return "; ".join(parts) + "."


def _beginning(title: str, entry: Span, failure: Failure | None) -> str:
    took = in_words(entry.duration / NS_PER_MS)
    if failure is not None and failure.failed is entry:
        cause = failure.cause
        why = f"{cause.service} is the root cause ({cause.operation}: {cause.error})"
        return f"{title} failed after {took}: {why}" + (
            f", so {_listed(failure.chain)} failed" if failure.chain else ""
        )
    if failed(entry):
        return f"{title} failed after {took} in {entry.service} ({operation_of(entry)})"
    if entry.kind == SERVER and entry.http_method == "POST":
        return f"{title} was created in {took}"
    return f"{title}: {entry.service} did {operation_of(entry)} in {took}"


def _consequences(entry: Span, messages: Sequence[Message]) -> list[str]:
    """What became of the messages: troubles first, then what went well, as few words as will do."""
    told: list[tuple[bool, str]] = []
    for message in messages:
        if not message.groups and not is_dead_letter(message.topic):
            told.append((True, f"no group consumes {message.topic}"))
        since_entry = message.published.timestamp() * 1000 - entry.start / NS_PER_MS
        told += [(state.state in _TROUBLE, _became(message, state, since_entry)) for state in message.groups]
    trouble = [words for bad, words in told if bad]
    fine = [words for bad, words in told if not bad]
    room = max(1, _SHOWN_GROUPS - len(trouble))
    parts = trouble[:_SHOWN_GROUPS] + fine[:room]
    hidden = len(told) - len(parts)
    if hidden:
        parts.append(f"{hidden} more" if trouble[_SHOWN_GROUPS:] else f"{hidden} more fine")
    return parts


def _became(message: Message, state: GroupState, since_entry: float) -> str:
    who = state.group
    if state.state == "waiting":
        behind = _behind(state)
        return f"{who} is still waiting {behind} on {message.topic} in group {state.group}"
    if state.state == "failed":
        return f"{who} failed to process {message.topic} ({state.error or 'error'})"
    if state.state == "dead-lettered":
        reason = f" ({state.error})" if state.error else ""
        return f"{who} gave up on {message.topic} and dead-lettered it{reason}"
    if state.state == "untraced":
        return f"{who} consumed {message.topic} but sent no span"
    if state.state == "unseen":
        return f"{who} has sent no span for {message.topic}"
    done = since_entry + (state.wait_ms or 0) + (state.duration_ms or 0)
    words = f"{who} processed {message.topic} after {in_words(max(0.0, done))}"
    if state.state == "duplicated":
        return f"{words}, more than once ({state.attempts} times)"
    return f"{words} on attempt {state.attempts}" if state.state == "retried" else words


def _behind(state: GroupState) -> str:
    count = state.messages_ahead or 0
    ahead = {0: "as the next message", 1: "behind 1 message"}.get(count, f"behind {count} messages")
    return f"{ahead} (about {in_words(state.seconds_ahead * 1000)})" if state.seconds_ahead else ahead


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
