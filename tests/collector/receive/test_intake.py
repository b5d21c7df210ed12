import asyncio

import pytest

from laban_collector.decode.results import Accepted, JsonBody
from laban_collector.errors import Overloaded, RequestTooLarge, UploadTooSlow
from laban_collector.receive.intake import Intake

from ..receivers import Inbox
from .test_element_limit import BOMBS, MANY


def test_bodies_being_uploaded_count_until_they_are_there() -> None:
    async def upload() -> None:
        intake = Inbox().intake(uploading_bytes=100)
        async with intake.uploading() as first:
            first(60)
            async with intake.uploading() as second:
                second(40)
                with pytest.raises(Overloaded, match="100 bytes are being uploaded, and at most 100 may"):
                    second(1)
            async with intake.uploading() as third:
                third(40)
        async with intake.uploading() as fourth:
            fourth(100)

    asyncio.run(upload())


def test_a_body_that_does_not_come_is_given_up() -> None:
    async def upload() -> None:
        intake = Inbox().intake(upload_timeout=0.01, uploading_bytes=100)
        with pytest.raises(UploadTooSlow, match=r"longer than 0\.01 s"):
            await begin(intake)
        async with intake.uploading() as reserve:
            reserve(100)

    async def begin(intake: Intake) -> None:
        async with intake.uploading() as reserve:
            reserve(100)
            await asyncio.Event().wait()

    asyncio.run(upload())


def test_too_many_elements_are_refused_before_they_are_handed_on() -> None:
    inbox = Inbox()
    body = BOMBS["attributes"].SerializeToString()
    with pytest.raises(RequestTooLarge, match=f"may have {MANY} elements"):
        asyncio.run(inbox.intake(elements=MANY).take(body))
    assert not inbox.bodies
    assert asyncio.run(inbox.intake(elements=2 * MANY).take(body)) == Accepted(1)


def test_too_many_elements_of_json_are_refused_too() -> None:
    inbox = Inbox()
    body = JsonBody(b'{"resourceSpans":[' + b"{}," * 20 + b"{}]}")
    with pytest.raises(RequestTooLarge, match="may have 22 elements"):
        asyncio.run(inbox.intake(elements=22).take(body))
    assert asyncio.run(inbox.intake(elements=23).take(body)) == Accepted(1)


def test_json_is_handed_on_as_it_is() -> None:
    inbox = Inbox()
    asyncio.run(inbox.intake(elements=2).take(JsonBody(b'{"resourceSpans":[]}')))
    assert inbox.bodies == [b'{"resourceSpans":[]}']
    assert isinstance(inbox.bodies[0], JsonBody)
