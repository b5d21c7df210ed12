"""aio-pika: publisher and consumer name one destination, and iterators are traced.

Stock calls the destination `EXCHANGE,ROUTING_KEY` where it is published, `EXCHANGE` (or the queue, for the
default exchange) where it is consumed; ends the span of `async for message in queue` before the handler runs;
and writes the trace into the headers of the caller's own message.
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
from laban.messaging.iteration import AsyncLoop
from laban.messaging.message_delivery import Arrived, MessageHanding, text_headers, without_propagation
from laban.messaging.receiving import taken

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_ITERATORS = [kind for kind in (QueueIterator, RobustQueueIterator) if "__anext__" in vars(kind)]
"""Old releases have one `__anext__` for both."""


class LabanAioPikaInstrumentor(AioPikaInstrumentor):
    """Stock's instrumentor, mended."""

    _instance = None

    @staticmethod
    def _instrument_queue(tracer: Tracer) -> None:
        AioPikaInstrumentor._instrument_queue(tracer)  # noqa: SLF001 - as stock does
        wrapt.wrap_function_wrapper(Queue, "consume", _consume)
        iterating = _Iterating(tracer)
        for kind in _ITERATORS:
            wrapt.wrap_function_wrapper(kind, "__anext__", iterating.take)
        wrapt.wrap_function_wrapper(QueueIterator, "__aiter__", iterating.iterate)
        wrapt.wrap_function_wrapper(Queue, "__aiter__", iterating.iterate)
        wrapt.wrap_function_wrapper(QueueIterator, "__aexit__", iterating.leave)
        message_delivery.install()

    @staticmethod
    def _instrument_exchange(tracer: Tracer) -> None:
        async def publish(wrapped: Wrapped, exchange: Exchange, args: Args, kwargs: Kwargs) -> Any:
            if not is_instrumentation_enabled():
                return await wrapped(*args, **kwargs)
            with fail_open("cannot copy headers of aio-pika messages"):
                message: Any = kwargs.get("message", args[0] if args else None)
                message.headers = without_propagation(message.headers)
            return await _Publishing(tracer, exchange).decorate(wrapped)(*args, **kwargs)

        wrapt.wrap_function_wrapper(Exchange, "publish", publish)

    @staticmethod
    def _uninstrument_queue() -> None:
        AioPikaInstrumentor._uninstrument_queue()  # type: ignore[no-untyped-call]  # noqa: SLF001 - stock has no types
        unwrap(Queue, "consume")
        for kind in _ITERATORS:
            unwrap(kind, "__anext__")
        unwrap(QueueIterator, "__aiter__")
        unwrap(Queue, "__aiter__")
        unwrap(QueueIterator, "__aexit__")
        message_delivery.uninstall()


class _Publishing(PublishDecorator):
    def _get_publish_span(self, message: AbstractMessage, routing_key: str) -> Span | None:
        builder = SpanBuilder(self._tracer)
        builder.set_as_producer()  # type: ignore[no-untyped-call]  # stock has no types
        builder.set_destination(self._exchange.name or routing_key)
        builder.set_channel(self._exchange.channel)
        builder.set_message(message)
        return builder.build()


def _consume(wrapped: Any, _queue: Queue, args: Args, kwargs: Kwargs) -> Any:
    """`queue.consume(callback)`: stock's, unless an iterator calls it, whose messages are handled later."""
    callback = kwargs.get("callback", args[0] if args else None)
    if isinstance(getattr(callback, "__self__", None), QueueIterator):
        return wrapped.__wrapped__(*args, **kwargs)
    if callable(callback):
        marking = partial(_mark, callback)
        args, kwargs = ((marking, *args[1:]), kwargs) if args else (args, {**kwargs, "callback": marking})
    return wrapped(*args, **kwargs)


def _mark(callback: Callable[[Any], Any], message: Any) -> Any:
    """The user's callback, once it is said on its span where the message comes from."""
    span = trace.get_current_span()
    if getattr(span, "kind", None) is SpanKind.CONSUMER:  # none where spans are suppressed
        rabbitmq_dead_letters.mark(span, message.headers)
    return callback(message)


class _Iterating:
    """What stands around the methods of queue iterators."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._handings: WeakKeyDictionary[object, MessageHanding] = WeakKeyDictionary()

    def iterate(self, wrapped: Wrapped, _instance: object, args: Args, kwargs: Kwargs) -> AsyncIterator[Any]:
        """`async for message in queue`, or in an iterator of it."""
        iterator: AsyncIterator[Any] = wrapped(*args, **kwargs)
        handing = self._handing(iterator)
        return iterator if handing is None else AsyncLoop(iterator, handing)

    def take(self, wrapped: Wrapped, iterator: object, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """`anext(iterator)`, which the loop calls, too."""
        return taken(wrapped, self._handing(iterator), args, kwargs)

    def leave(self, wrapped: Wrapped, iterator: object, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """The end of `async with queue.iterator()`."""
        handing = self._handing(iterator)
        if handing is not None:
            handing.end_all(args[1] if len(args) > 1 else None)
        coroutine: Awaitable[Any] = wrapped(*args, **kwargs)
        return coroutine

    def _handing(self, iterator: object) -> MessageHanding | None:
        if not is_instrumentation_enabled():
            return None
        with fail_open("cannot follow an iterator of aio-pika"):
            handing = self._handings.get(iterator)
            if handing is None:
                handing = MessageHanding(self._tracer, _read, owner=asyncio.current_task)
                self._handings[iterator] = handing
            return handing
        return None


def _read(message: Any) -> Arrived:
    attributes: dict[str, Any] = {
        vocabulary.MESSAGING_SYSTEM: vocabulary.RABBITMQ,
        vocabulary.MESSAGING_RABBITMQ_ROUTING_KEY: message.routing_key,
        vocabulary.MESSAGING_MESSAGE_BODY_SIZE: len(message.body),
    }
    if message.message_id:
        attributes[vocabulary.MESSAGING_MESSAGE_ID] = message.message_id
    attributes |= rabbitmq_dead_letters.origin_attributes(message.headers)
    destination = message.exchange or message.routing_key or ""
    return Arrived(destination, text_headers(message.headers), attributes)
