"""pika: one span a message sent, and process spans that last as long as the handler.

Stock traces each channel of a BlockingConnection twice, so that every message is sent twice in the trace;
ends the span of `for … in channel.consume(queue)` before the handler runs, and leaves it current behind the
loop; does not see consumers of SelectConnection and the other asynchronous connections; and writes the trace
into the caller's own properties.
"""

import copy
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

import wrapt
from opentelemetry import trace
from opentelemetry.instrumentation.pika import PikaInstrumentor, utils
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, unwrap
from opentelemetry.trace import Span
from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.connection import Connection

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging import message_delivery, rabbitmq_dead_letters
from laban.messaging.iteration import Loop
from laban.messaging.message_delivery import Arrived, MessageHanding, text_headers, without_propagation

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Delivery = tuple[Any, Any, Any]
"""Method, properties and body; each None where nothing came in time."""

_stock: Final[Any] = utils
_PUBLISH_PARAMETERS: Final = ("exchange", "routing_key", "body", "properties", "mandatory")
_PROPERTIES: Final = _PUBLISH_PARAMETERS.index("properties")
_CALLBACK: Final = "on_message_callback"
_within_blocking: Final[ContextVar[bool]] = ContextVar("laban-pika-blocking", default=False)


class LabanPikaInstrumentor(PikaInstrumentor):
    """Stock's instrumentor, mended."""

    _instance = None

    def _decorate_channel_function(
        self,
        tracer_provider: Any,
        publish_hook: Any = utils.dummy_callback,
        consume_hook: Any = utils.dummy_callback,
    ) -> None:
        tracer = trace.get_tracer(__name__, tracer_provider=tracer_provider)
        consume_hook = partial(_mark, consume_hook)

        def instrument(channel: Any) -> None:
            with fail_open("cannot trace a channel of pika"):
                self.instrument_channel(channel, tracer_provider, publish_hook, consume_hook)
                channel.basic_publish = partial(_publish, channel.basic_publish)

        def blocking(wrapped: Wrapped, _connection: Any, args: Args, kwargs: Kwargs) -> Any:
            token = _within_blocking.set(True)
            try:
                channel = wrapped(*args, **kwargs)
            finally:
                _within_blocking.reset(token)
            instrument(channel)
            return channel

        def asynchronous(wrapped: Wrapped, _connection: Any, args: Args, kwargs: Kwargs) -> Any:
            channel = wrapped(*args, **kwargs)
            if not _within_blocking.get():  # else the channel below a blocking one, which is traced itself
                instrument(channel)
                with fail_open("cannot trace consumers of pika"):
                    channel.basic_consume = partial(_consume, channel.basic_consume, tracer, consume_hook)
            return channel

        wrapt.wrap_function_wrapper(BlockingConnection, "channel", blocking)
        wrapt.wrap_function_wrapper(Connection, "channel", asynchronous)

    @staticmethod
    def _decorate_queue_consumer_generator(
        tracer_provider: Any, consume_hook: Any = utils.dummy_callback
    ) -> None:
        tracer = trace.get_tracer(__name__, tracer_provider=tracer_provider)
        handings: WeakKeyDictionary[Any, MessageHanding] = WeakKeyDictionary()

        def hook(span: Span, delivery: Delivery) -> None:
            consume_hook(span, delivery[2], delivery[1])

        def consume(wrapped: Wrapped, channel: Any, args: Args, kwargs: Kwargs) -> Any:
            generator = wrapped(*args, **kwargs)
            if not is_instrumentation_enabled():
                return generator
            handing = handings.setdefault(channel, MessageHanding(tracer, _read, hook))
            return Loop(_Deliveries(generator, handing), handing)

        def cancel(wrapped: Wrapped, channel: Any, args: Args, kwargs: Kwargs) -> Any:
            handing = handings.get(channel)
            if handing is not None:
                handing.end()
            return wrapped(*args, **kwargs)

        wrapt.wrap_function_wrapper(BlockingChannel, "consume", consume)
        wrapt.wrap_function_wrapper(BlockingChannel, "cancel", cancel)
        message_delivery.install()

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)
        unwrap(BlockingChannel, "consume")
        unwrap(BlockingChannel, "cancel")
        message_delivery.uninstall()


class _Deliveries:
    """The generator of `channel.consume()`: what it hands out is handled until the next is asked for."""

    def __init__(self, generator: Iterator[Delivery], handing: MessageHanding) -> None:
        self._generator = generator
        self._handing = handing

    def __iter__(self) -> Iterator[Delivery]:
        return self

    def __next__(self) -> Delivery:
        self._handing.end()
        delivery = next(self._generator)
        self._handing.start(delivery)
        return delivery

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generator, name)


def _read(delivery: Delivery) -> Arrived | None:
    method, properties, body = delivery
    if method is None:
        return None
    attributes: dict[str, Any] = {
        vocabulary.MESSAGING_SYSTEM: vocabulary.RABBITMQ,
        vocabulary.MESSAGING_RABBITMQ_ROUTING_KEY: method.routing_key,
        vocabulary.MESSAGING_MESSAGE_BODY_SIZE: len(body),
    }
    if properties.message_id:
        attributes[vocabulary.MESSAGING_MESSAGE_ID] = properties.message_id
    attributes |= rabbitmq_dead_letters.origin_attributes(properties.headers)
    destination = method.exchange or method.routing_key
    return Arrived(destination, text_headers(properties.headers), attributes)


def _mark(hook: Callable[..., Any], span: Span, body: bytes, properties: BasicProperties) -> None:
    """The consume hook of callbacks, with what we have to say before the user's."""
    rabbitmq_dead_letters.mark(span, properties.headers)
    hook(span, body, properties)


def _consume(consume: Wrapped, tracer: Any, hook: Any, *args: Any, **kwargs: Any) -> Any:
    """`channel.basic_consume(queue, on_message_callback)` of an asynchronous connection."""
    with fail_open("cannot trace consumers of pika"):
        callback: Any = kwargs.get(_CALLBACK, args[1] if len(args) > 1 else None)
        if callable(callback):
            traced = _stock._decorate_callback(callback, tracer, "", hook)  # noqa: SLF001 - as stock does
            if _CALLBACK in kwargs:
                kwargs[_CALLBACK] = traced
            else:
                args = (*args[:1], traced, *args[2:])
    return consume(*args, **kwargs)


def _publish(publish: Wrapped, *args: Any, **kwargs: Any) -> Any:
    """`basic_publish` with properties that are nobody else's."""
    if not is_instrumentation_enabled():
        return publish(*args, **kwargs)
    with fail_open("cannot copy properties of pika messages"):
        given = dict(zip(_PUBLISH_PARAMETERS, args, strict=False)) | kwargs
        own = copy.copy(given.get("properties")) or BasicProperties()
        own.headers = without_propagation(own.headers)
        if len(args) > _PROPERTIES:
            args = (*args[:_PROPERTIES], own, *args[_PROPERTIES + 1 :])
        else:
            kwargs["properties"] = own
    return publish(*args, **kwargs)
