"""pika: one send span per message, and process spans that last as long as the handler.

Upstream traces each channel of a BlockingConnection twice, so every message has two send spans. It ends the
span of `for … in channel.consume(queue)` before the handler runs, and leaves it current after the loop. It
does not trace consumers of SelectConnection and the other asynchronous connections. It writes the trace
context into the caller's properties.
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
from laban.messaging.loops import Loop
from laban.messaging.message_delivery import (
    MessageDelivery,
    ReceivedMessage,
    amqp_contract,
    text_headers,
    without_propagation,
)

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
PikaMessage = tuple[Any, Any, Any]
"""Method, properties and body; all None if no message came in time."""

_utils: Final[Any] = utils
_PUBLISH_PARAMETERS: Final = ("exchange", "routing_key", "body", "properties", "mandatory")
_PROPERTIES: Final = _PUBLISH_PARAMETERS.index("properties")
_CALLBACK: Final = "on_message_callback"
_inside_blocking: Final[ContextVar[bool]] = ContextVar("laban-pika-blocking", default=False)


class LabanPikaInstrumentor(PikaInstrumentor):
    """Upstream's instrumentor, patched."""

    _instance = None

    def _decorate_channel_function(
        self,
        tracer_provider: Any,
        publish_hook: Any = utils.dummy_callback,
        consume_hook: Any = utils.dummy_callback,
    ) -> None:
        tracer = trace.get_tracer(vocabulary.SCOPE_PIKA, tracer_provider=tracer_provider)
        consume_hook = partial(_set_origin, consume_hook)
        publish_hook = partial(_set_contract, publish_hook)

        def instrument(channel: Any) -> None:
            with fail_open("cannot trace a pika channel"):
                self.instrument_channel(channel, tracer_provider, publish_hook, consume_hook)
                channel.basic_publish = partial(_publish, channel.basic_publish)

        def blocking(wrapped: Wrapped, _connection: Any, args: Args, kwargs: Kwargs) -> Any:
            token = _inside_blocking.set(True)
            try:
                channel = wrapped(*args, **kwargs)
            finally:
                _inside_blocking.reset(token)
            instrument(channel)
            return channel

        def asynchronous(wrapped: Wrapped, _connection: Any, args: Args, kwargs: Kwargs) -> Any:
            channel = wrapped(*args, **kwargs)
            if not _inside_blocking.get():  # the blocking channel above this one is traced instead
                instrument(channel)
                with fail_open("cannot trace pika consumers"):
                    channel.basic_consume = partial(_consume, channel.basic_consume, tracer, consume_hook)
            return channel

        wrapt.wrap_function_wrapper(BlockingConnection, "channel", blocking)
        wrapt.wrap_function_wrapper(Connection, "channel", asynchronous)

    @staticmethod
    def _decorate_queue_consumer_generator(
        tracer_provider: Any, consume_hook: Any = utils.dummy_callback
    ) -> None:
        tracer = trace.get_tracer(vocabulary.SCOPE_PIKA, tracer_provider=tracer_provider)
        deliveries: WeakKeyDictionary[Any, MessageDelivery] = WeakKeyDictionary()

        def hook(span: Span, message: PikaMessage) -> None:
            consume_hook(span, message[2], message[1])

        def consume(wrapped: Wrapped, channel: Any, args: Args, kwargs: Kwargs) -> Any:
            generator = wrapped(*args, **kwargs)
            if not is_instrumentation_enabled():
                return generator
            delivery = deliveries.setdefault(channel, MessageDelivery(tracer, _read, hook))
            return Loop(_TracedGenerator(generator, delivery), delivery)

        def cancel(wrapped: Wrapped, channel: Any, args: Args, kwargs: Kwargs) -> Any:
            delivery = deliveries.get(channel)
            if delivery is not None:
                delivery.end()
            return wrapped(*args, **kwargs)

        wrapt.wrap_function_wrapper(BlockingChannel, "consume", consume)
        wrapt.wrap_function_wrapper(BlockingChannel, "cancel", cancel)
        message_delivery.install()

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)
        unwrap(BlockingChannel, "consume")
        unwrap(BlockingChannel, "cancel")
        message_delivery.uninstall()


class _TracedGenerator:
    """The generator of `channel.consume()`; each message's span ends when the next message is requested."""

    def __init__(self, generator: Iterator[PikaMessage], delivery: MessageDelivery) -> None:
        self._generator = generator
        self._delivery = delivery

    def __iter__(self) -> Iterator[PikaMessage]:
        return self

    def __next__(self) -> PikaMessage:
        self._delivery.end()
        message = next(self._generator)
        self._delivery.start(message)
        return message

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generator, name)


def _read(message: PikaMessage) -> ReceivedMessage | None:
    method, properties, body = message
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
    attributes |= amqp_contract(properties, body)
    destination = method.exchange or method.routing_key
    return ReceivedMessage(destination, text_headers(properties.headers), attributes)


def _set_origin(hook: Callable[..., Any], span: Span, body: bytes, properties: BasicProperties) -> None:
    """The consume hook for callbacks: sets the origin and the type of the message, then calls the user's."""
    rabbitmq_dead_letters.set_origin(span, properties.headers)
    _set_contract(hook, span, body, properties)


def _set_contract(hook: Callable[..., Any], span: Span, body: bytes, properties: BasicProperties) -> None:
    """The publish hook: says what the message is, then calls the user's hook."""
    span.set_attributes(amqp_contract(properties, body))
    hook(span, body, properties)


def _consume(consume: Wrapped, tracer: Any, hook: Any, *args: Any, **kwargs: Any) -> Any:
    """`channel.basic_consume(queue, on_message_callback)` of an asynchronous connection."""
    with fail_open("cannot trace pika consumers"):
        callback: Any = kwargs.get(_CALLBACK, args[1] if len(args) > 1 else None)
        if callable(callback):
            traced = _utils._decorate_callback(callback, tracer, "", hook)  # noqa: SLF001 - as in upstream
            if _CALLBACK in kwargs:
                kwargs[_CALLBACK] = traced
            else:
                args = (*args[:1], traced, *args[2:])
    return consume(*args, **kwargs)


def _publish(publish: Wrapped, *args: Any, **kwargs: Any) -> Any:
    """`basic_publish` with a copy of the caller's properties."""
    if not is_instrumentation_enabled():
        return publish(*args, **kwargs)
    with fail_open("cannot copy properties of pika messages"):
        given = dict(zip(_PUBLISH_PARAMETERS, args, strict=False)) | kwargs
        properties = copy.copy(given.get("properties")) or BasicProperties()
        properties.headers = without_propagation(properties.headers)
        if len(args) > _PROPERTIES:
            args = (*args[:_PROPERTIES], properties, *args[_PROPERTIES + 1 :])
        else:
            kwargs["properties"] = properties
    return publish(*args, **kwargs)
