"""aio-pika: one destination name for publisher and consumer, and process spans for queue iterators.

Upstream names the destination `EXCHANGE,ROUTING_KEY` on the publisher and `EXCHANGE` (or the queue, for the
default exchange) on the consumer. It ends the span of `async for message in queue` before the handler runs,
and writes the trace context into the headers of the caller's message object.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import wrapt
from aio_pika import Queue
from aio_pika.abc import AbstractMessage
from aio_pika.exchange import Exchange
from aio_pika.queue import QueueIterator
from aio_pika.robust_queue import RobustQueueIterator
from opentelemetry import trace
from opentelemetry.instrumentation.aio_pika import AioPikaInstrumentor
from opentelemetry.instrumentation.aio_pika.publish_decorator import PublishDecorator
from opentelemetry.instrumentation.aio_pika.span_builder import SpanBuilder
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, unwrap
from opentelemetry.trace import Span, SpanKind, Tracer

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging import message_delivery, rabbitmq_dead_letters
from laban.messaging.loops import AsyncLoop
from laban.messaging.message_delivery import (
    MessageDelivery,
    ReceivedMessage,
    amqp_contract,
    receive_next,
    text_headers,
    without_propagation,
)

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_ITERATORS = [kind for kind in (QueueIterator, RobustQueueIterator) if "__anext__" in vars(kind)]
"""In old releases, both share one `__anext__`."""


class LabanAioPikaInstrumentor(AioPikaInstrumentor):
    """Upstream's instrumentor, patched."""

    _instance = None

    @staticmethod
    def _instrument_queue(tracer: Tracer) -> None:
        AioPikaInstrumentor._instrument_queue(tracer)  # noqa: SLF001 - as in upstream
        wrapt.wrap_function_wrapper(Queue, "consume", _consume)
        iterator_tracing = _IteratorTracing(tracer)
        for kind in _ITERATORS:
            wrapt.wrap_function_wrapper(kind, "__anext__", iterator_tracing.receive)
        wrapt.wrap_function_wrapper(QueueIterator, "__aiter__", iterator_tracing.iterate)
        wrapt.wrap_function_wrapper(Queue, "__aiter__", iterator_tracing.iterate)
        wrapt.wrap_function_wrapper(QueueIterator, "__aexit__", iterator_tracing.leave)
        message_delivery.install()

    @staticmethod
    def _instrument_exchange(tracer: Tracer) -> None:
        async def publish(wrapped: Wrapped, exchange: Exchange, args: Args, kwargs: Kwargs) -> Any:
            if not is_instrumentation_enabled():
                return await wrapped(*args, **kwargs)
            with fail_open("cannot copy headers of aio-pika messages"):
                message: Any = kwargs.get("message", args[0] if args else None)
                message.headers = without_propagation(message.headers)
            return await _PublishDecorator(tracer, exchange).decorate(wrapped)(*args, **kwargs)

        wrapt.wrap_function_wrapper(Exchange, "publish", publish)

    @staticmethod
    def _uninstrument_queue() -> None:
        AioPikaInstrumentor._uninstrument_queue()  # type: ignore[no-untyped-call]  # noqa: SLF001 - upstream has no types
        unwrap(Queue, "consume")
        for kind in _ITERATORS:
            unwrap(kind, "__anext__")
        unwrap(QueueIterator, "__aiter__")
        unwrap(Queue, "__aiter__")
        unwrap(QueueIterator, "__aexit__")
        message_delivery.uninstall()


class _PublishDecorator(PublishDecorator):
    def _get_publish_span(self, message: AbstractMessage, routing_key: str) -> Span | None:
        builder = SpanBuilder(self._tracer)
        builder.set_as_producer()  # type: ignore[no-untyped-call]  # upstream has no types
        builder.set_destination(self._exchange.name or routing_key)
        builder.set_channel(self._exchange.channel)
        builder.set_message(message)
        span = builder.build()
        if span is not None:
            span.set_attributes(amqp_contract(message, message.body))
        return span


def _consume(wrapped: Any, _queue: Queue, args: Args, kwargs: Kwargs) -> Any:
    """`queue.consume(callback)`: upstream's wrapper, except for an iterator, which handles messages later."""
    callback = kwargs.get("callback", args[0] if args else None)
    if isinstance(getattr(callback, "__self__", None), QueueIterator):
        return wrapped.__wrapped__(*args, **kwargs)
    if callable(callback):
        traced = partial(_call_with_origin, callback)
        args, kwargs = ((traced, *args[1:]), kwargs) if args else (args, {**kwargs, "callback": traced})
    return wrapped(*args, **kwargs)


def _call_with_origin(callback: Callable[[Any], Any], message: Any) -> Any:
    """Set on the span what the message is and where it comes from, then call the user's callback."""
    span = trace.get_current_span()
    if getattr(span, "kind", None) is SpanKind.CONSUMER:  # there is none while instrumentation is suppressed
        rabbitmq_dead_letters.set_origin(span, message.headers)
        span.set_attributes(amqp_contract(message, message.body))
    return callback(message)


class _IteratorTracing:
    """Wrappers for the methods of queue iterators."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._deliveries: WeakKeyDictionary[object, MessageDelivery] = WeakKeyDictionary()

    def iterate(self, wrapped: Wrapped, _instance: object, args: Args, kwargs: Kwargs) -> AsyncIterator[Any]:
        """`async for message in queue`, or over `queue.iterator()`."""
        iterator: AsyncIterator[Any] = wrapped(*args, **kwargs)
        delivery = self._delivery(iterator)
        return iterator if delivery is None else AsyncLoop(iterator, delivery)

    def receive(self, wrapped: Wrapped, iterator: object, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """`anext(iterator)`, which a loop calls too."""
        return receive_next(wrapped, self._delivery(iterator), args, kwargs)

    def leave(self, wrapped: Wrapped, iterator: object, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """The end of `async with queue.iterator()`."""
        delivery = self._delivery(iterator)
        if delivery is not None:
            delivery.end_all(args[1] if len(args) > 1 else None)
        coroutine: Awaitable[Any] = wrapped(*args, **kwargs)
        return coroutine

    def _delivery(self, iterator: object) -> MessageDelivery | None:
        if not is_instrumentation_enabled():
            return None
        with fail_open("cannot trace an aio-pika iterator"):
            delivery = self._deliveries.get(iterator)
            if delivery is None:
                delivery = MessageDelivery(self._tracer, _read, owner=asyncio.current_task)
                self._deliveries[iterator] = delivery
            return delivery
        return None


def _read(message: Any) -> ReceivedMessage:
    attributes: dict[str, Any] = {
        vocabulary.MESSAGING_SYSTEM: vocabulary.RABBITMQ,
        vocabulary.MESSAGING_RABBITMQ_ROUTING_KEY: message.routing_key,
        vocabulary.MESSAGING_MESSAGE_BODY_SIZE: len(message.body),
    }
    if message.message_id:
        attributes[vocabulary.MESSAGING_MESSAGE_ID] = message.message_id
    attributes |= rabbitmq_dead_letters.origin_attributes(message.headers)
    attributes |= amqp_contract(message, message.body)
    destination = message.exchange or message.routing_key or ""
    return ReceivedMessage(destination, text_headers(message.headers), attributes)
