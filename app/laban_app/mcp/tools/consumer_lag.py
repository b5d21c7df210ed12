"""The tools about consumer groups: how far behind each is, and which messages wait for one, and why."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from laban.vocabulary import CORRELATION_ID
from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.arguments import Cursor, start_of
from laban_app.mcp.asking import Asking, InvalidArgument
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import PageReply, Told, Words, safe, told_page
from laban_app.mcp.server import Registry
from laban_mapper.lag import SEVERITY, problem_place
from laban_mapper.model import GroupLag, LagReport, PartitionLag, WaitingMessage, WaitingTopic
from laban_mapper.names import counted
from laban_mapper.times import format_duration

_TOPICS: Final = 4
_KEYS: Final = 2
_LISTED: Final = 10

Group = Annotated[str, Field(min_length=1, max_length=300, description="The name of the consumer group.")]


class GroupReply(BaseModel):
    """A consumer group; its status is the worst of its partitions."""

    group: str
    cluster: str | None = None
    status: str
    messages: int
    oldest_s: float | None = None
    members: int | None = None
    lost: int | None = None
    topics: list[str]
    problem: str | None = None


class Lag(PageReply):
    """A page of the groups, the worst first."""

    items: list[GroupReply]
    not_read: list[str] | None = None


class WaitingReply(BaseModel):
    """A message that waits, and how it is known."""

    topic: str
    partition: int
    offset: int
    waiting_ms: float
    by: str
    known_as: list[str]
    trace: str


class Waiting(PageReply):
    """A page of the messages that wait for a group, the oldest first."""

    group: str
    status: str
    why: list[str]
    topics: list[str]
    items: list[WaitingReply]


def add_consumer_lag(registry: Registry, asking: Asking) -> None:
    """Add the tools."""

    @registry.tool(
        title="Consumer lag",
        description="How far behind each consumer group is now, the worst first: status (OK, WARN, STALL: "
        "commits nothing while messages wait, STOP: the same without known members while more come, "
        "REWIND: went back), messages, and age of the oldest. Use it for 'is something stuck', and before "
        "who_waits.",
    )
    async def consumer_lag(cursor: Cursor = None) -> Annotated[CallToolResult, Lag]:
        return await asking.tell(lambda answers: _lag(answers, cursor))

    @registry.tool(
        title="Who waits for a consumer group, and why",
        description="Why one consumer group is behind, and which messages and orders wait for it: what slows "
        "or fails in its consumers, messages in and out per second, and when the queue will be empty. Use it "
        "after consumer_lag, or for 'why is group Y behind'.",
    )
    async def who_waits(group: Group, cursor: Cursor = None) -> Annotated[CallToolResult, Waiting]:
        return await asking.tell(lambda answers: _waiting(answers, group, cursor))


def _lag(answers: TraceAnswers, cursor: str | None) -> Told:
    start = start_of(cursor)
    report = answers.lag()
    groups = sorted(report.groups, key=_badness)
    problems = [harmless(f"{problem_place(one)}: {one.reason}", 50) for one in report.problems[:_LISTED]]
    words = Words(next=["who_waits for a group that is behind"])
    if len(report.problems) > _LISTED:
        words.left_out.append(f"{len(report.problems) - _LISTED:,} more groups or topics that cannot be read")
    behind = sum(group.status not in ("OK", None) for group in groups)
    head = [f"{len(groups):,} consumer groups, {behind:,} of them not OK"]
    return told_page(
        groups,
        start,
        _group_line,
        _group,
        partial(Lag, not_read=problems or None),
        head=[*head, *(f"cannot be read: {one}" for one in problems)],
        words=words,
        empty="no lag is known: the collector polls no Kafka cluster, or has not polled yet (laban serve "
        "--kafka)",
    )


def _waiting(answers: TraceAnswers, group: str, cursor: str | None) -> Told:
    start = start_of(cursor)
    report = answers.waiting()
    found = _found(report, group)
    topics = [topic for topic in found.waiting or [] if topic.messages]
    messages = [(topic.topic, message) for topic in topics for message in topic.oldest]
    why = [harmless(cause.sentence, 80) for topic in topics for cause in topic.causes]
    figures = [f"{safe(topic.topic)}: {_figures(topic, ok=found.status == 'OK')}" for topic in topics]
    status = found.status or "unknown"
    members = "" if found.members is None else f", {counted(found.members, 'member')}"
    words = Words(next=["explain_order with what a message is known as: key and value"])
    rest = sum(topic.left_out for topic in topics)
    if rest:
        words.left_out.append(f"{rest:,} known messages that are younger")
    unknown = sum(max(0, topic.messages - topic.processed - topic.known) for topic in topics)
    if unknown:
        words.left_out.append(f"{unknown:,} messages that no span tells of")
    reasons = [f"why: {one}" for one in why] if why else ["why: unknown; no span shows what takes the time"]
    return told_page(
        messages,
        start,
        _message_line,
        _message,
        partial(Waiting, group=safe(found.group), status=status, why=why, topics=figures),
        head=[
            f"{safe(found.group)}: {status}, {counted(found.messages, 'message')} behind{members}",
            *(reasons if topics else []),
            *figures,
        ],
        words=words,
        empty="no message that waits is known by a span" if topics else "nothing waits for it",
    )


def _found(report: LagReport, group: str) -> GroupLag:
    groups = [one for one in report.groups if one.group == group]
    if groups:
        return min(groups, key=_badness)
    if not report.groups:
        raise InvalidArgument("No consumer lag is known: the collector polls no Kafka cluster.")
    known = [safe(one.group, 14) for one in sorted(report.groups, key=_badness)]
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    raise InvalidArgument(f"There is no group {group!r}. The groups are {', '.join(known[:_LISTED])}{more}.")


def _badness(group: GroupLag) -> tuple[int, int, str]:
    severity = max(SEVERITY.values()) + 1 if group.status is None else SEVERITY[group.status]
    return -severity, -group.messages, group.group


def _oldest(partitions: Sequence[PartitionLag]) -> float | None:
    return max((one.seconds for one in partitions if one.seconds is not None), default=None)


def _topics(group: GroupLag) -> list[str]:
    by_topic: dict[str, int] = {}
    for one in group.topics:
        by_topic[one.topic] = by_topic.get(one.topic, 0) + (one.messages or 0)
    told = [
        f"{safe(topic)} {messages:,}"
        for topic, messages in sorted(by_topic.items(), key=lambda item: (-item[1], item[0]))
    ]
    return told[:_TOPICS] + ([f"and {len(told) - _TOPICS} more topics"] if len(told) > _TOPICS else [])


def _group_line(group: GroupLag) -> str:
    shown = _group(group)
    parts = [
        f"{shown.group}{f' ({shown.cluster})' if shown.cluster else ''}: {shown.status}",
        f"{counted(shown.messages, 'message')} behind",
        f"the oldest {format_duration(shown.oldest_s * 1000)} old" if shown.oldest_s else "",
        "" if shown.members is None else counted(shown.members, "member"),
        f"{shown.lost:,} lost: retention deleted them unread" if shown.lost else "",
        f"by topic: {', '.join(shown.topics)}" if shown.messages else "",
        shown.problem or "",
    ]
    return ", ".join(part for part in parts if part)


def _group(group: GroupLag) -> GroupReply:
    return GroupReply(
        group=safe(group.group),
        cluster=safe(group.cluster, 14) if group.cluster else None,
        status=group.status or "unknown",
        messages=group.messages,
        oldest_s=_oldest(group.topics),
        members=group.members,
        lost=group.lost or None,
        topics=_topics(group),
        problem=harmless(group.problem, 50) if group.problem else None,
    )


def _figures(topic: WaitingTopic, *, ok: bool) -> str:
    waiting = topic.messages - topic.processed
    figures = [f"{waiting:,} waiting, {topic.known:,} of them known by a span"]
    if topic.processed:
        figures.append(f"{topic.processed:,} more processed but not committed")
    if topic.published_per_s is not None and topic.consumed_per_s is not None:
        figures.append(f"{topic.published_per_s:.3g}/s in, {topic.consumed_per_s:.3g}/s out")
    if topic.drain_s is not None:
        figures.append(f"empty in {format_duration(topic.drain_s * 1000)} at this rate")
    elif not ok:
        figures.append("does not drain at this rate, or the rate is unknown")
    return ", ".join(figures)


def _message_line(found: tuple[str, WaitingMessage]) -> str:
    shown = _message(found)
    return (
        f"{', '.join(shown.known_as) or 'no business key'}: waits {format_duration(shown.waiting_ms)} in "
        f"{shown.topic} {shown.partition}@{shown.offset}, published by {shown.by}"
    )


def _message(found: tuple[str, WaitingMessage]) -> WaitingReply:
    topic, message = found
    keys = sorted(message.keys, key=lambda one: one.key == CORRELATION_ID)  # it tells people the least
    known = [f"{safe(one.key, 14)}={safe(one.value, 24)}" for one in keys[:_KEYS]]
    if not known and message.message_key is not None:
        known = [f"message key {safe(message.message_key, 24)}"]
    values: dict[str, Any] = {"partition": message.partition, "offset": message.offset}
    return WaitingReply(
        topic=safe(topic),
        waiting_ms=message.waiting_ms,
        by=safe(message.service, 14),
        known_as=known,
        trace=message.trace_id,
        **values,
    )
