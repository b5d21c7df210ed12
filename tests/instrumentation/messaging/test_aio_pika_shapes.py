"""aio-pika: the cases that the end-to-end test does not cover."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from aio_pika import Exchange, Message, Queue, connect, connect_robust
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.queue import QueueIterator
from aio_pika.robust_queue import RobustQueueIterator
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from laban import vocabulary
from laban.messaging import process_span
from laban.messaging.aio_pika import LabanAioPikaInstrumentor

from ..recording import Recording


@pytest.fixture
def traced(recording: Recording) -> Generator[Recording]:
    instrumentor = LabanAioPikaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    instrumentor.uninstrument()
    assert process_span.open_spans() == []


@asynccontextmanager
async def filled_queue(url: str, headers: Any = None) -> AsyncGenerator[Any]:
    """A queue with one message in it."""
    async with await connect_robust(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(f"queue-{uuid4().hex[:8]}", exclusive=True)
        await channel.default_exchange.publish(Message(b"1", headers=headers), queue.name)
        yield queue


def test_leaving_a_loop_restores_the_context(rabbitmq_url: str, traced: Recording) -> None:
    async def main() -> None:
        async with filled_queue(rabbitmq_url) as queue:
            async for message in queue:
                await message.ack()
                break
            assert not trace.get_current_span().get_span_context().is_valid

    asyncio.run(main())
    assert [span.kind for span in traced.finished] == [SpanKind.PRODUCER, SpanKind.CONSUMER]


def test_both_spans_say_what_the_message_is(rabbitmq_url: str, traced: Recording) -> None:
    async def main() -> None:
        async with filled_queue(rabbitmq_url, {"ce-type": "Paid"}) as queue:
            async with queue.iterator() as messages:
                async for message in messages:
                    await message.ack()
                    break
            called = asyncio.Event()

            async def handle(_: AbstractIncomingMessage) -> None:
                called.set()

            await queue.consume(handle, no_ack=True)
            sent = Message(b"1", type="Shipped", content_type="text/plain")
            await queue.channel.default_exchange.publish(sent, queue.name)
            await asyncio.wait_for(called.wait(), 10)

    asyncio.run(main())
    kinds = [vocabulary.CLOUDEVENTS_EVENT_TYPE, vocabulary.LABAN_MESSAGE_TYPE]
    said = [[span.attributes.get(key) for key in kinds] for span in traced.finished]
    assert sorted(said, key=str) == [["Paid", None]] * 2 + [[None, "Shipped"]] * 2


def test_the_process_span_of_a_dead_letter_has_its_origin(rabbitmq_url: str, traced: Recording) -> None:
    first = f"first-{uuid4().hex[:8]}"

    async def main() -> None:
        async with await connect_robust(rabbitmq_url) as connection:
            channel = await connection.channel()
            dead = await channel.declare_queue(exclusive=True)
            aside = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name}
            queue = await channel.declare_queue(first, exclusive=True, arguments=aside)

            async def reject_one() -> None:
                await channel.default_exchange.publish(Message(b"1"), first)
                message = await queue.get(timeout=5)
                assert message is not None
                await message.nack(requeue=False)

            await reject_one()
            async with dead.iterator() as messages:
                async for message in messages:
                    await message.ack()
                    break
            await reject_one()
            called: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            async def handle(message: Any) -> None:
                await message.ack()
                called.set_result(None)

            await dead.consume(callback=handle)
            await asyncio.wait_for(called, 5)

    asyncio.run(main())
    handled = [span for span in traced.finished if span.kind is SpanKind.CONSUMER]
    assert len(handled) == 2
    for span in handled:
        assert span.attributes[vocabulary.LABAN_DEAD_LETTER_TOPIC] == first
        assert span.attributes[vocabulary.LABAN_DEAD_LETTER_REASON] == "rejected"
        assert span.attributes[vocabulary.LABAN_DELIVERY_ATTEMPT] == 2


def test_an_exception_that_leaves_a_loop_is_on_the_span_of_its_message(
    rabbitmq_url: str, traced: Recording
) -> None:
    async def main() -> None:
        async with filled_queue(rabbitmq_url) as queue, queue.iterator() as messages:
            async for message in messages:
                async with message.process():
                    raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        asyncio.run(main())
    (failed,) = traced.of_kind(SpanKind.CONSUMER)
    assert (failed.status, failed.exceptions) == (StatusCode.ERROR, ["RuntimeError"])


def test_anext_runs_the_callers_code_in_the_span_of_the_message(rabbitmq_url: str, traced: Recording) -> None:
    async def main() -> None:
        async with filled_queue(rabbitmq_url) as queue, queue.iterator(no_ack=True) as messages:
            await anext(messages)
            with traced.tracer.start_as_current_span("handle"):
                pass

    asyncio.run(main())
    (processed,) = traced.of_kind(SpanKind.CONSUMER)
    assert traced.one("handle").parent == processed.id


def test_propagation_headers_of_an_earlier_service_are_replaced(rabbitmq_url: str, traced: Recording) -> None:
    given = {"baggage": "order.id=1000", "kind": "created"}

    async def main() -> None:
        async with filled_queue(rabbitmq_url, given) as queue:
            received = await queue.get(no_ack=True)
            assert received.headers.keys() - {"tracestate"} == {"kind", "traceparent"}

    asyncio.run(main())
    assert given == {"baggage": "order.id=1000", "kind": "created"}


@pytest.mark.parametrize("connecting", [connect, connect_robust])
def test_spans_name_the_broker_and_the_ids_of_the_message(
    rabbitmq_url: str, traced: Recording, connecting: Any
) -> None:
    async def main() -> None:
        async with await connecting(rabbitmq_url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(exclusive=True)
            message = Message(b"1", message_id="m-1", correlation_id="c-1")
            await channel.default_exchange.publish(message, queue.name)
            called: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            async def handle(message: Any) -> None:
                await message.ack()
                called.set_result(None)

            await queue.consume(handle)
            await asyncio.wait_for(called, 5)

    asyncio.run(main())
    broker = urlsplit(rabbitmq_url)
    for span in traced.finished:
        shown = span.attributes
        assert (shown["net.peer.name"], shown["net.peer.port"]) == (broker.hostname, broker.port)
        assert (shown["messaging.message.id"], shown["messaging.conversation_id"]) == ("m-1", "c-1")
    assert len(traced.finished) == 2


def test_an_unsampled_trace_is_propagated_in_messages(rabbitmq_url: str) -> None:
    instrumentor = LabanAioPikaInstrumentor()
    instrumentor.instrument(tracer_provider=TracerProvider(ALWAYS_OFF, shutdown_on_exit=False))

    async def main() -> None:
        async with filled_queue(rabbitmq_url) as queue:
            received = await queue.get(no_ack=True)
            flags = int(received.headers["traceparent"].rpartition("-")[2], 16)
            assert flags & trace.TraceFlags.SAMPLED == 0

    try:
        asyncio.run(main())
    finally:
        instrumentor.uninstrument()


def test_uninstrument_restores_everything(recording: Recording) -> None:
    places: list[tuple[Any, str]] = [(Queue, "consume"), (Queue, "__aiter__"), (Exchange, "publish")]
    places += [(QueueIterator, name) for name in ("__aiter__", "__anext__", "__aexit__")]
    places += [(RobustQueueIterator, "__anext__")]
    before = [vars(owner)[name] for owner, name in places]
    instrumentor = LabanAioPikaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    instrumentor.uninstrument()
    assert [vars(owner)[name] for owner, name in places] == before
