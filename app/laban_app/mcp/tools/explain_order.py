"""The tool that says what happened to an order: the verdict, the cause and its scope, in few tokens."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Final

from mcp_types import CallToolResult
from pydantic import BaseModel

from laban_app.answers.trace_links import TraceLink, trace_links
from laban_app.mcp.arguments import Key, SinceEver, Until, Value
from laban_app.mcp.asking import Asking
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import Fact, Reply, Told, Words, safe, told_facts
from laban_app.mcp.server import Registry
from laban_app.mcp.tools.stories import diagram_of, story_of
from laban_mapper.model import Cause, Message, Outcome, Story
from laban_mapper.orders import services_of
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rows import is_processed

_VERDICT: Final = 190
_CAUSE: Final = 60
_OTHER_CAUSES: Final = 2
_TRACES: Final = 2
_SERVICES: Final = 8
_LINKS: Final = 2
_LINK: Final = 70
_GROUPS: Final = 2
_LOOKED_AT: Final = 20
_NAME: Final = 14
"""Tokens and numbers of things."""


class CauseReply(BaseModel):
    """A cause; `usual_ms` rests on `examples` traces, and `span` proves it."""

    kind: str
    service: str
    sentence: str
    usual_ms: float | None = None
    examples: int | None = None
    span: str | None = None


class ScopeReply(BaseModel):
    """How many of all calls or messages at the same place are affected since then, and in the hour before."""

    affected: int
    of: int
    since: datetime
    before_affected: int
    before_of: int


class ExplainedOrder(Reply):
    """What happened to an order."""

    key: str
    value: str
    outcome: Outcome
    verdict: str
    cause: CauseReply | None = None
    scope: ScopeReply | None = None
    traces: list[str] | None = None
    diagram: str | None = None
    elsewhere: dict[str, str] | None = None
    started: datetime | None = None
    duration_ms: float | None = None
    spans: int | None = None
    messages: dict[str, int] | None = None
    services: list[str] | None = None
    also_seen: list[CauseReply] | None = None
    notes: list[str] | None = None


def add_explain_order(registry: Registry, asking: Asking) -> None:
    """Add the tool."""

    @registry.tool(
        title="What happened to an order",
        description="What happened to one order, customer, or any other business key value: the outcome, the "
        "verdict, the cause, how many others it affects, and where to look further, in at most 600 tokens. "
        "Use it first whenever a user names an order or a trace ID.",
    )
    async def explain_order(
        value: Value, key: Key = "order", since: SinceEver = None, until: Until = None
    ) -> Annotated[CallToolResult, ExplainedOrder]:
        return await asking.tell(
            lambda answers: told_order(story_of(answers, key, value, since, until), trace_links()),
            settled=False,
        )


def told_order(story: Story, elsewhere: Sequence[TraceLink] = ()) -> Told:
    """The answer for a story.

    Args:
        story: the story.
        elsewhere: other tools that show a trace.
    """
    words = Words(
        next=[
            (
                "with the same value and key: order_timeline for what ran and waited, order_messages for "
                "each consumer group, order_logs for log lines, order_spans, span_details for one of them"
            ),
        ]
    )
    if story.truncated:
        words.left_out.append("spans: the story has more than laban reads at once")
    return told_facts(list(_facts(story, elsewhere)), ExplainedOrder, words)


def _facts(story: Story, elsewhere: Sequence[TraceLink]) -> Iterator[Fact]:
    key, value = safe(story.key, _NAME), safe(story.value, 24)
    outcome = phrases.OUTCOMES[story.outcome]
    yield Fact("order", f"{key} {value}: {outcome}", {"key": key, "value": value, "outcome": story.outcome})
    verdict = harmless(story.verdict, _VERDICT)
    yield Fact("verdict", verdict, {"verdict": verdict})
    yield from _causes(story)
    yield from _scope(story)
    yield from _links(story, elsewhere)
    yield Fact(
        "when",
        " · ".join(phrases.facts(story)[:3]),
        {"started": story.started, "duration_ms": round(story.duration_ms, 3), "spans": story.spans},
        need=2,
    )
    if story.messages:
        yield _messages(story.messages)
    services = [safe(name, _NAME) for name in services_of(story)]
    shown = services[:_SERVICES]
    more = f" and {len(services) - len(shown)} more" if len(services) > len(shown) else ""
    yield Fact(f"services ({len(services)})", f"{', '.join(shown)}{more}", {"services": shown}, need=5)
    if story.notes:
        notes = [harmless(note, _CAUSE) for note in story.notes[:2]]
        more = f"; and {len(story.notes) - 2} more" if len(story.notes) > 2 else ""
        yield Fact("notes", f"{'; '.join(notes)}{more}", {"notes": notes}, need=4)


def _causes(story: Story) -> Iterator[Fact]:
    if story.causes:
        first, *others = story.causes
        reply = _cause(first)
        # The verdict usually contains the sentence of the first cause.
        told = _cause_line(first, reply, with_sentence=first.sentence not in story.verdict)
        yield Fact("cause", told, {"cause": reply})
        shown = [_cause(cause) for cause in others[:_OTHER_CAUSES]]
        if shown:
            text = "; ".join(f"{one.kind} in {one.service}: {one.sentence}" for one in shown)
            more = f"; and {len(others) - len(shown)} more" if len(others) > len(shown) else ""
            yield Fact("also seen", f"{text}{more}", {"also_seen": shown}, need=6)
    elif story.root_cause is not None:
        cause = story.root_cause
        service = safe(cause.service, _NAME)
        sentence = harmless(f"{cause.operation}: {cause.error}", _CAUSE)
        reply = CauseReply(kind="error", service=service, sentence=sentence)
        yield Fact("cause", f"error in {service}: {sentence}", {"cause": reply})
    elif story.outcome in ("failed", "waiting", "incomplete"):
        yield Fact("cause", "unknown: no rule explains it with enough evidence", {})


def _cause(cause: Cause) -> CauseReply:
    return CauseReply(
        kind=cause.kind,
        service=safe(cause.service, _NAME),
        sentence=harmless(cause.sentence, _CAUSE),
        usual_ms=cause.usual,
        examples=cause.examples,
        span=safe(cause.spans[0], _NAME) if cause.spans else None,
    )


def _cause_line(cause: Cause, reply: CauseReply, *, with_sentence: bool) -> str:
    sentence = f": {reply.sentence}" if with_sentence else ""
    parts = [f"{reply.kind.replace('_', ' ')} in {reply.service}{sentence}"]
    parts += [phrases.usual(cause)] if cause.usual is not None or cause.examples is not None else []
    parts += [f"proof: span {reply.span}"] if reply.span else []
    return "; ".join(parts)


def _scope(story: Story) -> Iterator[Fact]:
    scope = story.scope
    if scope is None:
        if story.causes:
            yield Fact("scope", "unknown: whether others are affected is not counted for this cause", {}, 3)
        return
    yield Fact(
        "scope",
        f"at the same place, {phrases.scope(scope)}",
        {"scope": ScopeReply(**scope.model_dump())},
    )


def _links(story: Story, elsewhere: Sequence[TraceLink]) -> Iterator[Fact]:
    shown = [safe(trace, 26) for trace in story.traces[:_TRACES]]
    more = f" and {len(story.traces) - len(shown)} more" if len(story.traces) > len(shown) else ""
    values: dict[str, Any] = {"traces": shown}
    links = f"trace {' '.join(shown)}{more}"
    diagram = diagram_of(story)
    if len(diagram) <= 100:
        values["diagram"] = diagram
        links += f" · sequence diagram {diagram}"
    yield Fact("links", links, values, need=1)
    addresses = {safe(link.name, 8): link.address(story.traces[0]) for link in elsewhere[:_LINKS]}
    # An address that had to be changed or cut would lead nowhere.
    pages = {name: address for name, address in addresses.items() if harmless(address, _LINK) == address}
    if pages:
        told = " · ".join(f"{name} {address}" for name, address in pages.items())
        yield Fact("open the trace in", told, {"elsewhere": pages}, need=2)


def _messages(messages: list[Message]) -> Fact:
    states: Counter[str] = Counter(state.state for message in messages for state in message.groups)
    unread = sum(not message.groups for message in messages)
    counts: dict[str, int] = {"published": len(messages), **states}
    told = [f"{number:,} × {state}" for state, number in states.items()]
    if unread:
        counts["without a consumer"] = unread
        told.append(f"{unread:,} without a known consumer")
    odd = (state for message in messages for state in message.groups if not is_processed(state))
    names = (f"{safe(state.group, _NAME)} {state.state}" for state in islice(odd, _LOOKED_AT))
    shown = list(dict.fromkeys(names))[:_GROUPS]
    named = f" ({', '.join(shown)})" if shown else ""
    text = f"{len(messages):,} published: {', '.join(told)}{named}"
    return Fact("messages", text, {"messages": counts}, need=3)
