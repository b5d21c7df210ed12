import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from laban_collector.receive.mailbox import Mailbox


def test_what_is_put_in_together_is_made_in_its_order_with_one_waking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wakings: list[Callable[[], object]] = []

    async def deliver() -> list[int]:
        loop, made = asyncio.get_running_loop(), list[int]()
        monkeypatch.setattr(loop, "call_soon_threadsafe", wakings.append)
        mailbox = Mailbox(loop)
        for number in range(3):
            mailbox.put(partial(made.append, number))
        for wake in wakings:
            wake()
        return made

    assert asyncio.run(deliver()) == [0, 1, 2]
    assert len(wakings) == 1


def test_a_call_that_fails_does_not_keep_the_others_from_being_made() -> None:
    async def deliver() -> tuple[list[str], list[str]]:
        loop, made, failed = asyncio.get_running_loop(), list[str](), list[str]()
        loop.set_exception_handler(lambda _, context: failed.append(str(context["exception"])))
        mailbox = Mailbox(loop)
        mailbox.put(lambda: made.append("before"))
        mailbox.put(lambda: 1 // 0)
        mailbox.put(lambda: made.append("after"))
        for _ in range(3):
            await asyncio.sleep(0)
        return made, failed

    made, failed = asyncio.run(deliver())
    assert made == ["before", "after"]
    assert failed == ["integer division or modulo by zero"]


def test_what_comes_after_the_loop_is_for_nobody() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    Mailbox(loop).put(lambda: pytest.fail("made"))
