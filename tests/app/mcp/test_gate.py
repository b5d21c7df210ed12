"""Questions run in threads: few at once, for a limited time, and never on the event loop."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from laban_app.mcp.gate import Gate, TooBusy, TookTooLong


@pytest.fixture
def slow() -> Iterator[threading.Event]:
    """Set at the end, so that no thread waits for ever."""
    event = threading.Event()
    yield event
    event.set()


def test_a_question_does_not_block_the_event_loop(slow: threading.Event) -> None:
    async def ask() -> tuple[int, bool]:
        gate, begun = Gate(), threading.Event()

        def question() -> bool:
            begun.set()
            return slow.wait(30)

        asked = asyncio.create_task(gate.ask(question))
        turns = 0
        while not begun.is_set():
            await asyncio.sleep(0)
            turns += 1
        slow.set()
        return turns, await asked

    turns, answer = asyncio.run(ask())
    assert answer
    assert turns > 0


def test_a_question_that_takes_too_long_keeps_its_place(slow: threading.Event) -> None:
    async def ask() -> list[str]:
        gate = Gate(limit=0.05, at_once=1, most_open=2)
        ended = list[str]()
        with pytest.raises(TookTooLong):
            await gate.ask(lambda: slow.wait(30))
        with pytest.raises(TookTooLong):  # its place is taken, so this one never begins
            await gate.ask(lambda: ended.append("dropped"))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(gate.ask(lambda: ended.append("later")))
        await asyncio.sleep(0)
        with pytest.raises(TooBusy):
            await gate.ask(lambda: ended.append("refused"))
        slow.set()
        await waiting
        return ended

    assert asyncio.run(ask()) == ["later"]


def test_an_error_of_the_question_is_raised() -> None:
    async def ask() -> None:
        gate = Gate()
        for _ in range(40):  # more than may be open: each of them is closed
            with pytest.raises(ZeroDivisionError):
                await gate.ask(lambda: 1 // 0)

    asyncio.run(ask())
