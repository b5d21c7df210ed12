"""The verdict: one line that tells an engineer on call what happened."""

from collections.abc import Sequence

from laban_collector.store.rows import Span
from laban_mapper.model import GroupState, Message, Outcome
from laban_mapper.names import listed, shortened
from laban_mapper.spans import NS_PER_MS, SERVER, failed, operation_of
from laban_mapper.story.causality import Causality
from laban_mapper.story.inner_errors import inner_errors
from laban_mapper.story.messages import Published, is_dead_letter, unread_reason
from laban_mapper.story.root_cause import Failure
from laban_mapper.times import format_duration

_SHOWN_PROBLEMS = 4


def outcome_of(causality: Causality, messages: Sequence[Published], failure: Failure | None) -> Outcome:
    """The outcome; of several that apply, the first: failed, waiting, incomplete, ok_with_errors, ok.

    An error that was caught and handled, or a failed attempt before one that succeeded, is not a failure of
    the order. The verdict tells these errors with each of the other outcomes.
    """
    if failure is not None:
        return "failed"
    states = {delivery.state.state for message in messages for delivery in message.deliveries}
    if "waiting" in states:
        return "waiting"
    unread = any(_is_unread(message) for message in messages)
    if states & {"untraced", "unseen"} or unread or _lost(causality):
        return "incomplete"
    return "ok_with_errors" if any(failed(span) for span in causality.spans) else "ok"


def verdict(
    title: str,
    entry: Span,
    causality: Causality,
    messages: Sequence[Published],
    failure: Failure | None,
) -> str:
    """One sentence: how the request went, what happened to its messages, and where they are stuck.

    Args:
        title: the subject, `Order 123`.
        entry: the span of the first request.
        causality: the spans.
        messages: the published messages with their state in every group.
        failure: the failure, if there is one.
    """
    parts = [_beginning(title, entry, failure)]
    parts += _consequences(causality.start(entry), messages)
    if failure is None:
        parts += inner_errors(causality, _retried(messages))
    parts += _missing_parents(_lost(causality), "" if failure else "incomplete, because ")
    return "; ".join(parts) + "."


def _is_unread(message: Published) -> bool:
    return not message.deliveries and not is_dead_letter(message.message.topic)


def _lost(causality: Causality) -> int:
    """How many spans have a parent that is not in the story."""
    return sum(causality.is_orphan(span) for span in causality.roots)


def _missing_parents(count: int, therefore: str) -> list[str]:
    if not count:
        return []
    which = "1 span has a parent that was" if count == 1 else f"{count:,} spans have parents that were"
    return [f"{therefore}{which} not received (the sampler or a service without laban)"]


def _retried(messages: Sequence[Published]) -> list[Span]:
    """The failed attempts of messages that were processed in the end: their state tells of them."""
    return [
        attempt
        for message in messages
        for delivery in message.deliveries
        if delivery.state.state in {"retried", "duplicated"}
        for attempt in delivery.attempts
        if failed(attempt)
    ]


def _beginning(title: str, entry: Span, failure: Failure | None) -> str:
    took = format_duration(entry.duration / NS_PER_MS)
    service, operation = shortened(entry.service), shortened(operation_of(entry))
    if failure is not None and failure.failed is entry:
        cause = failure.cause
        why = f"{shortened(cause.service)} is the root cause ({shortened(cause.operation)}: {cause.error})"
        return f"{title} failed after {took}: {why}" + (
            f", so {listed(failure.chain)} failed" if failure.chain else ""
        )
    if failed(entry):
        return f"{title} failed after {took} in {service} ({operation})"
    if entry.kind == SERVER and entry.http_method == "POST":
        return f"{title} was created in {took}"
    return f"{title}: {service} did {operation} in {took}"


def _consequences(begin: int, messages: Sequence[Published]) -> list[str]:
    """What happened to the messages: problems first, grouped by kind; then the successes, by topic."""
    unread: list[str] = []
    problems: dict[str, list[str]] = {}
    successes: dict[str, list[tuple[float | None, str]]] = {}
    for published in messages:
        message = published.message
        if _is_unread(published):
            unread.append(unread_reason(message, shortened(message.topic)))
        for delivery in published.deliveries:
            state = delivery.state
            done = None if delivery.done is None else max(0.0, (delivery.done - begin) / NS_PER_MS)
            if state.state == "processed":
                successes.setdefault(message.topic, []).append((done, state.group))
            else:
                problems.setdefault(_problem(message, state, done), []).append(state.group)
    clauses = unread + [f"{listed(groups)} {words}" for words, groups in problems.items()]
    shown = list(dict.fromkeys(clauses))[:_SHOWN_PROBLEMS]
    if len(clauses) > len(shown):
        shown.append(f"{len(clauses) - len(shown)} more of that kind")
    told = list(successes.items())
    shown += [_processed(topic, groups) for topic, groups in told[:_SHOWN_PROBLEMS]]
    if len(told) > _SHOWN_PROBLEMS:
        shown.append(f"{len(told) - _SHOWN_PROBLEMS} more topics were processed")
    return shown


def _processed(topic: str, done: Sequence[tuple[float | None, str]]) -> str:
    groups = [group for _, group in done]
    times = [time for time, _ in done if time is not None]
    if len(times) < len(groups):
        return f"{listed(groups)} processed {shortened(topic)}"
    within = "after" if len(set(groups)) == 1 else "within"
    return f"{listed(groups)} processed {shortened(topic)} {within} {format_duration(max(times))}"


def _problem(message: Message, state: GroupState, done: float | None) -> str:
    """The clause about one message in one group that did not simply process it, without the group name."""
    topic = shortened(message.topic)
    why = f" ({state.error})" if state.error else ""
    match state.state:
        case "waiting":
            return f"is still waiting {_behind(state)} on {topic} in group {shortened(state.group)}"
        case "failed":
            return f"failed to process {topic}{why}"
        case "dead-lettered":
            return f"gave up on {topic} and dead-lettered it{why}"
        case "untraced":
            return f"consumed {topic} but sent no span"
        case "unseen":
            return f"sent no span for {topic}"
        case "duplicated":
            first = "" if done is None else f", the first after {format_duration(done)}"
            return f"processed {topic} {state.attempts} times{first}"
        case _:
            after = "" if done is None else f" after {format_duration(done)}"
            return f"processed {topic}{after} on attempt {state.attempts}"


def _behind(state: GroupState) -> str:
    count = state.messages_ahead or 0
    ahead = {0: "as the next message", 1: "behind 1 message"}.get(count, f"behind {count} messages")
    return ahead if state.waiting_ms is None else f"{ahead} (about {format_duration(state.waiting_ms)})"
