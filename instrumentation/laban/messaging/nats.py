"""The instrumentation of nats-py; OpenTelemetry has none.

A published message has a span `send SUBJECT`. A handled message has a span `process SUBJECT`: in a callback,
in `async for message in subscription.messages`, or after `fetch()`. The protocol's own subjects (`$JS.…`,
inboxes) have no spans, because acknowledgements and replies are not business messages.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from functools import partial, wraps
from importlib.util import find_spec
from inspect import iscoroutinefunction
from typing import Any, Final
from weakref import WeakKeyDictionary

import wrapt
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream has no types
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, unwrap
from opentelemetry.trace import SpanKind, Tracer

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging import message_delivery
from laban.messaging.contracts import contract_attributes
from laban.messaging.loops import AsyncLoop
from laban.messaging.message_delivery import (
    MessageDelivery,
    PolledMessages,
    ReceivedMessage,
    receive_next,
    text_headers,
    without_propagation,
)

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_PUBLISH_PARAMETERS: Final = ("subject", "payload", "reply", "headers")
_HEADERS: Final = _PUBLISH_PARAMETERS.index("headers")
_SUBSCRIBE_PARAMETERS: Final = ("subject", "queue", "cb")
_CALLBACK: Final = _SUBSCRIBE_PARAMETERS.index("cb")


class LabanNatsInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # upstream has no types
    """Instruments the client of nats-py."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """The instrumented package."""
        return ("nats-py >= 2.2",)

    def _instrument(self, **kwargs: Any) -> None:
        """Instrument the classes. The only option is `tracer_provider`."""
        if find_spec("nats") is None:  # a distro may load this without checking for nats-py
            return
        tracer = trace.get_tracer(vocabulary.SCOPE_NATS, tracer_provider=kwargs.get("tracer_provider"))
        message_delivery.install()
        tracing = _ClientTracing(tracer)
        for (owner, name), wrapper in _methods().items():
            wrapt.wrap_function_wrapper(owner, name, getattr(tracing, wrapper))

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        for owner, name in _methods():
            unwrap(owner, name)
        message_delivery.uninstall()


def _methods() -> dict[tuple[type, str], str]:
    """Method to wrap → its wrapper in `_ClientTracing`."""
    from nats.aio.client import Client
    from nats.aio.subscription import (
        _SubscriptionMessageIterator as Iterator,  # pyright: ignore[reportPrivateUsage]
    )
    from nats.js.client import JetStreamContext

    return {
        (Client, "publish"): "publish",
        (Client, "subscribe"): "subscribe",
        (Iterator, "__aiter__"): "iterate",
        (Iterator, "__anext__"): "receive",
        (JetStreamContext.PullSubscription, "fetch"): "fetch",
    }


class _ClientTracing:
    """Wrappers for the client's methods."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._deliveries: WeakKeyDictionary[object, MessageDelivery] = WeakKeyDictionary()

    async def publish(self, wrapped: Wrapped, _client: Any, args: Args, kwargs: Kwargs) -> Any:
        """`client.publish(subject, payload, headers=…)`, which requests and JetStream call too."""
        given = dict(zip(_PUBLISH_PARAMETERS, args, strict=False)) | kwargs
        subject = str(given.get("subject"))
        if not is_instrumentation_enabled() or _is_internal(subject):
            return await wrapped(*args, **kwargs)
        attributes = {
            vocabulary.MESSAGING_SYSTEM: vocabulary.NATS,
            vocabulary.MESSAGING_OPERATION_NAME: "send",
            vocabulary.MESSAGING_OPERATION_TYPE: "send",
            vocabulary.MESSAGING_DESTINATION_NAME: subject,
            **contract_attributes(text_headers(given.get("headers")), given.get("payload")),
        }
        with self._tracer.start_as_current_span(
            f"send {subject}", kind=SpanKind.PRODUCER, attributes=attributes
        ):
            with fail_open("cannot propagate the trace over NATS"):
                headers = without_propagation(given.get("headers"))
                propagate.inject(headers)
                if len(args) > _HEADERS:
                    args = (*args[:_HEADERS], headers, *args[_HEADERS + 1 :])
                else:
                    kwargs = {**kwargs, "headers": headers}
            return await wrapped(*args, **kwargs)

    def subscribe(self, wrapped: Wrapped, _client: Any, args: Args, kwargs: Kwargs) -> Any:
        """`client.subscribe(subject, queue, cb)`, which JetStream calls too."""
        with fail_open("cannot trace a NATS subscription"):
            given = dict(zip(_SUBSCRIBE_PARAMETERS, args, strict=False)) | kwargs
            callback = given.get("cb")
            if iscoroutinefunction(getattr(callback, "func", callback)):  # nats-py rejects anything else
                traced = self._traced(callback, given.get("queue") or None)
                if len(args) > _CALLBACK:
                    args = (*args[:_CALLBACK], traced, *args[_CALLBACK + 1 :])
                else:
                    kwargs = {**kwargs, "cb": traced}
        return wrapped(*args, **kwargs)

    def _traced(self, callback: Any, group: str | None) -> Wrapped:
        async def handle(message: Any) -> None:
            span = None
            if is_instrumentation_enabled() and not _is_internal(message.subject):
                with fail_open("cannot start spans of NATS messages"):
                    span = message_delivery.start_processing(self._tracer, message, _read(message, group))
            if span is None:
                await callback(message)
                return
            try:
                with span.kept_open():
                    await callback(message)
            finally:
                span.end()

        return wraps(callback)(handle)

    def iterate(self, wrapped: Wrapped, _iterator: Any, args: Args, kwargs: Kwargs) -> AsyncIterator[Any]:
        """`async for message in subscription.messages`."""
        iterator: AsyncIterator[Any] = wrapped(*args, **kwargs)
        delivery = self._iterator_delivery(iterator)
        return iterator if delivery is None else AsyncLoop(iterator, delivery)

    def receive(self, wrapped: Wrapped, iterator: Any, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """`anext(subscription.messages)`, which a loop calls too."""
        return receive_next(wrapped, self._iterator_delivery(iterator), args, kwargs)

    async def fetch(self, wrapped: Wrapped, subscription: Any, args: Args, kwargs: Kwargs) -> Any:
        """`subscription.fetch()` of JetStream."""
        delivery = self._delivery(subscription, lambda: subscription._consumer)  # noqa: SLF001 - the consumer's name
        if delivery is None:
            return await wrapped(*args, **kwargs)
        delivery.end()
        fetched = await wrapped(*args, **kwargs)
        with fail_open("cannot trace the messages of fetch()"):
            return PolledMessages(fetched, delivery)
        return fetched

    def _iterator_delivery(self, iterator: Any) -> MessageDelivery | None:
        return self._delivery(iterator, lambda: iterator._sub.queue)  # noqa: SLF001 - the subscription's queue group

    def _delivery(self, receiver: object, group: Callable[[], str]) -> MessageDelivery | None:
        if not is_instrumentation_enabled():
            return None
        with fail_open("cannot trace a NATS subscription"):
            delivery = self._deliveries.get(receiver)
            if delivery is None:
                read = partial(_read, group=group() or None)
                delivery = MessageDelivery(self._tracer, read, owner=asyncio.current_task)
                self._deliveries[receiver] = delivery
            return delivery
        return None


def _read(message: Any, group: str | None) -> ReceivedMessage:
    attributes: dict[str, Any] = {
        vocabulary.MESSAGING_SYSTEM: vocabulary.NATS,
        vocabulary.MESSAGING_MESSAGE_BODY_SIZE: len(message.data),
    }
    if group is not None:
        attributes[vocabulary.MESSAGING_CONSUMER_GROUP_NAME] = group
    return ReceivedMessage(message.subject, text_headers(message.headers), attributes, message.data)


def _is_internal(subject: str) -> bool:
    """Whether a subject belongs to the protocol: JetStream's API, acknowledgements, reply inboxes."""
    return subject.startswith(("$", "_INBOX."))
