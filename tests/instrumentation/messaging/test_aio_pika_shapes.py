"""What stays of aio-pika's shapes that the story of one order does not show."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aio_pika import Exchange, Message, Queue, connect_robust
from aio_pika.queue import QueueIterator
from aio_pika.robust_queue import RobustQueueIterator
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from laban.kafka import spans
from laban.mend.aio_pika import LabanAioPikaInstrumentor

from ..recording import Recording


@pytest.fixture
def traced(recording: Recording) -> Generator[Recording]:
    instrumentor = LabanAioPikaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    instrumentor.uninstrument()
    assert spans.open_spans() == []


@asynccontextmanager
async def filled_queue(url: str, headers: Any = None) -> AsyncGenerator[Any]:
    """A queue with one message in it."""
    async with await connect_robust(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(f"queue-{uuid4().hex[:8]}", exclusive=True)
        await channel.default_exchange.publish(Message(b"1", headers=headers), queue.name)
        yield queue


def test_a_loop_that_is_left_leaves_nothing_current(rabbitmq_url: str, traced: Recording) -> None:
    async def main() -> None:
        async with filled_queue(rabbitmq_url) as queue:
            async for message in queue:
                await message.ack()
                break
            assert not trace.get_current_span().get_span_context().is_valid

    asyncio.run(main())
    assert [span.kind for span in traced.finished] == [SpanKind.PRODUCER, SpanKind.CONSUMER]


def test_what_leaves_a_loop_is_the_error_of_its_message(rabbitmq_url: str, traced: Recording) -> None:
    async def main() -> None:
        async with filled_queue(rabbitmq_url) as queue, queue.iterator() as messages:
            async for message in messages:
                async with message.process():
                    raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        asyncio.run(main())
    (failed,) = traced.of_kind(SpanKind.CONSUMER)
    assert (failed.status, failed.exceptions) == (StatusCode.ERROR, ["RuntimeError"])


def test_the_next_of_an_iterator_is_handled_by_who_asks(rabbitmq_url: str, traced: Recording) -> None:
    async def main() -> None:
        async with filled_queue(rabbitmq_url) as queue, queue.iterator(no_ack=True) as messages:
            await anext(messages)
            with traced.tracer.start_as_current_span("handle"):
                pass

    asyncio.run(main())
    (processed,) = traced.of_kind(SpanKind.CONSUMER)
    assert traced.one("handle").parent == processed.id


def test_what_an_earlier_hop_has_left_in_the_headers_does_not_go_on(
    rabbitmq_url: str, traced: Recording
) -> None:
    given = {"baggage": "order.id=1000", "kind": "created"}

    async def main() -> None:
        async with filled_queue(rabbitmq_url, given) as queue:
            received = await queue.get(no_ack=True)
            assert received.headers.keys() - {"tracestate"} == {"kind", "traceparent"}

    asyncio.run(main())
    assert given == {"baggage": "order.id=1000", "kind": "created"}


def test_uninstrument_restores_everything(recording: Recording) -> None:
    places: list[tuple[Any, str]] = [(Queue, "consume"), (Queue, "__aiter__"), (Exchange, "publish")]
    places += [(QueueIterator, name) for name in ("__aiter__", "__anext__", "__aexit__")]
    places += [(RobustQueueIterator, "__anext__")]
    before = [vars(owner)[name] for owner, name in places]
    instrumentor = LabanAioPikaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    instrumentor.uninstrument()
    assert [vars(owner)[name] for owner, name in places] == before
