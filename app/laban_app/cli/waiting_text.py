"""The waiting messages of each consumer group, for the terminal."""

from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from laban_app.cli import terminal
from laban_app.cli.lag_text import LAG_STYLES, polled
from laban_mapper.lag import problem_place
from laban_mapper.model import GroupLag, LagReport, WaitingMessage, WaitingTopic
from laban_mapper.times import format_duration

_SHOWN: Final = 20
"""Messages of each topic; the JSON has more."""
_LISTED: Final = 20
"""Groups and topics in a list."""


def show_waiting(report: LagReport, console: Console) -> None:
    """Print the messages that wait for each group, oldest first, and what made the queue."""
    clusters = len({group.cluster for group in report.groups}) > 1
    idle: list[str] = []
    for group in report.groups:
        topics = [topic for topic in group.waiting or [] if topic.messages]
        if not topics and group.problem is None:
            idle.append(_name(group, clusters=clusters))
            continue
        _heading(group, console, clusters=clusters)
        for topic in topics:
            _topic(topic, console, ok=group.status == "OK")
    _list(console, "Nothing waits for", idle)
    silent = [_name(group, clusters=clusters) for group in report.groups if group.members == 0]
    _list(console, "Groups without members:", silent)
    _list(console, "Topics without groups:", report.topics_without_groups or [])
    if any(group.topics for group in report.groups):
        console.print(Text(polled(report), style="dim"))
    for problem in report.problems:
        place = problem_place(problem)
        console.print(Text(f"Not read: {place}: {problem.reason}", style="yellow"))


def _name(group: GroupLag, *, clusters: bool) -> str:
    return f"{group.group} ({group.cluster})" if clusters else group.group


def _heading(group: GroupLag, console: Console, *, clusters: bool) -> None:
    text = Text(_name(group, clusters=clusters), style="bold")
    if group.status is None:
        text.append(f"  {group.problem or 'unknown'}", style="yellow")
    else:
        text.append(f"  {group.status}", style=LAG_STYLES[group.status])
    if group.members is not None:
        text.append(f"  {terminal.count(group.members, 'member')}", style="dim")
    console.print(text)


def _topic(topic: WaitingTopic, console: Console, *, ok: bool) -> None:
    figures = _figures(topic, without_drain="keeps up" if ok and not topic.grows else "does not drain")
    lines = [Text(f"{topic.topic}: {', '.join(figures)}")]
    lines += [
        Text(cause.sentence, style="red" if cause.kind == "failing" else "yellow") for cause in topic.causes
    ]
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 2), expand=False))
    if topic.oldest:
        messages = _messages(topic.oldest[:_SHOWN], console.width - 4)
        console.print(Padding(messages, (0, 0, 0, 4), expand=False))
    rest = topic.left_out + max(len(topic.oldest) - _SHOWN, 0)
    if rest:
        console.print(
            Padding(Text(f"and {rest:,} more that are known", style="dim"), (0, 0, 0, 4), expand=False)
        )
    console.print()


def _figures(topic: WaitingTopic, *, without_drain: str) -> list[str]:
    waiting = topic.messages - topic.processed
    figures = [f"{terminal.count(waiting, 'message')} waiting"]
    by, known = ("a span", topic.known) if topic.left_out else ("name", topic.named)
    figures.append(f"{known:,} of {waiting:,} known by {by}")
    if topic.processed:
        figures.append(f"{topic.processed:,} more processed but not committed")
    if topic.unexamined_partitions:
        figures.append(f"{terminal.count(topic.unexamined_partitions, 'partition')} not looked up")
    if topic.published_per_s is not None and topic.consumed_per_s is not None:
        figures.append(f"{_rate(topic.published_per_s)} in, {_rate(topic.consumed_per_s)} out")
        drains = None if topic.drain_s is None else format_duration(topic.drain_s * 1000)
        figures.append(f"drains in {drains}" if drains else without_drain)
    return figures


def _rate(per_second: float) -> str:
    return f"{per_second:,.0f}/s" if per_second >= 9.95 else f"{per_second:.2g}/s"


def _messages(messages: list[WaitingMessage], width: int) -> Table:
    waits = [format_duration(message.waiting_ms) for message in messages]
    publishers = max(len("published by"), *(len(message.service) for message in messages))
    room = width - max(map(len, waits)) - publishers - len("partitionoffset") - 4 * 2
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("waits", justify="right", no_wrap=True)
    table.add_column("known as", overflow="fold")
    table.add_column("published by", overflow="fold")
    table.add_column("partition", justify="right", no_wrap=True)
    table.add_column("offset", justify="right", no_wrap=True)
    for message, waited in zip(messages, waits, strict=True):
        table.add_row(
            waited,
            _known_as(message, room),
            message.service,
            str(message.partition),
            str(message.offset),
        )
    return table


def _known_as(message: WaitingMessage, room: int) -> str:
    """The first business key, and the others that have room in the same line; the JSON has all."""
    if not message.keys:
        return "–" if message.message_key is None else f"key {message.message_key}"
    shown, *others = (f"{name.key}={name.value}" for name in message.keys)
    for other in others:
        if len(shown) + len(other) + 2 <= room:
            shown += f", {other}"
    return shown


def _list(console: Console, title: str, names: list[str]) -> None:
    if not names:
        return
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    listed = ", ".join(name for name in names[:_LISTED])
    console.print(Text(f"{title} {listed}{more}", style="dim"))
