"""The verdict: one line that tells an engineer on call what happened."""

from collections.abc import Sequence

from laban_collector.store.rows import Span
from laban_mapper.model import GroupState, Message
from laban_mapper.names import listed, shortened
from laban_mapper.spans import NS_PER_MS, SERVER, failed, operation_of
from laban_mapper.story.causes.facts import Claim, Facts
from laban_mapper.story.inner_errors import inner_errors
from laban_mapper.story.messages import Published, unread_reason
from laban_mapper.story.outcome import is_unread, lost_parents
from laban_mapper.times import format_duration

_SHOWN_PROBLEMS = 4


def verdict(title: str, facts: Facts, cause: Claim | None) -> str:
    """One sentence: how the request went, what happened to its messages, and where they are stuck.

    Args:
        title: the subject, `Order 123`.
        facts: the facts of the story.
        cause: the claim that explains the outcome.
    """
    parts = [_beginning(title, facts, cause)]
    parts += _consequences(facts.causality.start(facts.entry), facts.messages)
    if not facts.failed:
        parts += inner_errors(facts.causality, _retried(facts.messages))
    parts += _missing_parents(lost_parents(facts.causality), "" if facts.failed else "incomplete, because ")
    return "; ".join(parts) + "."


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


def _beginning(title: str, facts: Facts, cause: Claim | None) -> str:
    entry = facts.entry
    took = format_duration(entry.duration / NS_PER_MS)
    service, operation = shortened(entry.service), shortened(operation_of(entry))
    if failed(entry) and cause is not None:
        why = f"{shortened(cause.service)} is the root cause ({shortened(cause.operation)}: {cause.error})"
        chain = [span.service for span in cause.explains if span.service != cause.service]
        return f"{title} failed after {took}: {why}" + (f", so {listed(chain)} failed" if chain else "")
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
        if is_unread(published):
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
