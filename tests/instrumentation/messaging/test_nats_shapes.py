"""NATS: the cases that the end-to-end test does not cover."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any
from uuid import uuid4

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from laban import vocabulary
from laban.messaging import process_span
from laban.messaging.nats import LabanNatsInstrumentor

from ..recording import Recording


@pytest.fixture
def traced(recording: Recording) -> Generator[Recording]:
    instrumentor = LabanNatsInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    instrumentor.uninstrument()
    assert process_span.open_spans() == []


@pytest.fixture
def subject() -> str:
    return f"orders.{uuid4().hex[:8]}"


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def test_an_exception_of_a_callback_is_on_the_span_of_its_message(
    nats_url: str, subject: str, traced: Recording
) -> None:
    async def main() -> None:
        seen: asyncio.Queue[Exception] = asyncio.Queue()
        client = await nats.connect(nats_url, error_cb=seen.put)

        async def fail(_message: Msg) -> None:
            raise RuntimeError("no")

        await client.subscribe(subject, cb=fail)
        await client.publish(subject, b"1")
        assert str(await asyncio.wait_for(seen.get(), 10)) == "no"
        await client.close()

    run(main())
    failed = traced.one(f"process {subject}")
    assert (failed.status, failed.exceptions) == (StatusCode.ERROR, ["RuntimeError"])
    assert failed.parent == traced.one(f"send {subject}").id


def test_both_spans_say_what_the_message_is(nats_url: str, subject: str, traced: Recording) -> None:
    async def main() -> None:
        client = await nats.connect(nats_url)
        subscription = await client.subscribe(subject)
        await client.publish(subject, b"1", headers={"ce-type": "Paid"})
        await client.publish(subject, b'{"specversion": "1.0", "type": "Paid"}')
        received = 0
        async for _ in subscription.messages:
            received += 1
            if received == 2:
                break
        await client.close()

    run(main())
    said = [span.attributes.get(vocabulary.CLOUDEVENTS_EVENT_TYPE) for span in traced.finished]
    assert said == ["Paid"] * 4


def test_leaving_a_loop_restores_the_context(nats_url: str, subject: str, traced: Recording) -> None:
    async def main() -> None:
        client = await nats.connect(nats_url)
        subscription = await client.subscribe(subject)
        await client.publish(subject, b"1")
        async for message in subscription.messages:
            assert message.data == b"1"
            break
        assert not trace.get_current_span().get_span_context().is_valid
        await client.close()

    run(main())
    assert [span.kind for span in traced.finished] == [SpanKind.PRODUCER, SpanKind.CONSUMER]


def test_the_span_of_a_message_taken_by_index_lasts_until_the_next_fetch(
    nats_url: str, traced: Recording
) -> None:
    name = f"stream-{uuid4().hex[:8]}"

    async def main() -> None:
        client = await nats.connect(nats_url)
        stream = client.jetstream()
        await stream.add_stream(name=name, subjects=[name])
        await stream.publish(name, b"1")
        parcels = await stream.pull_subscribe(name, durable="packing")
        message = (await parcels.fetch(1))[0]
        with traced.tracer.start_as_current_span("handle"):
            await message.ack()
        with pytest.raises(TimeoutError):
            await parcels.fetch(1, timeout=0.01)
        await client.close()

    run(main())
    assert traced.one("handle").parent == traced.one(f"process {name}").id
    assert traced.one(f"process {name}").attributes["messaging.consumer.group.name"] == "packing"


def test_an_invalid_callback_is_rejected_as_without_laban(
    nats_url: str, subject: str, traced: Recording
) -> None:
    async def main() -> None:
        client = await nats.connect(nats_url)
        wrong: Any = print
        with pytest.raises(Error, match="must use coroutine"):
            await client.subscribe(subject, cb=wrong)
        await client.close()

    run(main())


def test_uninstrument_restores_everything(recording: Recording) -> None:
    before = [vars(Client)[name] for name in ("publish", "subscribe")]
    instrumentor = LabanNatsInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    instrumentor.uninstrument()
    assert [vars(Client)[name] for name in ("publish", "subscribe")] == before
