"""The verdict: one line that tells an engineer on call what happened."""

from collections.abc import Sequence

from laban_collector.store.rows import Span
from laban_mapper.model import GroupState, Message, Outcome
from laban_mapper.spans import NS_PER_MS, SERVER, failed, operation_of
from laban_mapper.story.causality import Causality
from laban_mapper.story.messages import is_dead_letter, unread_reason
from laban_mapper.story.root_cause import Failure
from laban_mapper.times import format_duration

_SHOWN_PROBLEMS = 4


def outcome_of(causality: Causality, messages: Sequence[Message], failure: Failure | None) -> Outcome:
    """The outcome; `failed` wins over `waiting`, `waiting` over `incomplete`, `incomplete` over `ok`.

    An error that was caught and handled is not a failure of the order.
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
    """One sentence: how the request went, what happened to its messages, and where they are stuck.

    Args:
        title: the subject, `Order 123`.
        entry: the span of the first request.
        messages: the published messages with their state in every group.
        failure: the failure, if there is one.
    """
    parts = [_beginning(title, entry, failure)]
    parts += _consequences(entry, messages)
    return "; ".join(parts) + "."


def _beginning(title: str, entry: Span, failure: Failure | None) -> str:
    took = format_duration(entry.duration / NS_PER_MS)
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
    """What happened to the messages: problems first, grouped by kind; then the successes, by topic."""
    unread: list[str] = []
    problems: dict[str, list[str]] = {}
    successes: dict[str, list[tuple[float, str]]] = {}
    for message in messages:
        if not message.groups and not is_dead_letter(message.topic):
            unread.append(unread_reason(message, message.topic))
        since_entry = message.published.timestamp() * 1000 - entry.start / NS_PER_MS
        for state in message.groups:
            done = max(0.0, since_entry + (state.wait_ms or 0) + (state.duration_ms or 0))
            if state.state == "processed":
                successes.setdefault(message.topic, []).append((done, state.group))
            else:
                problems.setdefault(_problem(message, state, done), []).append(state.group)
    clauses = unread + [f"{_listed(groups)} {words}" for words, groups in problems.items()]
    shown = list(dict.fromkeys(clauses))[:_SHOWN_PROBLEMS]
    if len(clauses) > len(shown):
        shown.append(f"{len(clauses) - len(shown)} more of that kind")
    return shown + [_processed(topic, groups) for topic, groups in successes.items()]


def _processed(topic: str, done: Sequence[tuple[float, str]]) -> str:
    groups = [group for _, group in done]
    within = "after" if len(set(groups)) == 1 else "within"
    return f"{_listed(groups)} processed {topic} {within} {format_duration(max(done)[0])}"


def _problem(message: Message, state: GroupState, done: float) -> str:
    """The clause about one message in one group that did not simply process it, without the group name."""
    topic = message.topic
    why = f" ({state.error})" if state.error else ""
    match state.state:
        case "waiting":
            return f"is still waiting {_behind(state)} on {topic} in group {state.group}"
        case "failed":
            return f"failed to process {topic}{why}"
        case "dead-lettered":
            return f"gave up on {topic} and dead-lettered it{why}"
        case "untraced":
            return f"consumed {topic} but sent no span"
        case "unseen":
            return f"sent no span for {topic}"
        case "duplicated":
            return f"processed {topic} {state.attempts} times, the first after {format_duration(done)}"
        case _:
            return f"processed {topic} after {format_duration(done)} on attempt {state.attempts}"


def _behind(state: GroupState) -> str:
    count = state.messages_ahead or 0
    ahead = {0: "as the next message", 1: "behind 1 message"}.get(count, f"behind {count} messages")
    return ahead if state.waiting_ms is None else f"{ahead} (about {format_duration(state.waiting_ms)})"


def _listed(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    return distinct[0] if len(distinct) == 1 else f"{', '.join(distinct[:-1])} and {distinct[-1]}"
