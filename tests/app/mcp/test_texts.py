"""Texts for an assistant: harmless, and within a number of tokens."""

import json
import math
from datetime import UTC, datetime

import pytest

from laban_app.answers.trace_links import TraceLink
from laban_app.mcp.data_text import harmless
from laban_app.mcp.reply import FIRST, PAGE, PAGE_JSON, PageReply, Told, told_page
from laban_app.mcp.tokens import fitted, tokens
from laban_app.mcp.tools.explain_order import CauseReply, told_order
from laban_mapper.model import Cause, GroupState, Message, OrderScope, Step, Story

from .injections import TEXTS, assert_harmless, text_of

NOW = datetime(2026, 9, 21, 14, tzinfo=UTC)
LONG = (
    "x" * 1_000_000,
    "漢" * 5_000,
    "7f" * 5_000,
    "a b " * 5_000,
    "😀" * 5_000,
    "\u202e" * 5_000,
    "⟧`<b>" * 900,
)


def rough(text: str) -> int:
    """The usual rules of thumb: four characters, or three quarters of a word, are a token."""
    return max(math.ceil(len(text) / 4), math.ceil(len(text.split()) * 4 / 3))


@pytest.mark.parametrize("text", [*TEXTS, *LONG])
def test_a_text_is_one_harmless_line_of_its_size(text: str) -> None:
    shown = harmless(text, 40)
    assert "\n" not in shown
    assert tokens(shown) <= 40
    assert harmless(shown, 40) == shown  # nothing is left to replace
    page = told_page([text], 0, harmless, lambda one: CauseReply(kind="", service="", sentence=one), _Page)
    assert_harmless(page.result())


def test_what_is_harmless_stays_as_it_is() -> None:
    for text in (
        "GET /orders/{id} → 503",
        "a < b",
        "items[0] = 'x'",
        "List of 3 > 2",
        "http://pricing:8080/q?a=1",
    ):
        assert harmless(text) == text


def test_the_estimate_is_never_below_the_usual_rules() -> None:
    english = "The reply takes as long as all calls together, and fails when one service of the chain fails."
    assert tokens(english) >= rough(english)
    assert tokens("4bf92f3577b34da6a3ce929d0e0e4736") >= 16
    assert tokens("漢字") == 6
    assert fitted("x" * 100, 5).startswith("x")


@pytest.mark.parametrize("text", LONG)
def test_the_first_answer_fits_whatever_the_spans_say(text: str) -> None:
    told = told_order(story_of_texts(text))
    result = told.result()
    assert_harmless(result)
    for shown in (text_of(result), json.dumps(result.structured_content, ensure_ascii=False)):
        assert tokens(shown) <= FIRST * 1.02  # the client's JSON has spaces
        assert rough(shown) <= FIRST
    assert "verdict: " in told.text
    assert "cause: " in told.text
    assert "scope: at the same place, 7 of 9 since 2026-09-21 14:00 UTC" in told.text
    assert "Left out: no room for" in told.text


def test_the_first_answer_links_to_the_trace_in_other_tools() -> None:
    jaeger = TraceLink("jaeger", "http://jaeger:16686/trace/{trace_id}")
    told = told_order(story_of_texts("order"), [jaeger])
    address = "http://jaeger:16686/trace/4bf92f3577b34da6a3ce929d0e0e4736"
    assert f"open the trace in: jaeger {address}" in told.text.split("\n")
    content = told.result().structured_content or {}
    assert content["elsewhere"] == {"jaeger": address}


def test_pages_have_every_item_once_and_in_order() -> None:
    items = [f"{number} {'long text ' * 20}" for number in range(100)]
    seen: list[str] = []
    start, pages = 0, 0
    while True:
        told = page_of(items, start)
        reply = told.reply
        assert isinstance(reply, _Page)
        assert tokens(told.text) <= PAGE
        assert tokens(json.dumps(told.result().structured_content)) <= PAGE_JSON * 1.05
        seen += [item.sentence for item in reply.items]
        pages += 1
        if reply.next_cursor is None:
            break
        assert f"{100 - len(seen):,} more: ask again with cursor={reply.next_cursor}" in told.text
        start = int(reply.next_cursor)
    assert seen == items
    assert 1 < pages < 20


def test_a_page_has_one_item_however_large_it_is() -> None:
    reply = page_of(["x " * 60_000, "y"], 0).reply
    assert isinstance(reply, _Page)
    assert len(reply.items) == 1
    assert reply.next_cursor == "1"


class _Page(PageReply):
    items: list[CauseReply]


def page_of(items: list[str], start: int) -> Told:
    return told_page(items, start, str, lambda one: CauseReply(kind="", service="", sentence=one), _Page)


def story_of_texts(text: str) -> Story:
    """A story with everything that a story may have, of which each text is this one."""
    step = Step(
        time=NOW, service=text, operation=text, kind="server", duration_ms=1, status="error", error=text,
        trace_id="0" * 31 + "1", span_id="0" * 15 + "1",
    )  # fmt: skip
    cause = Cause(
        kind="published_twice", service=text, operation=text, sentence=text, usual=12.5, examples=3000,
        spans=["4bf92f3577b34da6"], rank=1,
    )  # fmt: skip
    message = Message(
        topic=text, partition=1, offset=7, published=NOW, service=text,
        groups=[GroupState(group=text, state="dead-lettered", error=text) for _ in range(30)],
    )  # fmt: skip
    return Story(
        key=text,
        value=text,
        verdict=text,
        outcome="failed",
        root_cause=None,
        traces=["4bf92f3577b34da6a3ce929d0e0e4736"] * 30,
        spans=1_000,
        started=NOW,
        duration_ms=1234.5,
        steps=[step.model_copy(update={"service": f"{number}{text}"}) for number in range(30)],
        messages=[message] * 30,
        notes=[text] * 5,
        causes=[cause.model_copy(update={"rank": rank}) for rank in range(1, 9)],
        scope=OrderScope(affected=7, of=9, since=NOW, before_affected=1, before_of=4_000),
    )
