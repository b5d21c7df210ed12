"""The recorded shop with names that strangers may choose: links, markup, reordered and invisible text."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from laban.vocabulary import ORDER_ID
from laban_collector.store.rows import Lag, Span
from tests.browser.recorded_shop import TIMED_OUT, WAITING, lag_polls, spans_of
from tests.mapper.shop_spans import raised

HOST: Final = "stranger.example"
NAMES: Final = (
    f"https://{HOST}/login",
    f"[click](http://{HOST}) **b** ![x](http://{HOST}/x.png)",
    f'<img src="http://{HOST}/x.png" onerror="alert(1)"><a href="//{HOST}">a</a>',
    "\u202egnp.exe\u2066x\u2069\u200b",
    "\x1b[2J\x07bell\x9b31m",
    f"www.{HOST} mail@{HOST} :red[x] :material/home: $x$ `c` ~~s~~ =1+1",
    "x" * 5_000,
    "| a | b |\n# c\n- d",
)
"""What the parts of the shop are called; each name is the beginning of several."""
ORDER: Final = f"<b>1</b>[x](http://{HOST})"
"""The ID of the order that failed."""


def hostile_orders() -> list[Span]:
    """The spans of some orders; the order TIMED_OUT is called ORDER."""
    return [
        _renamed(span)
        for at, order in enumerate(("1001", TIMED_OUT, WAITING))
        for span in spans_of(order, at)
    ]


def hostile_polls() -> list[Lag]:
    """Readings of the lag poller: the group that is called like a reordered text stops."""
    return [
        replace(poll, group=_name(poll.group), topic=_name(poll.topic), cluster=NAMES[0])
        for poll in lag_polls()
    ]


def _renamed(span: Span) -> Span:
    attributes = dict(span.attributes)
    if attributes.get(ORDER_ID) == TIMED_OUT:
        attributes[ORDER_ID] = ORDER
    return replace(
        span,
        service=_name(span.service),
        name=_name(span.name),
        topic=None if span.topic is None else _name(span.topic),
        group=None if span.group is None else _name(span.group),
        http_route=None if span.http_route is None else _name(span.http_route),
        attributes=attributes,
        events=raised(NAMES[1], " ".join(NAMES)) if span.events else span.events,
        status_message=" ".join(NAMES) if span.status == 2 else span.status_message,
    )


_KNOWN: Final[dict[str, str]] = {}


def _name(text: str) -> str:
    """The same hostile name for the same text, and another for another."""
    if text not in _KNOWN:
        number = len(_KNOWN)
        _KNOWN[text] = f"{NAMES[number % len(NAMES)]}{number}"
    return _KNOWN[text]


def names_of(spans: Sequence[Span]) -> set[str]:
    """The names of services, topics and groups."""
    found = {name for span in spans for name in (span.service, span.topic, span.group)}
    return {name for name in found if name is not None}
