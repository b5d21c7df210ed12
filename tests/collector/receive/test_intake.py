import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from laban_collector.decode.results import AcceptedRequest, JsonBody
from laban_collector.errors import Overloaded, RequestTooLarge, UploadTooSlow
from laban_collector.receive.intake import Intake, Mailbox

from ..receivers import Inbox
from .test_element_limit import BOMBS, MANY


def test_uploads_count_against_the_limit_until_they_end() -> None:
    async def upload() -> None:
        intake = Inbox().intake(uploading_bytes=100)
        async with intake.upload() as first:
            first(60)
            async with intake.upload() as second:
                second(40)
                with pytest.raises(Overloaded, match="100 bytes are being uploaded; the limit is 100"):
                    second(1)
            async with intake.upload() as third:
                third(40)
        async with intake.upload() as fourth:
            fourth(100)

    asyncio.run(upload())


def test_an_upload_is_abandoned_after_the_timeout() -> None:
    async def upload() -> None:
        intake = Inbox().intake(upload_timeout=0.01, uploading_bytes=100)
        with pytest.raises(UploadTooSlow, match=r"longer than 0\.01 s"):
            await begin(intake)
        async with intake.upload() as reserve:
            reserve(100)

    async def begin(intake: Intake) -> None:
        async with intake.upload() as reserve:
            reserve(100)
            await asyncio.Event().wait()

    asyncio.run(upload())


def test_too_many_elements_are_refused_before_the_pipeline() -> None:
    inbox = Inbox()
    body = BOMBS["attributes"].SerializeToString()
    with pytest.raises(RequestTooLarge, match=f"more than {MANY} elements"):
        asyncio.run(inbox.intake(elements=MANY).store(body))
    assert not inbox.bodies
    assert asyncio.run(inbox.intake(elements=2 * MANY).store(body)) == AcceptedRequest(1)


def test_too_many_json_elements_are_refused() -> None:
    inbox = Inbox()
    body = JsonBody(b'{"resourceSpans":[' + b"{}," * 20 + b"{}]}")
    with pytest.raises(RequestTooLarge, match="more than 22 elements"):
        asyncio.run(inbox.intake(elements=22).store(body))
    assert asyncio.run(inbox.intake(elements=23).store(body)) == AcceptedRequest(1)


def test_a_json_body_reaches_the_pipeline_unchanged() -> None:
    inbox = Inbox()
    asyncio.run(inbox.intake(elements=2).store(JsonBody(b'{"resourceSpans":[]}')))
    assert inbox.bodies == [b'{"resourceSpans":[]}']
    assert isinstance(inbox.bodies[0], JsonBody)


def test_requests_and_bytes_in_flight_are_counted() -> None:
    inbox = Inbox()
    intake = inbox.intake(uploading_bytes=1)

    async def run() -> None:
        inbox.answer = AcceptedRequest(2, 1, "one rejected")
        await intake.store(b"ab")
        inbox.refusal = Overloaded("full", 1.0)
        with pytest.raises(Overloaded):
            await intake.store(b"ab")
        async with intake.upload() as reserve:
            with pytest.raises(Overloaded):
                reserve(2)
        with pytest.raises(Overloaded):
            async with intake.upload() as reserve:
                reserve(2)

    asyncio.run(run())
    metrics = inbox.metrics
    assert metrics.value("laban_spans_received_total") == 3
    assert metrics.value("laban_spans_rejected_total") == 1
    assert metrics.value("laban_requests_accepted_total") == 1
    assert metrics.refused_by_reason() == {"overloaded": 2}
    assert metrics.value("laban_bytes_in_flight") == 0


def test_calls_put_together_run_in_their_order_and_wake_the_loop_once(
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


def test_calls_after_a_failed_call_still_run() -> None:
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


def test_calls_for_a_closed_loop_are_dropped() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    Mailbox(loop).put(lambda: pytest.fail("made"))
